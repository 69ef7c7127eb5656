// The end of everything: a message, registers where there are any, and a status of its own.
#ifndef RINGZERO_PANIC_H
#define RINGZERO_PANIC_H

// Prints "panic: " and the message and ends the machine.
__attribute__((noreturn)) void panic(const char *message);

#endif
