// The word and the unit that a CPU takes frames from. Private to port/frames/.
#ifndef RINGZERO_FRAMES_HOLD_H
#define RINGZERO_FRAMES_HOLD_H

#include "frames_lock.h"
#include "frames_state.h"

// Give back what the hold may have: frames of its word or chunks of its unit, whose other free ones
// are in *bits. Entered.
static inline frames_status_t put_held(struct hold *hold, const uint64_t *bits, uint64_t mask) {
    if ((hold->mask | GET(bits)) & mask) {
        return FRAMES_BAD_FREE;
    }
    PUT(&hold->mask, hold->mask | mask);
    return FRAMES_OK;
}

uint64_t *frames_bits_of(unsigned kind, size_t index);  // Where a word's or unit's free bits are.
bool frames_claim(struct hold *hold, unsigned kind, size_t index);     // False: it is somebody's;
void frames_claimed(struct hold *hold, unsigned kind, uint64_t mask, uint64_t addr);    // else next.
uint64_t frames_claim_free(struct hold *hold, unsigned kind, size_t index, uint64_t valid,
    uint64_t addr);                         // Both: take what is free, and return that.
void frames_unclaim(struct hold *hold, unsigned kind);
bool frames_hand_back(struct cpu *c, unsigned kind);    // Give up a hold; whether it had anything.
bool frames_put_own(struct cpu *c, unsigned kind, size_t index, uint64_t mask,
    frames_status_t *status);               // False if this CPU has not claimed it.
bool frames_held(unsigned kind, size_t index, uint64_t mask);   // A CPU holds some of these.

// With one CPU: frames come from this word, which is in this chunk: frees must look closer, or from
// elsewhere next; or there is none.
void frames_aim(size_t word, uint64_t valid, uint64_t addr);
void frames_guard_word(size_t slot);
void frames_leave_word(struct cpu *c);
void frames_aim_nowhere(struct cpu *c);

#endif // RINGZERO_FRAMES_HOLD_H
