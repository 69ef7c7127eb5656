// Exceptions and interrupts as the stubs in vectors.S hand them over.
#ifndef RINGZERO_CPU_TRAP_H
#define RINGZERO_CPU_TRAP_H

#include <stdbool.h>
#include <stdint.h>

// What lies on the trap's stack, lowest address first.
typedef struct trap_frame {
    uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
    uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
    uint64_t vector;
    uint64_t error; // 0 where the CPU pushes none
    uint64_t rip, cs, rflags, rsp, ss;
} trap_frame_t;

enum {
    TRAP_EXCEPTIONS = 32, // vectors below this are the CPU's own (SDM 3A 6.3.1)
};

// "page fault" and so on; "reserved" for a vector that SDM 3A table 6-1 does not name.
const char *trap_name(unsigned vector);

// Runs with interrupts off on the trap's own stack. True: it may return to *frame, which the handler
// may have changed. False: nobody knows what to do about it, and the kernel panics.
typedef bool (*trap_handler_t)(trap_frame_t *frame);

// For one exception; there is none at the start. Returns the one before.
trap_handler_t trap_set_handler(unsigned vector, trap_handler_t handler);

// On this CPU: sees every trap, interrupts too, before anybody else does, and may refuse it. 0: nobody.
void trap_set_first(trap_handler_t handler);

// Makes the trap return to a function, on the stack that it came on and as if called from there, with
// the FPU and the flags as C expects them. Its arguments are the frame's registers.
void trap_return_to(trap_frame_t *frame, void (*function)(void));

// Called by the stubs, on the trap's own stack.
void trap_handle(trap_frame_t *frame);

#endif
