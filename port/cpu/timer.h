// Callbacks at a given time, by the local APIC's timer. No tick: nothing runs when nothing is due.
#ifndef RINGZERO_CPU_TIMER_H
#define RINGZERO_CPU_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct timer_entry {
    struct timer_entry *next;
    uint64_t due; // of clock_ns()
    bool queued;
    bool urgent; // not kept waiting by timer_call_watched()
    // Runs once, with interrupts off, on the interrupt stack; may start the timer again. 0: it only
    // ends irq_wait().
    void (*callback)(struct timer_entry *timer);
} timer_entry_t;

// Wants the local APIC on. Without timer_init() no callback ever runs.
void timer_init(void);

// (Re)starts or stops it, from anywhere.
void timer_start(timer_entry_t *timer, uint64_t due);
void timer_stop(timer_entry_t *timer);
// The alarm of one that has been stopped comes for nothing, unless this is called.
void timer_settle(void);

// Calls a function, in an interrupt's handler and on its stack, that may take its time: every
// millisecond of it the watcher interrupts it. Entries that are due meanwhile wait, unless
// they are urgent. Not to be nested.
void timer_call_watched(void (*function)(void *), void *context, void (*watcher)(void));

#endif
