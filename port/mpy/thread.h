// Threads of Python, on one CPU, of which one runs. Another one's turn comes in every wait, and, after a
// time slice, at the next step of a program where scheduled callbacks may run: never in the middle of a
// callback, and not while interrupts are off. Who waits in a callback lets others run, too.
//
// The GIL has nothing to do: whoever runs has it.
//
// Each has a stack in frames of its own with a page below that is not mapped, and goes back when it ends.
#ifndef RINGZERO_MPY_THREAD_H
#define RINGZERO_MPY_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Variables of which each thread has its own. They start with 0; the collector finds those of the others.
#define THREAD_OWN __attribute__((section(".bss.of_thread")))

// On the main thread's stack, at the start and at the end: there is no other thread, and what others had of
// frames goes back.
void thread_end_others(void);
// On any thread's stack, which is then left for good: the main thread is the one that runs.
void thread_become_main(void);

bool thread_is_main(void);
// The handler of the main thread's innermost exception.
const void *thread_main_catcher(void);

// Waits, and meanwhile lets others run, until `due` (of clock_ns()), or with `watches` until an interrupt
// has come since this thread has last waited. May return early: check what is waited for before every
// call and after it.
void thread_wait(uint64_t due, bool watches);
// As if an interrupt had come: what others on this CPU watch for may have changed.
void thread_let_look(void);
// Lets others run, if any can.
void thread_yield(void);
// The same where a time slice is over, or the main thread is wanted, but in no callback.
void thread_take_turns(bool main_is_wanted);
// Whether one is, since the last turn.
extern volatile bool thread_turn_is_over;

// For the collector: what the others and their stacks lead to.
void thread_collect_roots(void);

// Frames in stacks.
size_t thread_frames(void);

typedef struct {
    uint64_t guard, bottom, top; // addresses
} thread_stack_t;

// The stack on which Python runs that this address is on, or in the page below which is. Hard callbacks
// have one as well. False: there is none.
bool thread_find_stack(uint64_t addr, thread_stack_t *stack);

#endif
