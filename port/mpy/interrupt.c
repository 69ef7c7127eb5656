#include "py/cstack.h"
#include "py/mpstate.h"
#include "py/runtime.h"

#include "boot/handoff.h"
#include "boot/percpu.h"
#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/timer.h"
#include "cpu/trap.h"
#include "devices/keyboard.h"
#include "devices/uart.h"
#include "memory/paging.h"
#include "memory/space.h"
#include "mpy/interrupt.h"
#include "mpy/native.h"
#include "mpy/network.h"
#include "mpy/tables.h"
#include "mpy/thread.h"
#include "mpy/versions.h"
#include "mphalport.h"

enum {
    VECTOR_DEBUG = 1,
    PRESSES_TO_END = 3,
    BREAKPOINTS = 4,
    FOLDED_POWER_MAX = 1024,
    // Of the interrupt's stack, for C below the check.
    STACK_RESERVE = 4096,
    // As much as comparing two keys takes, if they are not the program's own.
    REHASH_STACK = 1024,
    RFLAGS_RF = 1 << 16,
};
#define ANSWER_NS UINT64_C(1000000000)
#define RETRY_NS  UINT64_C(20000000)
#define HELD_NS   UINT64_C(20000)
#define WAIT_NS   UINT64_C(500000)
#define TABLE_WAIT_NS UINT64_C(10000)

extern char computing_start[], computing_end[], leaving_end[], calling_start[], calling_end[];
extern char memory_functions_start[], memory_functions_end[], holding_start[], holding_end[];
extern char tables_start[], tables_end[], rehash_start[], rehash_end[], moving_start[], moving_end[];
extern char interrupt_stack_guard[], interrupt_stack_top[];

#if VERSION_PENDING_INTERNAL
#define __real_mp_handle_pending __real_mp_handle_pending_internal
#define __wrap_mp_handle_pending __wrap_mp_handle_pending_internal
#endif

bool __real_mp_obj_equal(mp_obj_t left, mp_obj_t right);
mp_obj_t __real_mp_unary_op(mp_unary_op_t op, mp_obj_t arg);
void __real_mp_handle_pending(int behaviour);
void __wrap_mp_handle_pending(int behaviour);

// Functions that whoever calls them expects to raise. The CPU has four breakpoints: they take turns.
static const void *const points[][BREAKPOINTS] = {
    { mp_iternext, mp_binary_op, __real_mp_obj_equal, mp_obj_print_helper },
    { mp_call_function_n_kw, mp_getiter, __real_mp_unary_op, mp_obj_subscr },
};

THREAD_OWN bool tables_change;
THREAD_OWN mp_map_elem_t *tables_place;

static timer_entry_t watch;
static unsigned presses; // that nobody has answered
static uint64_t first_ns; // when the first of them came
static unsigned turn;
static bool armed; // the breakpoints are set:
static bool armed_in_callback; // in a hard callback, and for it alone
static bool forced; // the VM is made to look, although the scheduler is locked:
static int16_t locked_state; // its state before
static nlr_buf_t *end;
static bool kept; // Ctrl-C is the main thread's, which has not seen it yet: another one runs, or a hard callback
// The hard callback that runs:
static bool in_callback;
static uint64_t callback_ns; // when it was first seen to take its time, or 0
static nlr_buf_t *callback_end;
static volatile bool held;
static volatile unsigned count;
static bool ended; // it was left in the middle of something: the program goes as soon as it can
SHARED static trap_handler_t next_debug_handler;

static bool is_pending(void) {
    return kept || MP_STATE_MAIN_THREAD(mp_pending_exception) == MP_OBJ_FROM_PTR(&MP_STATE_VM(mp_kbd_exception));
}

static void hand_over(void) {
    if (kept) {
        kept = false;
        mp_sched_keyboard_interrupt();
    }
}

static void hand_over_to_main(void) {
    if (thread_is_main()) {
        hand_over();
    }
}

