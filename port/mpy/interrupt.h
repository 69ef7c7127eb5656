// Ctrl-C where nobody looks whether it has been pressed. For a second it waits for somebody who does.
// Then the timer's interrupt raises KeyboardInterrupt itself, wherever that is sound: in machine code of
// Python's, in C that only computes (kernel.ld lists it), at the next call of a function that may raise
// whatever it is called with, and in callbacks, which otherwise do not look. Pressed for the third time
// it ends the program and its heap. With threads it is the main thread's; one that does not let that have
// its turn within the second gets it itself.
//
// Hard callbacks run in an interrupt, with all interrupts held back but the one that watches them: from
// there the same is done, once a callback has taken a second itself.
//
// What it does not end: code that turns interrupts off, and, before the third time, file systems, the
// compiler and everything else in C that may be in the middle of a change.
#ifndef RINGZERO_MPY_INTERRUPT_H
#define RINGZERO_MPY_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "py/nlr.h"

void interrupt_init(void);
// On every other CPU.
void interrupt_join(void);

// The interrupt character has come; interrupts are off.
void interrupt_press(void);

// Where the third Ctrl-C goes to: the handler of the kernel's own, whose value is then NULL.
void interrupt_set_end(nlr_buf_t *end);

// Goes to that handler now, or as soon as nothing of the kernel's is in the middle; interrupts are off.
void interrupt_end(void);

// Raises KeyboardInterrupt if Ctrl-C has waited for its second, where Python's own code is to catch it:
// for C that takes its time and can be left.
void interrupt_check(void);

// Lets other threads run whose turn it is, and gives the main one what has come for it.
void interrupt_take_turns(void);

// Has the program look at what is pending, at its next step. Interrupts are off.
void interrupt_ask(void);

// Ctrl-C is nobody's any more.
void interrupt_drop(void);

// What was done to make a callback look is undone.
void interrupt_settle(void);

// Calls Python's hard callbacks. In an interrupt it is on the interrupt's stack, which the stack check
// then knows, and can be ended.
void interrupt_call(void (*function)(void *), void *context);
// 0: that can be done now, in an interrupt, and not inside another one, nor while it is held or a dictionary
// is being changed; anywhere where no timer interrupts. Else whoever has something to call does it from a
// timer, or tries again after so many ns.
uint64_t interrupt_wait_ns(void);

// For whoever must not be come between: holds the calls until it lets them go. And how many there have been.
void interrupt_hold(bool hold);
unsigned interrupt_count(void);

#endif
