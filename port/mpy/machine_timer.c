// machine.Timer: any number of them, each a timer of cpu/timer.h.
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"

#include "cpu/clock.h"
#include "cpu/timer.h"
#include "mpy/callback.h"
#include "mpy/interrupt.h"
#include "mpy/modmachine.h"

enum {
    MODE_ONE_SHOT,
    MODE_PERIODIC,
    // Calls that wait for their turn; more are dropped.
    PENDING_MAX = 8,
    // An interrupt and a callback take their time as well.
    PERIOD_MIN_NS = 50000,
    // What the main program gets at least between soft callbacks that leave it no time of its own: of
    // what those have taken it gets a part.
    TURN_MIN_NS = 100000,
    TURN_PART = 4,
};
#define NS_IN_S 1000000000

typedef struct _machine_timer_obj_t {
    mp_obj_base_t base;
    struct _machine_timer_obj_t *next; // of those that are active, for the collector to find
    bool listed;
    bool hard;
    uint8_t mode;
    uint8_t pending;
    uint64_t period_ns;
    mp_obj_t callback;
    timer_entry_t entry;
    uint64_t due_ns; // when it should be called next, or should have been
    bool ready;
    struct _machine_timer_obj_t *next_ready;
} machine_timer_obj_t;

// Soft timers whose callbacks wait for their turn, first come, first served. Shared with the timer's
// interrupt. The scheduler keeps one node for all of them, which is not in the heap: it does not empty
// its list at a soft reset.
static machine_timer_obj_t *first_ready, *last_ready;
static mp_sched_node_t ready_node;
static timer_entry_t turn_timer;
static bool running_ready;

static machine_timer_obj_t *of_entry(timer_entry_t *entry) {
    return (machine_timer_obj_t *)((char *)entry - offsetof(machine_timer_obj_t, entry));
}

static void list(machine_timer_obj_t *self) {
    if (!self->listed) {
        self->next = MP_STATE_PORT(machine_timers);
        MP_STATE_PORT(machine_timers) = self;
        self->listed = true;
    }
}

// Lets the collector have those that nothing will call back any more. Not from an interrupt.
static void drop_idle(void) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    machine_timer_obj_t **link = (machine_timer_obj_t **)&MP_STATE_PORT(machine_timers);
    while (*link != NULL) {
        machine_timer_obj_t *self = *link;
        if (!self->entry.queued && !self->ready) {
            *link = self->next;
            self->next = NULL;
            self->listed = false;
        } else {
            link = &self->next;
        }
    }
    MICROPY_END_ATOMIC_SECTION(state);
}

static void stop(machine_timer_obj_t *self) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    timer_stop(&self->entry);
    self->pending = 0;
    MICROPY_END_ATOMIC_SECTION(state);
}

static void run_ready(mp_sched_node_t *node);

static void schedule_ready(timer_entry_t *timer) {
    mp_sched_schedule_node(&ready_node, run_ready);
}

// Interrupts are off.
static void make_ready(machine_timer_obj_t *self) {
    if (!self->ready) {
        self->ready = true;
        self->next_ready = NULL;
        if (first_ready == NULL) {
            first_ready = self;
        } else {
            last_ready->next_ready = self;
        }
        last_ready = self;
    }
    // Not before the main program has had its turn.
    if (!running_ready && !turn_timer.queued) {
        schedule_ready(NULL);
    }
}

// The next one to call, or NULL; `last` is the last of this turn.
static machine_timer_obj_t *take_ready(machine_timer_obj_t *last) {
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    machine_timer_obj_t *self;
    bool call;
    do {
        self = first_ready;
        if (self == NULL) {
            break;
        }
        first_ready = self->next_ready;
        self->ready = false;
        call = self->pending > 0;
        if (call && --self->pending > 0) {
            make_ready(self);
        }
    } while (!call && self != last);
    MICROPY_END_ATOMIC_SECTION(state);
    return self != NULL && call ? self : NULL;
}

