// Faults of Python programs as Python exceptions.
//
// A fault is a program's where it hits an access that was made for it: in native code, or in C that
// reads and writes memory which Python names (kernel.ld lists those objects), or in a memory function
// called from there. Anywhere else in the interpreter it comes from an object that the interpreter has
// believed without a look: an exception as well, which says so, as long as the heap is whole. In the
// allocator, the collector and the rest of the kernel, or with nothing there to catch it, it is a
// panic.
#ifndef RINGZERO_MPY_FAULT_H
#define RINGZERO_MPY_FAULT_H

#include <stddef.h>
#include <stdint.h>

// From here on they are; before, every fault is a panic.
void fault_init(void);

// FaultError for an address that has no place in the two halves of 48 bits: the CPU's own fault there
// does not say which address it was (SDM 1 3.3.7.1).
void fault_check_canonical(uint64_t addr);

// FaultError for a #GP that another CPU has had for this one.
__attribute__((noreturn)) void fault_raise_protection(void);

// FaultError for what firmware has done, with what the trap said of it: `addr` is a page fault's.
__attribute__((noreturn)) void fault_raise_firmware(uint64_t vector, uint64_t addr, uint64_t error, uint64_t rip);

// Reads of a range what makes it fault, if anything does: for code that must not fault on its way.
void fault_probe(const void *start, size_t size);

#endif