void interrupt_ask(void) {
    if (MP_STATE_VM(sched_state) == MP_SCHED_IDLE) {
        MP_STATE_VM(sched_state) = MP_SCHED_PENDING;
    }
}

void interrupt_drop(void) {
    kept = false;
    MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
}

static bool in(uint64_t addr, const char *start, const char *end) {
    return addr >= (uint64_t)start && addr < (uint64_t)end;
}

// SDM 3B 17.2: the breakpoints' addresses are DR0 to DR3, bits 0, 2, 4, 6 of DR7 switch them on, and
// all else 0 there is an instruction's address; bit 10 is always 1.
static void set_breakpoints(const void *const *addrs) {
    if (addrs != NULL) {
        __asm__ volatile ("movq %0, %%dr0" : : "r" (addrs[0]));
        __asm__ volatile ("movq %0, %%dr1" : : "r" (addrs[1]));
        __asm__ volatile ("movq %0, %%dr2" : : "r" (addrs[2]));
        __asm__ volatile ("movq %0, %%dr3" : : "r" (addrs[3]));
    }
    armed = addrs != NULL;
    armed_in_callback = false;
    __asm__ volatile ("movq %0, %%dr7" : : "r" (UINT64_C(0x400) | (armed ? 0x55 : 0)));
}

static void force(void) {
    if (!forced && MP_STATE_VM(sched_state) < 0) {
        locked_state = MP_STATE_VM(sched_state);
        MP_STATE_VM(sched_state) = MP_SCHED_PENDING;
        forced = true;
    }
}

void interrupt_settle(void) {
    if (forced) {
        mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
        if (forced) {
            forced = false;
            MP_STATE_VM(sched_state) = locked_state;
        }
        MICROPY_END_ATOMIC_SECTION(state);
    }
}

// For a second another thread leaves it to the main one.
static bool is_for_main(void) {
    return !thread_is_main() && MP_STATE_MAIN_THREAD(mp_pending_exception) != MP_OBJ_NULL
           && clock_ns() < first_ns + ANSWER_NS;
}

void interrupt_take_turns(void) {
    do {
        if (is_for_main()) {
            kept = true;
            MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
        }
        hand_over_to_main();
        // Who has something to raise raises that first.
        if (MP_STATE_MAIN_THREAD(mp_pending_exception) == MP_OBJ_NULL) {
            thread_take_turns(kept);
        }
        // It may have come while others had their turns.
    } while (is_for_main());
    hand_over_to_main();
}

bool interrupt_holds_events(void) {
    if (!forced && watch.queued && MP_STATE_VM(sched_state) < 0) {
        return true;
    }
    interrupt_take_turns();
    network_poll();
    return false;
}

// In a callback the VM has been made to look: only at what is to be raised.
void __wrap_mp_handle_pending(int behaviour) {
    interrupt_settle();
    interrupt_take_turns();
    network_poll();
    __real_mp_handle_pending(behaviour);
    // It came while a callback ran.
    if (network_is_pending()) {
        uint64_t state = cpu_irq_save();
        interrupt_ask();
        cpu_irq_restore(state);
    }
}

mp_obj_t parse_binary_op(mp_binary_op_t op, mp_obj_t left, mp_obj_t right);

// What the compiler folds constants with. Where it takes whatever is raised for a reason to leave an
// operation to the program, Ctrl-C as well, powers of integers that take their time are left to it at once.
mp_obj_t parse_binary_op(mp_binary_op_t op, mp_obj_t left, mp_obj_t right) {
    if (VERSION_FOLDING_CATCHES && op == MP_BINARY_OP_POWER && mp_obj_is_int(left) && mp_obj_is_int(right)
        && !(mp_obj_is_small_int(left) && mp_obj_is_small_int(right)
             && MP_OBJ_SMALL_INT_VALUE(right) <= FOLDED_POWER_MAX)) {
        mp_raise_ValueError(NULL);
    }
    return mp_binary_op(op, left, right);
}

static void answered(void) {
    presses = 0;
    set_breakpoints(NULL);
}

