// Exceptions and interrupts as the stubs in vectors.S hand them over.
#ifndef RINGZERO_CPU_TRAP_H
#define RINGZERO_CPU_TRAP_H

#include <stdint.h>

// What lies on the trap's stack, lowest address first.
typedef struct {
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

// Called by the stubs, on the trap's own stack.
void trap_handle(trap_frame_t *frame);

// Provided by the port: an exception that nothing handles.
__attribute__((noreturn)) void panic_trap(const trap_frame_t *frame);

#endif
