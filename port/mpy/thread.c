#include <string.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/mpthread.h"
#include "py/runtime.h"

#include "boot/handoff.h"
#include "cpu/clock.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/switch.h"
#include "cpu/timer.h"
#include "frames/modframes.h"
#include "memory/space.h"
#include "mpy/collect.h"
#include "mpy/extent.h"
#include "mpy/holding.h"
#include "mpy/interrupt.h"
#include "mpy/modmachine.h"
#include "mpy/thread.h"
#include "panic.h"

enum {
    STACK_DEFAULT = 65536,  // bytes
    STACK_MIN = 32768,
    OWN_SIZE = 256,         // as kernel.ld has it
};
// How long a thread runs while another one could.
#define SLICE_NS UINT64_C(1000000)

typedef struct thread {
    uint64_t frames_end[2];         // 0: for stack traces, nobody has called what the stack begins with
    struct thread *next;            // all in a ring, by the addresses of their stacks
    extent_t stack;                 // which this ends; not the main thread's
    void *(*entry)(void *);
    void *arg;
    // While it does not run:
    cpu_switch_t *place;
    mp_state_thread_t state;
    uint8_t own[OWN_SIZE] __attribute__((aligned(8)));
    mp_thread_mutex_t *mutex;       // that it waits for; NULL: it has got it
    uint64_t due;                   // when it goes on: with 0 it is its turn
    bool watches;                   // or when an interrupt comes
    unsigned seen;                  // irq_count, when it has last waited
} thread_t;

extern uint8_t thread_own_start[];
extern char stack_guard[], interrupt_stack_guard[], interrupt_stack_top[];

static thread_t main_thread;
static thread_t *running = &main_thread;
static thread_t *dead;              // whose stack goes back
static timer_entry_t slice_timer;
volatile bool thread_turn_is_over;

static bool is_alone(void) {
    return main_thread.next == &main_thread;
}

void thread_become_main(void) {
    uint64_t state = cpu_irq_save();
    timer_stop(&slice_timer);
    if (running != &main_thread) {
        mp_state_ctx.thread = main_thread.state;
        memcpy(thread_own_start, main_thread.own, OWN_SIZE);
        running = &main_thread;
    }
    main_thread.mutex = NULL;
    cpu_irq_restore(state);
}

static HOLDING void give_back(thread_t *thread) {
    // It lies in there itself.
    extent_t stack = thread->stack;
    extent_cut(&stack, 0);
    if (stack.count > 0) {
        panic("a thread's stack stays");
    }
}

// In the thread that goes on.
static HOLDING void bury(void) {
    if (dead != NULL) {
        thread_t *thread = dead;
        dead = NULL;
        give_back(thread);
    }
}

void thread_end_others(void) {
    thread_become_main();
    thread_t *thread = main_thread.next;
    main_thread.next = &main_thread;
    while (thread != NULL && thread != &main_thread) {
        thread_t *next = thread->next;
        give_back(thread);
        thread = next;
    }
    bury();
}

bool thread_is_main(void) {
    return running == &main_thread;
}

const void *thread_main_catcher(void) {
    return thread_is_main() ? MP_STATE_THREAD(nlr_top) : main_thread.state.nlr_top;
}

// The next one that can go on, or NULL; *due: when one can for sure. Interrupts are off.
static thread_t *find_ready(uint64_t *due) {
    uint64_t now = clock_ns();
    *due = UINT64_MAX;
    for (thread_t *thread = running->next; thread != running; thread = thread->next) {
        bool looks = thread->watches && (thread->seen != irq_count || !mp_hal_has_timer());
        if (thread->due <= now || looks) {
            return thread;
        }
        *due = MIN(*due, thread->due);
    }
    return NULL;
}

// Interrupts are off. An exception that is pending is the main thread's, whoever runs: interrupt.c hands
// it over.
static void switch_to(thread_t *next) {
    thread_t *last = running;
    mp_obj_t exception = MP_STATE_MAIN_THREAD(mp_pending_exception);
    last->state = mp_state_ctx.thread;
    mp_state_ctx.thread = next->state;
    MP_STATE_MAIN_THREAD(mp_pending_exception) = exception;
    memcpy(last->own, thread_own_start, OWN_SIZE);
    memcpy(thread_own_start, next->own, OWN_SIZE);
    running = next;
    cpu_switch(&last->place, next->place);
}

