// The word and the unit that a CPU takes frames from. Private to port/frames/.
#ifndef RINGZERO_FRAMES_RESERVATION_H
#define RINGZERO_FRAMES_RESERVATION_H

#include "frames_lock.h"
#include "frames_state.h"

// Give back what the reservation may have: frames of its word or chunks of its unit, whose other
// free ones are in *bits. Entered.
static inline frames_status_t put_reserved(struct reservation *r, const uint64_t *bits,
    uint64_t mask) {
    if ((r->mask | GET(bits)) & mask) {
        return FRAMES_BAD_FREE;
    }
    PUT(&r->mask, r->mask | mask);
    return FRAMES_OK;
}

uint64_t *frames_bits_of(unsigned kind, size_t index);  // Where a word's or unit's free bits are.
// Claim a word or unit, if it is nobody's; then say what is reserved of it. Or both at once, for what
// is free there; that is returned.
bool frames_claim(struct reservation *r, unsigned kind, size_t index);
void frames_claimed(struct reservation *r, unsigned kind, uint64_t mask, uint64_t addr);
uint64_t frames_claim_free(struct reservation *r, unsigned kind, size_t index, uint64_t valid,
    uint64_t addr);
void frames_unclaim(struct reservation *r, unsigned kind);
bool frames_release(struct cpu *c, unsigned kind);   // Give it up; whether it had anything.
bool frames_put_own(struct cpu *c, unsigned kind, size_t index, uint64_t mask,
    frames_status_t *status);               // False if this CPU has not claimed it.
bool frames_is_reserved(unsigned kind, size_t index, uint64_t mask);    // A CPU has some of these.

// With one CPU: frames come from this word, which is in this chunk: frees must look closer, or from
// elsewhere next; or there is none.
void frames_use_word(size_t word, uint64_t valid, uint64_t addr);
void frames_guard_word(size_t slot);
void frames_leave_word(struct cpu *c);
void frames_use_no_word(struct cpu *c);

#endif // RINGZERO_FRAMES_RESERVATION_H
