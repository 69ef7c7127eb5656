#include "boot/percpu.h"
#include "cpu/irq.h"
#include "cpu/trap.h"
#include "panic.h"

enum {
    // SDM 1 3.4.3: single step, direction, nested task, resume, alignment check.
    RFLAGS_CLEARED = 1 << 8 | 1 << 10 | 1 << 14 | 1 << 16 | 1 << 18,
    RED_ZONE = 128,
    // SDM 1 10.5.1 and table 10-2: where FXSAVE has them, and what they start with.
    FXSAVE_SIZE = 512,
    FXSAVE_FCW = 0,
    FXSAVE_FSW = 2,
    FXSAVE_FTW = 4,
    FXSAVE_MXCSR = 24,
    FCW_START = 0x37f,
    MXCSR_START = 0x1f80,
};

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
PERCPU static trap_handler_t first;

trap_handler_t trap_set_handler(unsigned vector, trap_handler_t handler) {
    trap_handler_t before = handlers[vector];
    handlers[vector] = handler;
    return before;
}

void trap_return_to(trap_frame_t *frame, void (*function)(void)) {
    uint8_t *fpu = (uint8_t *)frame - FXSAVE_SIZE;
    *(uint16_t *)(fpu + FXSAVE_FCW) = FCW_START;
    *(uint16_t *)(fpu + FXSAVE_FSW) = 0;
    *(uint16_t *)(fpu + FXSAVE_FTW) = 0;
    *(uint32_t *)(fpu + FXSAVE_MXCSR) = MXCSR_START;
    frame->rip = (uint64_t)function;
    frame->rsp = ((frame->rsp - RED_ZONE) & ~UINT64_C(15)) - sizeof(uint64_t);
    frame->rflags &= ~(uint64_t)RFLAGS_CLEARED;
}

void trap_set_first(trap_handler_t handler) {
    first = handler;
}

void trap_handle(trap_frame_t *frame) {
    if (first != 0 && first(frame)) {
        return;
    }
    if (frame->vector >= TRAP_EXCEPTIONS) {
        irq_handle(frame);
        return;
    }
    trap_handler_t handler = handlers[frame->vector];
    if (handler == 0 || !handler(frame)) {
        panic_trap(frame);
    }
}
