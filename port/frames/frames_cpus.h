// The lock, and what each CPU has for itself. Private to port/frames/.
#ifndef RINGZERO_FRAMES_CPUS_H
#define RINGZERO_FRAMES_CPUS_H

#include "frames_state.h"

frames_status_t frames_not_ready(void);     // FRAMES_OK once there is a map; may wait.
void frames_lock(void);
void frames_unlock(void);
void frames_enter_slowly(struct cpu *c);

// What a CPU holds is changed without an atomic: `busy` says that it is being changed. Who wants it
// sets `closed` and then makes every CPU pass a barrier. After that, either the CPU has seen
// `closed` or its `busy` can be seen, although nothing but the compiler keeps the two in order here.
static inline bool try_enter(struct cpu *c) {
    PUT(&c->busy, 1);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return LIKELY(!__atomic_load_n(&c->closed, __ATOMIC_ACQUIRE));
}

static inline void leave(struct cpu *c) {
    __atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}

static inline void enter(struct cpu *c) {
    if (!try_enter(c)) {
        frames_enter_slowly(c);
    }
}

// Give back what the hold may have: frames of its word or chunks of its unit, whose other free ones
// are in *bits. Entered.
static inline frames_status_t put_held(struct hold *hold, const uint64_t *bits, uint64_t mask) {
    if ((hold->mask | GET(bits)) & mask) {
        return FRAMES_BAD_FREE;
    }
    PUT(&hold->mask, hold->mask | mask);
    return FRAMES_OK;
}

// enter() and leave() where there may be one CPU only, which has nobody to tell.
static inline void frames_enter(struct cpu *c) {
    if (self.shared) {
        enter(c);
    }
}

static inline void frames_leave(struct cpu *c) {
    if (self.shared) {
        leave(c);
    }
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
void frames_drop(struct cpu *c);            // Give up the word that frames come from.
void frames_close(void);                    // Locked: stop every CPU and take back what it has,
void frames_expose(void);                   // Locked: show all free frames to a search.
void frames_open(void);                     // and let them go on.
void frames_prefer(size_t slot);            // Something became free in this chunk.
size_t frames_zone_end(size_t slot);        // The end of the zone of a slot.
void frames_enter_zone(struct cpu *c, size_t slot); // The word is in a better zone now.

#endif // RINGZERO_FRAMES_CPUS_H