static NORETURN void raise_pending(void) {
    interrupt_settle();
    hand_over();
    mp_obj_t exception = MP_STATE_MAIN_THREAD(mp_pending_exception);
    MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
    nlr_raise(exception);
}

void interrupt_check(void) {
    nlr_buf_t *catcher = MP_STATE_THREAD(nlr_top);
    if (presses > 0 && is_pending() && !irq_active && catcher != NULL && catcher != end
        && clock_ns() >= first_ns + ANSWER_NS) {
        answered();
        raise_pending();
    }
}

static NORETURN void jump_to(nlr_buf_t *handler) {
    MP_STATE_THREAD(nlr_jump_callback_top) = NULL;
    MP_STATE_THREAD(nlr_top) = handler;
    nlr_jump(NULL);
}

static NORETURN void end_program(void) {
    thread_become_main();
    jump_to(end);
}

static NORETURN void end_callback(void) {
    jump_to(callback_end);
}

// Of the stack on which Python runs that rsp is on; 0: it is on none.
static uint64_t top_above(uint64_t rsp) {
    thread_stack_t stack;
    return thread_find_stack(rsp, &stack) && rsp >= stack.bottom ? stack.top : 0;
}

// The stack that rsp is on, up to the innermost handler; 0: it has none.
static uint64_t catcher_above(uint64_t rsp) {
    uint64_t catcher = (uint64_t)MP_STATE_THREAD(nlr_top);
    return catcher >= rsp && catcher < top_above(rsp) ? catcher : 0;
}

static bool is_code(uint64_t addr) {
    return in(addr, (char *)text_start, (char *)text_end);
}

// Whether each function between an address on the stack and the code there meets a condition. Around a
// function's start and end its caller's address is the first word and in no frame yet. Machine code keeps
// no frames; but whoever has called that knows that it can raise, and holds nothing.
static bool all_callers(const trap_frame_t *frame, uint64_t top, bool (*is_good)(uint64_t addr)) {
    if (native_contains(frame->rip)) {
        return true;
    }
    uint64_t first = *(uint64_t *)frame->rsp;
    if (is_code(first) && !is_good(first)) {
        return false;
    }
    for (uint64_t at = frame->rbp, last = frame->rsp; at < top;) {
        if (at < last || at % sizeof(uint64_t) != 0 || at + 2 * sizeof(uint64_t) > top) {
            return at + 2 * sizeof(uint64_t) > top;
        }
        uint64_t caller = ((uint64_t *)at)[1];
        if (native_contains(caller)) {
            return true;
        }
        last = at + 1;
        at = ((uint64_t *)at)[0];
        // The last one has the handler itself.
        if (at < top && !is_good(caller)) {
            return false;
        }
    }
    return true;
}

static bool is_computing(uint64_t addr) {
    return in(addr, computing_start, computing_end);
}

static bool can_be_left(uint64_t addr) {
    return in(addr, computing_start, leaving_end) || in(addr, calling_start, calling_end);
}

static bool holds_nothing(uint64_t addr) {
    return !in(addr, holding_start, holding_end);
}

// Where the program is; in a function of libc's that only reads and writes memory, who has called that.
static uint64_t place_in(const trap_frame_t *frame) {
    bool inside = in(frame->rip, memory_functions_start, memory_functions_end);
    return inside ? *(uint64_t *)frame->rsp : frame->rip;
}

static bool can_raise(const trap_frame_t *frame) {
    uint64_t catcher = catcher_above(frame->rsp);
    if (catcher == 0 || frame->rsp % sizeof(uint64_t) != 0) {
        return false;
    }
    bool inside = native_contains(frame->rip) || is_computing(place_in(frame));
    return inside && all_callers(frame, catcher, can_be_left);
}

static bool moves_nothing(uint64_t addr) {
    return !in(addr, moving_start, moving_end);
}

static bool is_rehash(uint64_t addr) {
    return in(addr, rehash_start, rehash_end);
}

