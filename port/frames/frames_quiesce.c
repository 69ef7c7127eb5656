// All CPUs stop, and give back what they have.
#include "frames_hold.h"
#include "frames_quiesce.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_zone.h"

// With one CPU: mark what only the current word knows of.
void frames_expose(void) {
    struct cpu *c = &self.one;
    if (c->hold[WORD].index != NONE && (*c->take & c->hold[WORD].mask)) {
        frames_mark(SOME, c->hold[WORD].index / LINE_WORDS);
    }
}

void frames_close(void) {
    if (!self.shared) {
        frames_drop(&self.one);
        return;
    }
    for (unsigned i = 0; i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].closed, 1, __ATOMIC_SEQ_CST);
    }
    frames_cpus_sync();
    for (unsigned i = 0; i < self.cpus; ++i) {
        while (__atomic_load_n(&self.cpu[i].busy, __ATOMIC_ACQUIRE)) {
            frames_cpu_wait();
        }
        frames_drop(&self.cpu[i]);
        frames_hand_back(&self.cpu[i], UNIT);
    }
}

void frames_open(void) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].closed, 0, __ATOMIC_RELEASE);
    }
}
