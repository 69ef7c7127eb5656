// The lock, and who may change what a CPU has for itself. Private to port/frames/.
#ifndef RINGZERO_FRAMES_LOCK_H
#define RINGZERO_FRAMES_LOCK_H

#include "frames_state.h"

frames_status_t frames_wait_for_map(void);

// FRAMES_OK once there is a map; may wait.
static inline frames_status_t frames_not_ready(void) {
    return LIKELY(__atomic_load_n(&self.ready_to_use, __ATOMIC_ACQUIRE)) ? FRAMES_OK : frames_wait_for_map();
}

// In no order: whoever stands first in a queue may be a virtual CPU that its host does not run now, and
// all behind it would wait for that.
static inline void frames_lock(void) {
    while (self.shared && __atomic_exchange_n(&self.locked, 1, __ATOMIC_ACQUIRE)) {
        while (__atomic_load_n(&self.locked, __ATOMIC_RELAXED)) {
            frames_cpu_wait();
        }
    }
}

static inline void frames_unlock(void) {
    if (self.shared) {
        __atomic_store_n(&self.locked, 0, __ATOMIC_RELEASE);
    }
}

void frames_enter_slowly(struct cpu *c);

// What a CPU has reserved is changed without an atomic: `busy` says that it is being changed. Who
// wants it sets `quiesced` and then makes every CPU pass a barrier. After that, either the CPU has
// seen `quiesced` or its `busy` can be seen, although nothing but the compiler keeps the two in order
// here.
static inline bool try_enter(struct cpu *c) {
    PUT(&c->busy, 1);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    return LIKELY(!__atomic_load_n(&c->quiesced, __ATOMIC_ACQUIRE));
}

static inline void leave(struct cpu *c) {
    __atomic_store_n(&c->busy, 0, __ATOMIC_RELEASE);
}

static inline void enter(struct cpu *c) {
    if (!try_enter(c)) {
        frames_enter_slowly(c);
    }
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

#endif // RINGZERO_FRAMES_LOCK_H
