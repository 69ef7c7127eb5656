// Callbacks at a given time, by the local APIC's timer. No tick: nothing runs when nothing is due.
#ifndef RINGZERO_CPU_TIMER_H
#define RINGZERO_CPU_TIMER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct timer_entry {
    struct timer_entry *next;
    uint64_t due; // of clock_ns()
    bool queued;
    // Runs once, with interrupts off, on the interrupt stack; may start the timer again. 0: it only
    // ends irq_wait().
    void (*callback)(struct timer_entry *timer);
} timer_entry_t;

// Wants the local APIC on. Without timer_init() no callback ever runs.
void timer_init(void);

// (Re)starts or stops it, from anywhere.
void timer_start(timer_entry_t *timer, uint64_t due);
void timer_stop(timer_entry_t *timer);

#endif
