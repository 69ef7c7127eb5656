// Calls from one CPU to another: each is a message in the other's mailbox, and its answer one that comes
// back. A call is its caller's until it forgets it; whoever is called holds it while it runs.
#ifndef RINGZERO_MPY_CALLS_H
#define RINGZERO_MPY_CALLS_H

#include <stdbool.h>

#include "mpy/message.h"

typedef enum {
    CALL_QUEUED,
    CALL_RUNNING,
    CALL_RETURNED,  // From here on it is over. The answer is the value,
    CALL_RAISED,    // what remote.h makes of an exception, or NULL: there was no memory for that, or to begin,
    CALL_CANCELLED, // or NULL.
    CALL_RESET,
} call_state_t;

// What runs a call: gives its answer, which this CPU holds then, and says whether that is an exception.
typedef message_t *(*calls_run_t)(const message_t *call, bool *raised);

// Once for all CPUs: there are no calls.
void calls_init(void);

// Of a call that this CPU holds: to that one's mailbox, behind all others there; or runs it at once.
void calls_post(message_t *call, unsigned cpu);
void calls_run_here(message_t *call, calls_run_t run);

call_state_t calls_state(const message_t *call);
static inline bool calls_over(const message_t *call) {
    return calls_state(call) >= CALL_RETURNED;
}

// Of a call of this CPU's that is not over: has never run, or gets a KeyboardInterrupt.
void calls_cancel(message_t *call);

// True: it has not begun, and never will. False: it has.
bool calls_withdraw(message_t *call);

// Nobody here wants its answer any more.
void calls_forget(message_t *call);

// Whether that CPU runs a call or has one before it.
bool calls_busy(unsigned cpu);

// Runs the first call in this CPU's mailbox. False: there is none.
bool calls_serve(calls_run_t run);

// Another CPU has something for this one: called in its interrupt.
void calls_interrupt(void *context);

// On a CPU whose interpreter has been left wherever it was, before message_reset(): its running call is
// over, and what it has called is nobody's.
void calls_reset(void);

#endif