// One callback of each timer that is ready now. The scheduler would go on as long as there is one, and
// the main program would never get its turn.
static void run_ready(mp_sched_node_t *node) {
    if (turn_timer.queued) {
        // A timer has asked for this between the scheduler's taking the last round up and its beginning.
        return;
    }
    running_ready = true;
    uint64_t start = clock_ns();
    machine_timer_obj_t *last = last_ready;
    machine_timer_obj_t *self;
    while (first_ready != NULL && (self = take_ready(last)) != NULL) {
        if (!callback_call(self->callback, MP_OBJ_FROM_PTR(self))) {
            stop(self);
        }
        if (self == last) {
            break;
        }
    }
    drop_idle();
    // In one step: a timer in between would have the scheduler go on at once.
    mp_uint_t state = MICROPY_BEGIN_ATOMIC_SECTION();
    running_ready = false;
    if (first_ready != NULL) {
        uint64_t now = clock_ns();
        turn_timer.callback = schedule_ready;
        timer_start(&turn_timer, now + MAX(TURN_MIN_NS, (now - start) / TURN_PART));
    }
    MICROPY_END_ATOMIC_SECTION(state);
}

// In an interrupt: nothing may allocate, and nothing that is scheduled may run.
static void run_hard(void *context) {
    machine_timer_obj_t *self = context;
    mp_sched_lock();
    gc_lock();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        mp_call_function_1(self->callback, MP_OBJ_FROM_PTR(self));
        nlr_pop();
    } else {
        stop(self);
        mp_printf(MICROPY_ERROR_PRINTER, "Uncaught exception in Timer callback handler\n");
        mp_obj_print_exception(MICROPY_ERROR_PRINTER, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    gc_unlock();
    mp_sched_unlock();
}

static void on_due(timer_entry_t *entry) {
    machine_timer_obj_t *self = of_entry(entry);
    uint64_t now = clock_ns();
    uint64_t wait = self->hard ? interrupt_wait_ns() : 0;
    if (wait > 0) {
        timer_start(entry, now + wait);
        return;
    }
    if (self->mode == MODE_PERIODIC) {
        uint64_t due = self->due_ns + self->period_ns;
        // Catches up a little; after a long standstill it begins anew.
        self->due_ns = due + PENDING_MAX * self->period_ns < now ? now + self->period_ns : due;
        timer_start(entry, self->due_ns);
    }
    if (self->callback == mp_const_none) {
        return;
    }
    if (self->hard) {
        interrupt_call(run_hard, self);
    } else if (self->pending < PENDING_MAX) {
        self->pending++;
        make_ready(self);
    }
}

static void machine_timer_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    machine_timer_obj_t *self = MP_OBJ_TO_PTR(self_in);
    qstr mode = self->mode == MODE_ONE_SHOT ? MP_QSTR_ONE_SHOT : MP_QSTR_PERIODIC;
    mp_printf(print, "Timer(mode=%q, tick_hz=1000000, period=%lu)", mode, (unsigned long)(self->period_ns / 1000));
}

void machine_need_timer(void) {
    if (!mp_hal_has_timer()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("no timer interrupts: this CPU has no local APIC"));
    }
}

