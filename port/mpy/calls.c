#include <string.h>

#include "py/mpstate.h"

#include "boot/percpu.h"
#include "cpu/cpus.h"
#include "cpu/lock.h"
#include "mpy/calls.h"
#include "mpy/interrupt.h"

typedef struct {
    message_t *first, *last;
    message_t *running;
    bool cancelled; // the running one is to get a KeyboardInterrupt
} box_t;

// What all CPUs share, and the lock for it. All that is done behind that is short.
static box_t boxes[CPUS_MAX];
static lock_t lock;

// This CPU's own calls that it has not forgotten.
PERCPU static message_t *mine;

void calls_init(void) {
    memset(boxes, 0, sizeof(boxes));
    lock = (lock_t) { 0 };
    mine = NULL;
}

static void wake(unsigned cpu) {
    if (cpu != cpus_number) {
        cpus_interrupt(cpu);
    }
}

static void set_state(message_t *call, call_state_t state) {
    __atomic_store_n(&call->state, state, __ATOMIC_RELEASE);
}

call_state_t calls_state(const message_t *call) {
    return __atomic_load_n(&call->state, __ATOMIC_ACQUIRE);
}

static void begin(message_t *call, unsigned cpu) {
    call->answer = NULL;
    call->state = CALL_QUEUED;
    call->caller = cpus_number;
    call->callee = cpu;
    call->forgotten = false;
    call->mine_previous = NULL;
    call->mine_next = mine;
    if (mine != NULL) {
        mine->mine_previous = call;
    }
    mine = call;
}

void calls_post(message_t *call, unsigned cpu) {
    box_t *box = &boxes[cpu];
    uint64_t state = lock_save(&lock);
    message_give(call);
    begin(call, cpu);
    call->next = NULL;
    *(box->first != NULL ? &box->last->next : &box->first) = call;
    box->last = call;
    lock_restore(&lock, state);
    wake(cpu);
}

void calls_run_here(message_t *call, calls_run_t run) {
    bool raised;
    message_t *answer = run(call, &raised);
    uint64_t state = lock_save(&lock);
    message_give(call);
    begin(call, cpus_number);
    if (answer != NULL) {
        message_give(answer);
    }
    call->answer = answer;
    set_state(call, raised ? CALL_RAISED : CALL_RETURNED);
    lock_restore(&lock, state);
}

static void remove_from_box(message_t *call) {
    box_t *box = &boxes[call->callee];
    message_t *previous = NULL;
    for (message_t *one = box->first; one != call; one = one->next) {
        previous = one;
    }
    *(previous != NULL ? &previous->next : &box->first) = call->next;
    if (box->last == call) {
        box->last = previous;
    }
}

// Behind the lock.
static bool withdraw(message_t *call) {
    bool waits = call->state == CALL_QUEUED;
    if (waits) {
        remove_from_box(call);
        set_state(call, CALL_CANCELLED);
    }
    return waits;
}

bool calls_withdraw(message_t *call) {
    uint64_t state = lock_save(&lock);
    bool done = withdraw(call);
    lock_restore(&lock, state);
    return done;
}

void calls_cancel(message_t *call) {
    uint64_t state = lock_save(&lock);
    unsigned callee = call->callee;
    bool runs = call->state == CALL_RUNNING;
    if (!withdraw(call) && runs) {
        boxes[callee].cancelled = true;
    }
    lock_restore(&lock, state);
    if (runs) {
        wake(callee);
    }
}

// Behind the lock: what is over goes into this CPU's hands.
static void hold(message_t *call) {
    message_take(call);
    if (call->answer != NULL) {
        message_take(call->answer);
    }
}

static void free_held(message_t *call) {
    if (call->answer != NULL) {
        message_free(call->answer);
    }
    message_free(call);
}

void calls_forget(message_t *call) {
    uint64_t state = lock_save(&lock);
    *(call->mine_previous != NULL ? &call->mine_previous->mine_next : &mine) = call->mine_next;
    if (call->mine_next != NULL) {
        call->mine_next->mine_previous = call->mine_previous;
    }
    bool over = call->state >= CALL_RETURNED;
    if (over) {
        hold(call);
    } else {
        call->forgotten = true;
    }
    lock_restore(&lock, state);
    if (over) {
        free_held(call);
    }
}

bool calls_busy(unsigned cpu) {
    return __atomic_load_n(&boxes[cpu].running, __ATOMIC_RELAXED) != NULL
           || __atomic_load_n(&boxes[cpu].first, __ATOMIC_RELAXED) != NULL;
}

// Behind the lock: the running call is over. Who called it may have it from then on; if nobody wants it,
// this CPU holds it.
static void finish(box_t *box, message_t *answer, call_state_t end, uint64_t state) {
    message_t *call = box->running;
    box->running = NULL;
    box->cancelled = false;
    MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
    call->answer = answer;
    unsigned caller = call->caller;
    bool forgotten = call->forgotten;
    if (!forgotten) {
        message_give(call);
        if (answer != NULL) {
            message_give(answer);
        }
        set_state(call, end);
    }
    lock_restore(&lock, state);
    if (forgotten) {
        free_held(call);
    } else {
        wake(caller);
    }
}

bool calls_serve(calls_run_t run) {
    box_t *box = &boxes[cpus_number];
    if (__atomic_load_n(&box->first, __ATOMIC_ACQUIRE) == NULL) {
        return false;
    }
    uint64_t state = lock_save(&lock);
    message_t *call = box->first;
    if (call != NULL) {
        box->first = call->next;
        message_take(call);
        box->running = call;
        set_state(call, CALL_RUNNING);
    }
    lock_restore(&lock, state);
    if (call == NULL) {
        return false;
    }
    bool raised;
    message_t *answer = run(call, &raised);
    finish(box, answer, raised ? CALL_RAISED : CALL_RETURNED, lock_save(&lock));
    return true;
}

void calls_interrupt(void *context) {
    box_t *box = &boxes[cpus_number];
    uint64_t state = lock_save(&lock);
    bool press = box->running != NULL && box->cancelled;
    box->cancelled = false;
    if (press) {
        interrupt_press();
    }
    lock_restore(&lock, state);
}

void calls_reset(void) {
    box_t *box = &boxes[cpus_number];
    uint64_t state = lock_save(&lock);
    if (box->running != NULL) {
        finish(box, NULL, CALL_RESET, state);
    } else {
        lock_restore(&lock, state);
    }
    while (mine != NULL) {
        calls_forget(mine);
    }
}