// Whether the program is in the middle of making a dictionary's or a set's table anew, and what that
// calls.
static bool rehashes(const trap_frame_t *frame) {
    uint64_t top = frame->rsp + REHASH_STACK, last = frame->rsp, at = frame->rbp;
    bool found = is_rehash(frame->rip) || is_rehash(*(uint64_t *)frame->rsp);
    while (!found && at >= last && at % sizeof(uint64_t) == 0 && at <= top - 2 * sizeof(uint64_t)) {
        found = is_rehash(((uint64_t *)at)[1]);
        last = at + 1;
        at = ((uint64_t *)at)[0];
    }
    return found;
}

// Everything above goes, and of another thread all, but for what the kernel has allocated for itself and
// not yet written down.
static bool can_end(const trap_frame_t *frame, const nlr_buf_t *handler) {
    uint64_t top = top_above(frame->rsp);
    uint64_t catcher = (uint64_t)handler;
    if (handler == NULL || top == 0) {
        return false;
    }
    if (catcher >= frame->rsp && catcher < top) {
        top = catcher;
    } else if (in_callback || thread_is_main()) {
        return false;
    }
    return holds_nothing(frame->rip) && all_callers(frame, top, holds_nothing);
}

// In the watch's timer or, for a hard callback, in what watches that.
static void look(timer_entry_t *timer) {
    trap_frame_t *frame = irq_interrupted;
    if (!ended && !is_pending()) {
        answered();
        interrupt_settle();
        return;
    }
    uint64_t now = clock_ns();
    if (!ended && now < first_ns + ANSWER_NS) {
        timer_start(timer, first_ns + ANSWER_NS);
        return;
    }
    timer_start(timer, now + RETRY_NS);
    if (frame == NULL) {
        return;
    }
    hand_over();
    bool may_end = ended || (presses >= PRESSES_TO_END && now - first_ns >= 2 * ANSWER_NS);
    if (may_end && can_end(frame, in_callback ? callback_end : end)) {
        answered();
        if (in_callback) {
            ended = true;
        } else {
            timer_stop(timer);
        }
        trap_return_to(frame, in_callback ? end_callback : end_program);
    } else if (ended) {
        // The program holds something of the kernel's, but not for long.
        timer_start(timer, now + HELD_NS);
    } else if (can_raise(frame)) {
        answered();
        timer_stop(timer);
        trap_return_to(frame, raise_pending);
    } else {
        force();
        set_breakpoints(points[turn++ % MP_ARRAY_SIZE(points)]);
        armed_in_callback = in_callback;
    }
}

void interrupt_end(void) {
    ended = true;
    look(&watch);
}

static void watch_callback(void) {
    for (size_t i = 0; i < UART_COUNT; ++i) {
        if (uarts[i].intercept != NULL && cpus_number == 0) {
            uart_service(&uarts[i]);
        }
    }
    if (cpus_number == 0) {
        keyboard_service();
    }
    uint64_t now = clock_ns();
    if (callback_ns == 0) {
        callback_ns = now;
    }
    if (!ended && is_pending() && now - callback_ns >= ANSWER_NS) {
        look(&watch);
    }
}

typedef struct {
    void (*function)(void *);
    void *context;
    bool left;
} call_t;

static void call(void *context) {
    call_t *call = context;
    nlr_buf_t nlr;
    call->left = true;
    if (nlr_push(&nlr) == 0) {
        callback_end = &nlr;
        call->function(call->context);
        nlr_pop();
        call->left = false;
    }
}

