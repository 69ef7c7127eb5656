// The lock, and who may change what a CPU has for itself.
#include "frames_lock.h"
#include "frames_state.h"

uint64_t frames_nothing;
uint64_t frames_all_free = ALL;
struct state frames_state = FRAMES_STATE_START;

NOINLINE frames_status_t frames_wait_for_map(void) {
    while (!__atomic_load_n(&self.ready_to_use, __ATOMIC_ACQUIRE)) {
        if (frames_cpu() == 0) {
            return FRAMES_NO_MAP;
        }
        frames_cpu_wait();
    }
    return FRAMES_OK;
}

NOINLINE void frames_enter_slowly(struct cpu *c) {
    do {
        leave(c);
        while (GET(&c->quiesced)) {
            frames_cpu_wait();
        }
    } while (!try_enter(c));
}
