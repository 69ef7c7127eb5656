// What frozen Python tells main.c to do after it.
#ifndef RINGZERO_MAIN_H
#define RINGZERO_MAIN_H

#include <stdbool.h>
#include <stddef.h>

// Runs the program at path in place of the start files and the prompt. False: the path is too long.
bool main_set_program(const char *path, size_t len);
// Ctrl-D at the prompt ends the machine in place of a soft reset.
void main_set_eof_is_poweroff(bool on);
// Whether _boot.py is over: what it sets up is not for programs.
bool main_has_started(void);

// The first C function, called by the boot code with the descriptor tables in place.
__attribute__((noreturn)) void kernel_main(void);

#endif