void interrupt_call(void (*function)(void *), void *context) {
    if (ended) {
        return;
    }
    if (!irq_active) {
        function(context);
        return;
    }
    ++count;
    interrupt_settle();
    mp_state_thread_t thread = mp_state_ctx.thread;
    int16_t state = MP_STATE_VM(sched_state);
    bool change = tables_change;
    mp_map_elem_t *place = tables_place;
    // What looks in there by itself, as waiting for something does, shall not find it.
    kept = is_pending();
    if (kept) {
        MP_STATE_MAIN_THREAD(mp_pending_exception) = MP_OBJ_NULL;
    }
    in_callback = true;
    callback_ns = 0;
    // What is to be called when the program's functions are left lies below this stack, or above it.
    MP_STATE_THREAD(nlr_jump_callback_top) = NULL;
    mp_cstack_init_with_top(interrupt_stack_top, interrupt_stack_top - interrupt_stack_guard - STACK_RESERVE);
    call_t callback = { function, context, false };
    timer_call_watched(call, &callback, watch_callback);
    in_callback = false;
    tables_change = change;
    tables_place = place;
    if (armed_in_callback) {
        set_breakpoints(NULL);
    }
    if (callback.left) {
        mp_state_ctx.thread = thread;
    }
    MP_STATE_THREAD(nlr_jump_callback_top) = thread.nlr_jump_callback_top;
    MP_STATE_THREAD(gc_lock_depth) = thread.gc_lock_depth;
    MP_STATE_THREAD(stack_top) = thread.stack_top;
    MP_STATE_THREAD(stack_limit) = thread.stack_limit;
    if (forced || callback.left) {
        // Locked as before; what has come in meanwhile is looked at.
        forced = false;
        MP_STATE_VM(sched_state) = state < 0 ? state : MP_SCHED_PENDING;
    }
    hand_over_to_main();
    if (kept) {
        interrupt_ask();
    }
    if (ended) {
        look(&watch);
    }
}

// Whether the program has a dictionary that is not whole. An exception leaves `tables_change` as it is, and
// what `tables_place` leads to may be gone since: then this says too much, for as long as it is in there.
static bool changes_table(const trap_frame_t *frame) {
    bool inside = in(place_in(frame), tables_start, tables_end);
    mp_map_elem_t *place = tables_place;
    return rehashes(frame) || (inside && (tables_change || (space_writable((uint64_t)place, sizeof(*place))
        && place->value == MP_OBJ_NULL)));
}

uint64_t interrupt_wait_ns(void) {
    if (!irq_active) {
        return mp_hal_has_timer() ? WAIT_NS : 0;
    }
    return in_callback || held ? WAIT_NS : changes_table(irq_interrupted) ? TABLE_WAIT_NS : 0;
}

void interrupt_hold(bool hold) {
    held = hold;
}

unsigned interrupt_count(void) {
    return count;
}

static bool can_raise_at_point(const trap_frame_t *frame) {
    uint64_t catcher = catcher_above(frame->rsp);
    return catcher != 0 && !rehashes(frame)
           && (native_contains(*(uint64_t *)frame->rsp) || all_callers(frame, catcher, moves_nothing));
}

// At the first instruction of one of the functions above.
static bool on_debug(trap_frame_t *frame) {
    bool point = false;
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0][0]); ++i) {
        point |= frame->rip == (uint64_t)(&points[0][0])[i];
    }
    if (!armed || !point) {
        return next_debug_handler(frame);
    }
    if (!is_pending()) {
        answered();
    } else if (in_callback == armed_in_callback && can_raise_at_point(frame)) {
        answered();
        trap_return_to(frame, raise_pending);
        return true;
    }
    frame->rflags |= RFLAGS_RF;
    return true;
}

void interrupt_join(void) {
    watch.callback = look;
}

void interrupt_init(void) {
    interrupt_join();
    next_debug_handler = trap_set_handler(VECTOR_DEBUG, on_debug);
}

void interrupt_set_end(nlr_buf_t *handler) {
    end = handler;
    timer_stop(&watch);
    answered();
    forced = ended = held = kept = false;
}

void interrupt_press(void) {
    if (presses == 0 || !is_pending()) {
        answered();
        first_ns = clock_ns();
    }
    ++presses;
    if (in_callback || !thread_is_main()) {
        kept = true;
        thread_turn_is_over = true;
        interrupt_ask();
    } else {
        mp_sched_keyboard_interrupt();
    }
    if (mp_hal_has_timer() && !watch.queued) {
        timer_start(&watch, first_ns + ANSWER_NS);
    }
}
