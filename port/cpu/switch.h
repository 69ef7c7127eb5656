// Changing from one stack to another.
#ifndef RINGZERO_CPU_SWITCH_H
#define RINGZERO_CPU_SWITCH_H

#include <stdint.h>

// What a stack looks like whose owner does not run, lowest address first: what a function keeps for its
// caller (System V ABI, AMD64, 3.2.3), and where it goes on.
typedef struct {
    uint32_t mxcsr;
    uint32_t fcw;
    uint64_t r15, r14, r13, r12, rbx, rbp;
    void (*rip)(void);
} cpu_switch_t;

// Writes the caller's to *from and goes on with `to`; returns when somebody goes on with *from.
void cpu_switch(cpu_switch_t **from, cpu_switch_t *to);

// Makes a stack that ends at top, a multiple of 16, and on which function is called. It has nowhere to
// return to. Stack traces end where rbp is top.
static inline cpu_switch_t *cpu_switch_prepare(uint64_t top, void (*function)(void)) {
    enum { MXCSR_START = 0x1f80, FCW_START = 0x37f }; // SDM 1 table 10-2: as after a reset
    // At a function's start the stack is 8 bytes off a multiple of 16.
    cpu_switch_t *state = (cpu_switch_t *)(top - sizeof(uint64_t)) - 1;
    *state = (cpu_switch_t) { .mxcsr = MXCSR_START, .fcw = FCW_START, .rbp = top, .rip = function };
    return state;
}

#endif
