// A call of firmware's code, by its conventions and on page tables of its own.
#ifndef RINGZERO_CPU_FIRMWARE_CALL_H
#define RINGZERO_CPU_FIRMWARE_CALL_H

#include <stdint.h>

// UEFI 2.10, 2.3.4.2: the stack at a call, up to its return address: room for the arguments in rcx, rdx, r8
// and r9, and then those that come after them.
#define FIRMWARE_CALL_REGISTERS 4

// Calls a function on the page tables at `root` and the stack at `stack`, a multiple of 16, where all its
// arguments lie, four at least. Interrupts are off. What it returns. On both page tables this CPU's own data
// and the kernel's code are where they are.
uint64_t firmware_call(uint64_t function, uint64_t stack, uint64_t root);

// Where it goes on after the call, whatever the stack and the page tables: a trap can return to here.
extern char firmware_call_end[];

#endif