static void go_on(void) {
    cpu_irq_on();
    bury();
}

static void end_slice(timer_entry_t *timer) {
    thread_turn_is_over = true;
    interrupt_ask();
    timer_start(timer, clock_ns() + SLICE_NS);
}

static void begin_slice(void) {
    slice_timer.callback = end_slice;
    timer_start(&slice_timer, clock_ns() + SLICE_NS);
}

// What turns interrupts off, or is a hard callback, is not left.
static bool can_switch(void) {
    return !irq_active && (cpu_rflags() & CPU_RFLAGS_IF);
}

void thread_wait(uint64_t due, bool watches) {
    if (is_alone() || !can_switch()) {
        mp_hal_idle(due);
        return;
    }
    cpu_irq_off();
    if (!watches || running->seen == irq_count) {
        uint64_t next_due;
        thread_t *next = find_ready(&next_due);
        if (next != NULL) {
            running->due = due;
            running->watches = watches;
            switch_to(next);
            running->due = 0;
            running->watches = false;
        } else {
            timer_stop(&slice_timer);
            timer_settle();
            cpu_irq_on();
            mp_hal_idle(MIN(due, next_due));
            begin_slice();
        }
    }
    running->seen = irq_count;
    go_on();
}

void thread_let_look(void) {
    uint64_t state = cpu_irq_save();
    ++irq_count;
    cpu_irq_restore(state);
}

void thread_yield(void) {
    if (!is_alone() && can_switch()) {
        cpu_irq_off();
        uint64_t due;
        thread_t *next = find_ready(&due);
        if (next != NULL) {
            switch_to(next);
        }
        go_on();
    }
}

void thread_take_turns(bool main_is_wanted) {
    if (!(thread_turn_is_over || main_is_wanted) || !can_switch() || MP_STATE_VM(sched_state) < 0) {
        return;
    }
    thread_turn_is_over = false;
    if (main_is_wanted && !thread_is_main()) {
        cpu_irq_off();
        switch_to(&main_thread);
        go_on();
    } else {
        thread_yield();
    }
}

void thread_collect_roots(void) {
    for (thread_t *thread = running->next; thread != running; thread = thread->next) {
        bool is_main = thread == &main_thread;
        void **place = (void **)thread->place;
        gc_collect_root(place, (is_main ? (void **)stack_top : (void **)thread) - place);
        gc_collect_root((void **)&thread->state, sizeof(thread->state) / sizeof(void *));
        gc_collect_root((void **)thread->own, OWN_SIZE / sizeof(void *));
        gc_collect_root(&thread->arg, 1);
    }
    gc_collect_root(&running->arg, 1);
}

bool thread_find_stack(uint64_t addr, thread_stack_t *stack) {
    *stack = (thread_stack_t) { (uint64_t)stack_guard, (uint64_t)stack_bottom, (uint64_t)stack_top };
    const thread_t *thread = &main_thread;
    while ((addr < stack->guard || addr >= stack->top) && (thread = thread->next) != &main_thread) {
        uint64_t start = thread->stack.start;
        *stack = (thread_stack_t) { start - PAGING_SIZE, start, (uint64_t)thread };
    }
    if (addr < stack->guard || addr >= stack->top) {
        uint64_t guard = (uint64_t)interrupt_stack_guard;
        *stack = (thread_stack_t) { guard, guard + PAGING_SIZE, (uint64_t)interrupt_stack_top };
    }
    return addr >= stack->guard && addr < stack->top;
}

size_t thread_frames(void) {
    size_t count = 0;
    for (const thread_t *thread = main_thread.next; thread != &main_thread; thread = thread->next) {
        count += thread->stack.count;
    }
    return count;
}

// --- py/mpthread.h

static void end(void) {
    cpu_irq_off();
    machine_irq_is_off = false;
    uint64_t due;
    thread_t *next = find_ready(&due);
    thread_t *before = &main_thread;
    while (before->next != running) {
        before = before->next;
    }
    before->next = running->next;
    dead = running;
    if (is_alone()) {
        timer_stop(&slice_timer);
    }
    // All wait: one of them does so in its own way.
    switch_to(next != NULL ? next : &main_thread);
}

static void start(void) {
    go_on();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        running->entry(running->arg);
        nlr_pop();
    } else {
        // Printing what has been raised, and by what, may raise in turn.
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    end();
}

