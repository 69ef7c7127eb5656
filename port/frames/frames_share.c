// From one CPU to several.
#include "frames_bound.h"
#include "frames_quiesce.h"
#include "frames_reserve.h"
#include "frames_state.h"

frames_status_t frames_share(unsigned cpus) {
    FRAMES_ASSERT_CONTEXT();
    if (!self.ready_to_use) {
        return FRAMES_NO_MAP;
    }
    if (cpus == 0 || cpus > FRAMES_CPUS_MAX || (self.shared && cpus > self.cpus)) {
        return FRAMES_BAD_ARGUMENT;
    }
    if (cpus <= self.cpus) {
        return FRAMES_OK;
    }
    size_t groups = (self.slots + GROUP_SLOTS - 1) / GROUP_SLOTS;
    uint64_t cpu_bytes = cpus * sizeof(struct cpu);
    frames_expose();
    frames_quiesce();
    uint8_t *base = frames_take_metadata(round_up(cpu_bytes + groups * GROUP_SLOTS, FRAMES_SIZE));
    if (base == NULL) {
        return FRAMES_NO_MEMORY;
    }
    // The search for that may have left a word in hand.
    frames_expose();
    frames_quiesce();
    self.cpu = (struct cpu *)(void *)base;
    self.claims = base + cpu_bytes;
    for (unsigned i = 0; i < cpus; ++i) {
        self.cpu[i] = (struct cpu)FRAMES_CPU_START(&self.cpu[i].reservation[WORD].mask);
    }
    for (size_t slot = 0; slot < groups * GROUP_SLOTS; ++slot) {
        self.claims[slot] = 0;
    }
    // Whatever has no bound is plain now: frees look for the rest by themselves.
    for (size_t slot = 0; slot < self.ready; ++slot) {
        uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
        uint64_t *plain = &self.groups[slot / GROUP_SLOTS].plain;
        *plain = self.bounds[slot] == UNKNOWN ? *plain | mask : *plain & ~mask;
    }
    self.cpus = cpus;
    __atomic_store_n(&self.shared, 1, __ATOMIC_RELEASE);
    return FRAMES_OK;
}