static void init_helper(machine_timer_obj_t *self, size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    enum { ARG_mode, ARG_callback, ARG_period, ARG_tick_hz, ARG_freq, ARG_hard };
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_mode,     MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = MODE_PERIODIC} },
        { MP_QSTR_callback, MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_period,   MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 0} },
        { MP_QSTR_tick_hz,  MP_ARG_KW_ONLY | MP_ARG_INT, {.u_int = 1000} },
        { MP_QSTR_freq,     MP_ARG_KW_ONLY | MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
        { MP_QSTR_hard,     MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args, pos_args, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);

    mp_int_t mode = args[ARG_mode].u_int;
    if (mode != MODE_ONE_SHOT && mode != MODE_PERIODIC) {
        mp_raise_ValueError(MP_ERROR_TEXT("mode must be ONE_SHOT or PERIODIC"));
    }
    mp_obj_t callback = args[ARG_callback].u_obj;
    if (callback != mp_const_none && !mp_obj_is_callable(callback)) {
        mp_raise_ValueError(MP_ERROR_TEXT("callback must be None or callable"));
    }
    mp_float_t ns;
    if (args[ARG_freq].u_obj != mp_const_none) {
        ns = NS_IN_S / mp_obj_get_float(args[ARG_freq].u_obj);
    } else if (args[ARG_tick_hz].u_int <= 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("tick_hz must be positive"));
    } else {
        ns = (mp_float_t)args[ARG_period].u_int * NS_IN_S / args[ARG_tick_hz].u_int;
    }
    // A one-shot of 0 ms is one as soon as may be.
    if (mode == MODE_ONE_SHOT && ns >= 0 && ns < PERIOD_MIN_NS) {
        ns = PERIOD_MIN_NS;
    }
    if (!(ns >= PERIOD_MIN_NS && ns < MICROPY_FLOAT_CONST(9e18))) {
        mp_raise_ValueError(MP_ERROR_TEXT("period must be 50 us to 285 years"));
    }
    machine_need_timer();
    stop(self);
    self->mode = mode;
    self->hard = args[ARG_hard].u_bool;
    self->callback = callback;
    self->period_ns = (uint64_t)ns;
    list(self);
    self->due_ns = clock_ns() + self->period_ns;
    timer_start(&self->entry, self->due_ns);
}

static mp_obj_t machine_timer_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    // The only kind there is has the number -1.
    mp_int_t id = -1;
    if (n_args > 0) {
        id = mp_obj_get_int(args[0]);
        --n_args;
        ++args;
    }
    if (id != -1) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("Timer(%ld) doesn't exist: all have the number -1"), (long)id);
    }
    machine_timer_obj_t *self = m_new0(machine_timer_obj_t, 1);
    self->base.type = type;
    self->mode = MODE_PERIODIC;
    self->callback = mp_const_none;
    self->entry.callback = on_due;
    if (n_args > 0 || n_kw > 0) {
        mp_map_t kw_args;
        mp_map_init_fixed_table(&kw_args, n_kw, args + n_args);
        init_helper(self, n_args, args, &kw_args);
    }
    return MP_OBJ_FROM_PTR(self);
}

// init(*, mode=PERIODIC, freq=None, period=0, tick_hz=1000, callback=None, hard=False)
static mp_obj_t machine_timer_init(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    init_helper(MP_OBJ_TO_PTR(args[0]), n_args - 1, args + 1, kw_args);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(machine_timer_init_obj, 1, machine_timer_init);

static mp_obj_t machine_timer_deinit(mp_obj_t self_in) {
    stop(MP_OBJ_TO_PTR(self_in));
    drop_idle();
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(machine_timer_deinit_obj, machine_timer_deinit);

void machine_timer_deinit_all(void) {
    machine_timer_obj_t *self = MP_STATE_PORT(machine_timers);
    for (; self != NULL; self = self->next) {
        stop(self);
    }
    MP_STATE_PORT(machine_timers) = NULL;
    timer_stop(&turn_timer);
    first_ready = NULL;
    running_ready = false;
}

static const mp_rom_map_elem_t machine_timer_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_init), MP_ROM_PTR(&machine_timer_init_obj) },
    { MP_ROM_QSTR(MP_QSTR_deinit), MP_ROM_PTR(&machine_timer_deinit_obj) },
    { MP_ROM_QSTR(MP_QSTR_ONE_SHOT), MP_ROM_INT(MODE_ONE_SHOT) },
    { MP_ROM_QSTR(MP_QSTR_PERIODIC), MP_ROM_INT(MODE_PERIODIC) },
};
static MP_DEFINE_CONST_DICT(machine_timer_locals_dict, machine_timer_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_timer_type,
    MP_QSTR_Timer,
    MP_TYPE_FLAG_NONE,
    make_new, machine_timer_make_new,
    print, machine_timer_print,
    locals_dict, &machine_timer_locals_dict
    );

MP_REGISTER_ROOT_POINTER(void *machine_timers);