// NULL: there are not so many frames.
static HOLDING thread_t *new_thread(uint64_t count) {
    if (!space_ready() || count > (SPACE_STACKS_END - SPACE_STACKS) / PAGING_SIZE) {
        return NULL;
    }
    uint64_t at = SPACE_STACKS;
    thread_t *before = &main_thread;
    for (;; before = before->next) {
        const thread_t *next = before->next;
        uint64_t end = next == &main_thread ? SPACE_STACKS_END : next->stack.start - PAGING_SIZE;
        if (end - at >= (count + 1) * PAGING_SIZE) {
            break;
        }
        if (next == &main_thread) {
            return NULL;
        }
        at = next->stack.start + next->stack.count * PAGING_SIZE;
    }
    extent_t stack = { at + PAGING_SIZE, 0 };
    if (!extent_extend(&stack, count)) {
        return NULL;
    }
    thread_t *thread = (thread_t *)((stack.start + count * PAGING_SIZE - sizeof(thread_t)) & ~UINT64_C(63));
    memset(thread, 0, sizeof(*thread));
    thread->stack = stack;
    thread->next = before->next;
    uint64_t state = cpu_irq_save();
    before->next = thread;
    cpu_irq_restore(state);
    return thread;
}

mp_uint_t mp_thread_create(void *(*entry)(void *), void *arg, size_t *stack_size) {
    frames_refuse_interrupt();
    size_t size = *stack_size == 0 ? STACK_DEFAULT : MAX(*stack_size, STACK_MIN);
    uint64_t count = (size - 1) / PAGING_SIZE + 1;
    bool was_alone = is_alone();
    thread_t *thread = new_thread(count);
    if (thread == NULL && MP_STATE_MEM(gc_auto_collect_enabled)) {
        collect_for_room();
        thread = new_thread(count);
    }
    if (thread == NULL) {
        m_malloc_fail(size);
    }
    thread->entry = entry;
    thread->arg = arg;
    thread->place = cpu_switch_prepare((uint64_t)thread, start);
    *stack_size = (uint64_t)thread - thread->stack.start;
    if (was_alone) {
        begin_slice();
    }
    return (mp_uint_t)thread;
}

mp_uint_t mp_thread_get_id(void) {
    // Small enough for Python to have it without memory.
    return thread_is_main() ? 1 : (mp_uint_t)running;
}

void mp_thread_start(void) {
    // Upstream has given it only what lies below where it is called.
    mp_cstack_init_with_top(running, (uint64_t)running - running->stack.start);
}

void mp_thread_finish(void) {
}

void mp_thread_mutex_init(mp_thread_mutex_t *mutex) {
    mutex->locked = false;
}

static bool take(mp_thread_mutex_t *mutex) {
    uint64_t state = cpu_irq_save();
    bool free = !mutex->locked;
    mutex->locked = true;
    cpu_irq_restore(state);
    return free;
}

// Whether it has been handed over.
static bool wait_for(mp_thread_mutex_t *mutex) {
    running->mutex = mutex;
    thread_wait(UINT64_MAX, false);
    bool got = running->mutex == NULL;
    running->mutex = NULL;
    return got;
}

int mp_thread_mutex_lock(mp_thread_mutex_t *mutex, int wait) {
    if (mutex == &MP_STATE_VM(gil_mutex)) {
        thread_take_turns(false);
        return 1;
    }
    while (!take(mutex)) {
        if (!wait) {
            return 0;
        }
        if (!can_switch()) {
            return -MP_EBUSY;
        }
        mp_event_handle_nowait();
        if (mutex->locked && wait_for(mutex)) {
            return 1;
        }
    }
    return 1;
}

// Whoever waits for it has it next: the caller cannot lock it again at once.
void mp_thread_mutex_unlock(mp_thread_mutex_t *mutex) {
    if (mutex == &MP_STATE_VM(gil_mutex)) {
        return;
    }
    uint64_t state = cpu_irq_save();
    thread_t *thread = running->next;
    while (thread != running && thread->mutex != mutex) {
        thread = thread->next;
    }
    if (thread != running) {
        thread->mutex = NULL;
        thread->due = 0;
    } else {
        mutex->locked = false;
    }
    cpu_irq_restore(state);
}
