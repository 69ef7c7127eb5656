// The end of everything: a message, registers where there are any, and a status of its own.
#ifndef RINGZERO_PANIC_H
#define RINGZERO_PANIC_H

// Prints "panic: " and the message and ends the machine.
__attribute__((noreturn)) void panic(const char *message);

// The same for an exception that nothing handles.
struct trap_frame;
__attribute__((noreturn)) void panic_trap(const struct trap_frame *frame);

#endif
