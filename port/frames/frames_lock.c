// The lock, and who may change what a CPU has for itself.
#include "frames_lock.h"
#include "frames_state.h"

uint64_t frames_nothing;
uint64_t frames_all_free = ALL;
struct state frames_state = FRAMES_STATE_START;

frames_status_t frames_not_ready(void) {
    while (!__atomic_load_n(&self.ready_to_use, __ATOMIC_ACQUIRE)) {
        if (frames_cpu() == 0) {
            return FRAMES_NO_MAP;
        }
        frames_cpu_wait();
    }
    return FRAMES_OK;
}

void frames_lock(void) {
    if (self.shared) {
        uint32_t ticket = __atomic_fetch_add(&self.ticket, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&self.serving, __ATOMIC_ACQUIRE) != ticket) {
            frames_cpu_wait();
        }
    }
}

void frames_unlock(void) {
    if (self.shared) {
        __atomic_store_n(&self.serving, self.serving + 1, __ATOMIC_RELEASE);
    }
}

NOINLINE void frames_enter_slowly(struct cpu *c) {
    do {
        leave(c);
        while (GET(&c->quiesced)) {
            frames_cpu_wait();
        }
    } while (!try_enter(c));
}
