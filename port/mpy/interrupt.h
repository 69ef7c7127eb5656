// Ctrl-C where nobody looks whether it has been pressed. For a second it waits for somebody who does.
// Then the timer's interrupt raises KeyboardInterrupt itself, wherever that is sound: in machine code of
// Python's, in C that only computes (kernel.ld lists it), at the next call of a function that may raise
// whatever it is called with, and in callbacks, which otherwise do not look. Pressed for the third time
// it ends the program and its heap.
//
// What it does not end: code that runs with interrupts off, and, before the third time, file systems, the
// compiler and everything else in C that may be in the middle of a change.
#ifndef RINGZERO_MPY_INTERRUPT_H
#define RINGZERO_MPY_INTERRUPT_H

#include "py/nlr.h"

void interrupt_init(void);

// The interrupt character has come; interrupts are off.
void interrupt_press(void);

// Where the third Ctrl-C goes to: the handler of the kernel's own, whose value is then NULL.
void interrupt_set_end(nlr_buf_t *end);

// A callback has ended: what was done to make it look is undone.
void interrupt_settle(void);

#endif
