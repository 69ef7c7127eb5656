// All CPUs stop, and give back what they have.
#include "frames_quiesce.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_zone.h"

// With one CPU: mark what only the current word knows of.
void frames_expose(void) {
    struct cpu *c = &self.one;
    if (c->reservation[WORD].index != NONE && (*c->take & c->reservation[WORD].mask)) {
        frames_mark(PARTIAL, c->reservation[WORD].index / LINE_WORDS);
    }
}

void frames_quiesce(void) {
    if (!self.shared) {
        frames_drop(&self.one);
        return;
    }
    for (unsigned i = 0; i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].quiesced, 1, __ATOMIC_SEQ_CST);
    }
    frames_cpus_sync();
    for (unsigned i = 0; i < self.cpus; ++i) {
        while (__atomic_load_n(&self.cpu[i].busy, __ATOMIC_ACQUIRE)) {
            frames_cpu_wait();
        }
        frames_drop(&self.cpu[i]);
        frames_release(&self.cpu[i], UNIT);
    }
}

void frames_resume(void) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].quiesced, 0, __ATOMIC_RELEASE);
    }
}
