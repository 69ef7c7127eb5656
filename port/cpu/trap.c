#include "cpu/irq.h"
#include "cpu/trap.h"
#include "panic.h"

// SDM 3A table 6-1; AMD APM 2 table 8-1 for 28 to 30.
static const char *const names[TRAP_EXCEPTIONS] = {
    [0] = "divide error",
    [1] = "debug",
    [2] = "NMI",
    [3] = "breakpoint",
    [4] = "overflow",
    [5] = "bound range exceeded",
    [6] = "invalid opcode",
    [7] = "device not available",
    [8] = "double fault",
    [10] = "invalid TSS",
    [11] = "segment not present",
    [12] = "stack fault",
    [13] = "general protection",
    [14] = "page fault",
    [16] = "x87 floating point",
    [17] = "alignment check",
    [18] = "machine check",
    [19] = "SIMD floating point",
    [20] = "virtualization",
    [21] = "control protection",
    [28] = "hypervisor injection",
    [29] = "VMM communication",
    [30] = "security",
};

const char *trap_name(unsigned vector) {
    if (vector < TRAP_EXCEPTIONS && names[vector] != 0) {
        return names[vector];
    }
    return "reserved";
}

static trap_handler_t handlers[TRAP_EXCEPTIONS];

void trap_set_handler(unsigned vector, trap_handler_t handler) {
    handlers[vector] = handler;
}

void trap_handle(trap_frame_t *frame) {
    if (frame->vector >= TRAP_EXCEPTIONS) {
        irq_handle(frame->vector);
        return;
    }
    trap_handler_t handler = handlers[frame->vector];
    if (handler == 0 || !handler(frame)) {
        panic_trap(frame);
    }
}
