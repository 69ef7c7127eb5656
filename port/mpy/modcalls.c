// _calls: the CPUs and calls to them, for cpus.py.
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"

#include "cpu/cpus.h"
#include "cpu/io.h"
#include "frames/modframes.h"
#include "mpy/calls.h"
#include "mpy/cpus.h"
#include "mpy/modcalls.h"
#include "mpy/modmachine.h"
#include "mpy/remote.h"

typedef struct {
    mp_obj_base_t base;
    message_t *call;    // NULL: the answer is here
    uint8_t state;      // then
    uint8_t cpu;
    mp_obj_t answer;    // Before: what waits for it in an asyncio task of its own, or MP_OBJ_NULL.
} call_t;

typedef struct {
    mp_obj_base_t base;
    unsigned number;
} cpu_obj_t;

// --- Where it runs --------------------------------------------------------------------------

// What an exception becomes there. NULL: there is no memory for it.
static message_t *encode_exception(mp_obj_t exception) {
    for (int as_text = 0; as_text < 2; ++as_text) {
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            message_t *answer = message_encode(remote_describe_exception(exception, as_text));
            nlr_pop();
            return answer;
        }
    }
    return NULL;
}

static bool was_interrupted; // the last call that has run here, by KeyboardInterrupt

static message_t *run(const message_t *call, bool *raised) {
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        size_t count;
        mp_obj_t *items;
        mp_obj_get_array(message_decode(call), &count, &items);
        // The function, how many arguments have names, the arguments.
        size_t n_kw = MP_OBJ_SMALL_INT_VALUE(items[REMOTE_FUNCTION]);
        size_t first = REMOTE_FUNCTION + 1;
        mp_obj_t result = remote_call(items, count - first - 2 * n_kw, n_kw, items + first);
        message_t *answer = message_encode(result);
        nlr_pop();
        *raised = was_interrupted = false;
        return answer;
    }
    *raised = true;
    const mp_obj_type_t *type = mp_obj_get_type(MP_OBJ_FROM_PTR(nlr.ret_val));
    was_interrupted = mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(type), MP_OBJ_FROM_PTR(&mp_type_KeyboardInterrupt));
    return encode_exception(MP_OBJ_FROM_PTR(nlr.ret_val));
}

bool modcalls_serve(void) {
    bool served = calls_serve(run);
    // What it has turned off is not the next one's.
    machine_irq_is_off = false;
    cpu_irq_on();
    return served;
}

// --- Call -----------------------------------------------------------------------------------

static const mp_obj_type_t call_type;

static call_t *get_call(mp_obj_t self_in) {
    call_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->call == NULL && self->answer == MP_OBJ_NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("the call is gone"));
    }
    return self;
}

static bool is_over(const call_t *self) {
    return self->call == NULL || calls_over(self->call);
}

// Callbacks and threads run meanwhile. What ends the wait as an exception cancels the call.
static bool wait(call_t *self, uint64_t timeout) {
    if (is_over(self)) {
        return true;
    }
    if (timeout == 0) {
        return false;
    }
    frames_refuse_interrupt();
    uint64_t start = mp_hal_ticks_ms();
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        for (;;) {
            mp_event_handle_nowait();
            // It is over with an interrupt, which from here on ends the wait below.
            uint64_t passed = mp_hal_ticks_ms() - start;
            bool over = is_over(self);
            if (over || passed >= timeout) {
                nlr_pop();
                return over;
            }
            MICROPY_INTERNAL_WFE(MIN(timeout - passed, INT64_MAX));
        }
    }
    if (!is_over(self)) {
        calls_cancel(self->call);
    }
    nlr_jump(nlr.ret_val);
}

static uint64_t get_timeout(size_t n_args, const mp_obj_t *args) {
    return n_args < 2 || args[1] == mp_const_none ? UINT64_MAX : frames_get_number(args[1], "timeout_ms");
}

// done()
static mp_obj_t call_done_(mp_obj_t self_in) {
    return mp_obj_new_bool(is_over(get_call(self_in)));
}
static MP_DEFINE_CONST_FUN_OBJ_1(call_done_obj, call_done_);

// wait(timeout_ms=None) -> whether it is over
static mp_obj_t call_wait_(size_t n_args, const mp_obj_t *pos_args, mp_map_t *kw_args) {
    static const mp_arg_t allowed_args[] = {
        { MP_QSTR_timeout_ms, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE} },
    };
    mp_arg_val_t args[MP_ARRAY_SIZE(allowed_args)];
    mp_arg_parse_all(n_args - 1, pos_args + 1, kw_args, MP_ARRAY_SIZE(allowed_args), allowed_args, args);
    call_t *self = get_call(pos_args[0]);
    return mp_obj_new_bool(wait(self, get_timeout(2, (mp_obj_t[]) { pos_args[0], args[0].u_obj })));
}
static MP_DEFINE_CONST_FUN_OBJ_KW(call_wait_obj, 1, call_wait_);

// result() -> what the function has returned; or raises what it has
static mp_obj_t call_result_(mp_obj_t self_in) {
    call_t *self = get_call(self_in);
    frames_refuse_interrupt();
    wait(self, UINT64_MAX);
    message_t *call = self->call;
    if (call != NULL) {
        self->answer = call->answer != NULL ? message_decode(call->answer) : mp_const_none;
        self->state = calls_state(call);
        self->call = NULL;
        calls_forget(call);
    }
    switch (self->state) {
        case CALL_RETURNED:
            return self->answer;
        case CALL_RAISED:
            if (self->answer != mp_const_none) {
                nlr_raise(remote_new_exception(self->answer));
            }
            mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("CPU %u has no memory"), self->cpu);
        case CALL_CANCELLED:
            mp_raise_type(&mp_type_KeyboardInterrupt);
        default:
            mp_raise_msg_varg(&mp_type_RuntimeError, MP_ERROR_TEXT("CPU %u was reset"), self->cpu);
    }
}
static MP_DEFINE_CONST_FUN_OBJ_1(call_result_obj, call_result_);

// cancel()
static mp_obj_t call_cancel_(mp_obj_t self_in) {
    call_t *self = get_call(self_in);
    if (self->call != NULL) {
        calls_cancel(self->call);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(call_cancel_obj, call_cancel_);

// _withdraw() -> True: it has not begun, and never will
static mp_obj_t call_withdraw_(mp_obj_t self_in) {
    call_t *self = get_call(self_in);
    return mp_obj_new_bool(self->call != NULL && calls_withdraw(self->call));
}
static MP_DEFINE_CONST_FUN_OBJ_1(call_withdraw_obj, call_withdraw_);

// The collector has found that nobody has it: it runs on.
static mp_obj_t call_del_(mp_obj_t self_in) {
    call_t *self = MP_OBJ_TO_PTR(self_in);
    frames_refuse_interrupt();
    if (self->call != NULL) {
        message_t *call = self->call;
        self->call = NULL;
        self->answer = MP_OBJ_NULL;
        calls_forget(call);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(call_del_obj, call_del_);

// asyncio waits for it as for a stream.
static mp_uint_t call_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    if (request != MP_STREAM_POLL) {
        *errcode = MP_EINVAL;
        return MP_STREAM_ERROR;
    }
    return is_over(MP_OBJ_TO_PTR(self_in)) ? arg & MP_STREAM_POLL_RD : 0;
}

static const mp_stream_p_t call_stream = { .ioctl = call_ioctl };

// `await call` is a generator of cpus.py's.
static mp_obj_t call_getiter(mp_obj_t self_in, mp_obj_iter_buf_t *buffer) {
    mp_obj_t module = mp_import_name(MP_QSTR_cpus, mp_const_none, MP_OBJ_NEW_SMALL_INT(0));
    return mp_getiter(mp_call_function_1(mp_load_attr(module, MP_QSTR__wait_for), self_in), buffer);
}

// asyncio makes a task of whatever can be resumed like a coroutine: then it is that generator.
static mp_obj_t resume(mp_obj_t self_in, mp_obj_t sent, mp_obj_t thrown) {
    call_t *self = get_call(self_in);
    mp_obj_t waiter = self->call != NULL ? self->answer : MP_OBJ_NULL;
    if (waiter == MP_OBJ_NULL) {
        waiter = call_getiter(self_in, NULL);
    }
    if (self->call != NULL) {
        self->answer = waiter;
    }
    mp_obj_t value;
    mp_vm_return_kind_t kind = mp_resume(waiter, sent, thrown, &value);
    if (kind == MP_VM_RETURN_YIELD) {
        return value;
    }
    if (self->call != NULL) {
        self->answer = MP_OBJ_NULL;
    }
    if (kind == MP_VM_RETURN_NORMAL) {
        mp_raise_StopIteration(value);
    }
    nlr_raise(value);
}

// send(None)
static mp_obj_t call_send_(mp_obj_t self_in, mp_obj_t value) {
    return resume(self_in, value, MP_OBJ_NULL);
}
static MP_DEFINE_CONST_FUN_OBJ_2(call_send_obj, call_send_);

// throw(exception): one that ends the wait cancels the call, also where that has not begun.
static mp_obj_t call_throw_(mp_obj_t self_in, mp_obj_t exception) {
    call_cancel_(self_in);
    return resume(self_in, mp_const_none, exception);
}
static MP_DEFINE_CONST_FUN_OBJ_2(call_throw_obj, call_throw_);

static void call_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] == MP_OBJ_NULL && attr == MP_QSTR_cpu) {
        dest[0] = MP_OBJ_NEW_SMALL_INT(((call_t *)MP_OBJ_TO_PTR(self_in))->cpu);
    } else if (dest[0] == MP_OBJ_NULL) {
        dest[1] = MP_OBJ_SENTINEL;
    }
}

static void call_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    static const char *const states[] = { "queued", "running", "returned", "raised", "cancelled", "reset" };
    const call_t *self = MP_OBJ_TO_PTR(self_in);
    mp_printf(print, "<Call to CPU %u: %s>", self->cpu, states[self->call != NULL ? calls_state(self->call) : self->state]);
}

static const mp_rom_map_elem_t call_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&call_del_obj) },
    { MP_ROM_QSTR(MP_QSTR_done), MP_ROM_PTR(&call_done_obj) },
    { MP_ROM_QSTR(MP_QSTR_wait), MP_ROM_PTR(&call_wait_obj) },
    { MP_ROM_QSTR(MP_QSTR_result), MP_ROM_PTR(&call_result_obj) },
    { MP_ROM_QSTR(MP_QSTR_cancel), MP_ROM_PTR(&call_cancel_obj) },
    { MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&call_send_obj) },
    { MP_ROM_QSTR(MP_QSTR_throw), MP_ROM_PTR(&call_throw_obj) },
    { MP_ROM_QSTR(MP_QSTR__withdraw), MP_ROM_PTR(&call_withdraw_obj) },
};
static MP_DEFINE_CONST_DICT(call_locals, call_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    call_type,
    MP_QSTR_Call,
    MP_TYPE_FLAG_ITER_IS_GETITER,
    print, call_print,
    attr, call_attr,
    iter, call_getiter,
    protocol, &call_stream,
    locals_dict, &call_locals
    );

// --- Cpu ------------------------------------------------------------------------------------

// run(function, *args, **kwargs) -> Call
static mp_obj_t cpu_run_(size_t n_args, const mp_obj_t *args, mp_map_t *kw_args) {
    unsigned number = ((cpu_obj_t *)MP_OBJ_TO_PTR(args[0]))->number;
    frames_refuse_interrupt();
    if (number == 0 && cpus_number != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("CPU 0 runs the program"));
    }
    // First the object: without room for it nothing must start.
    call_t *self = mp_obj_malloc_with_finaliser(call_t, &call_type);
    self->call = NULL;
    self->answer = MP_OBJ_NULL;
    self->cpu = number;
    self->state = CALL_QUEUED;
    size_t n_kw = kw_args->used;
    mp_obj_tuple_t *request = MP_OBJ_TO_PTR(mp_obj_new_tuple(REMOTE_FUNCTION + 1 + n_args - 2 + 2 * n_kw, NULL));
    remote_describe_function(args[1], request->items);
    mp_obj_t *item = &request->items[REMOTE_FUNCTION];
    *item++ = MP_OBJ_NEW_SMALL_INT(n_kw);
    for (size_t i = 2; i < n_args; ++i) {
        *item++ = args[i];
    }
    for (size_t i = 0; i < kw_args->alloc; ++i) {
        if (mp_map_slot_is_filled(kw_args, i)) {
            *item++ = kw_args->table[i].key;
            *item++ = kw_args->table[i].value;
        }
    }
    message_t *call = message_encode(MP_OBJ_FROM_PTR(request));
    if (number != cpus_number) {
        calls_post(call, number);
        self->call = call;
        return MP_OBJ_FROM_PTR(self);
    }
    calls_run_here(call, run);
    self->call = call;
    // Ctrl-C is the program's, whatever of it has run.
    return was_interrupted ? call_result_(MP_OBJ_FROM_PTR(self)) : MP_OBJ_FROM_PTR(self);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(cpu_run_obj, 2, cpu_run_);

// reset(): ends what it runs and begins anew; its frames go back, globals are gone.
static mp_obj_t cpu_reset_(mp_obj_t self_in) {
    unsigned number = ((cpu_obj_t *)MP_OBJ_TO_PTR(self_in))->number;
    frames_refuse_interrupt();
    if (number == 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("CPU 0 is reset by a soft reset"));
    }
    if (number == cpus_number) {
        mp_raise_ValueError(MP_ERROR_TEXT("a CPU does not reset itself"));
    }
    if (!cpus_reset_interpreter(number)) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpu_reset_obj, cpu_reset_);

static void cpu_attr(mp_obj_t self_in, qstr attr, mp_obj_t *dest) {
    if (dest[0] != MP_OBJ_NULL) {
        return;
    }
    unsigned number = ((cpu_obj_t *)MP_OBJ_TO_PTR(self_in))->number;
    switch (attr) {
        case MP_QSTR_n:
            dest[0] = MP_OBJ_NEW_SMALL_INT(number);
            break;
        case MP_QSTR_apic_id:
            dest[0] = MP_OBJ_NEW_SMALL_INT(cpus[number].apic_id);
            break;
        case MP_QSTR_busy:
            dest[0] = mp_obj_new_bool(number == 0 || number == cpus_number || calls_busy(number));
            break;
        default:
            dest[1] = MP_OBJ_SENTINEL;
            break;
    }
}

static void cpu_print(const mp_print_t *print, mp_obj_t self_in, mp_print_kind_t kind) {
    mp_printf(print, "<Cpu %u>", ((cpu_obj_t *)MP_OBJ_TO_PTR(self_in))->number);
}

static const mp_rom_map_elem_t cpu_locals_table[] = {
    { MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&cpu_run_obj) },
    { MP_ROM_QSTR(MP_QSTR_reset), MP_ROM_PTR(&cpu_reset_obj) },
};
static MP_DEFINE_CONST_DICT(cpu_locals, cpu_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(
    cpu_type,
    MP_QSTR_Cpu,
    MP_TYPE_FLAG_NONE,
    print, cpu_print,
    attr, cpu_attr,
    locals_dict, &cpu_locals
    );

// all() -> a tuple of all that run, which the first call starts
static mp_obj_t calls_all_(void) {
    frames_refuse_interrupt();
    cpus_use();
    mp_obj_tuple_t *all = MP_OBJ_TO_PTR(mp_obj_new_tuple(cpus_count, NULL));
    for (unsigned i = 0; i < cpus_count; ++i) {
        cpu_obj_t *cpu = mp_obj_malloc(cpu_obj_t, &cpu_type);
        cpu->number = i;
        all->items[i] = MP_OBJ_FROM_PTR(cpu);
    }
    return MP_OBJ_FROM_PTR(all);
}
static MP_DEFINE_CONST_FUN_OBJ_0(calls_all_obj, calls_all_);

// _used() -> whether all that can be started has been: all() tries no more
static mp_obj_t calls_used_(void) {
    return mp_obj_new_bool(cpus_are_used());
}
static MP_DEFINE_CONST_FUN_OBJ_0(calls_used_obj, calls_used_);

// here() -> the number of the CPU that runs this
static mp_obj_t calls_here_(void) {
    return MP_OBJ_NEW_SMALL_INT(cpus_number);
}
static MP_DEFINE_CONST_FUN_OBJ_0(calls_here_obj, calls_here_);

static const mp_rom_map_elem_t calls_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__calls) },
    { MP_ROM_QSTR(MP_QSTR_Call), MP_ROM_PTR(&call_type) },
    { MP_ROM_QSTR(MP_QSTR_Cpu), MP_ROM_PTR(&cpu_type) },
    { MP_ROM_QSTR(MP_QSTR_all), MP_ROM_PTR(&calls_all_obj) },
    { MP_ROM_QSTR(MP_QSTR__used), MP_ROM_PTR(&calls_used_obj) },
    { MP_ROM_QSTR(MP_QSTR_here), MP_ROM_PTR(&calls_here_obj) },
};
static MP_DEFINE_CONST_DICT(calls_globals, calls_globals_table);

const mp_obj_module_t calls_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&calls_globals,
};
MP_REGISTER_MODULE(MP_QSTR__calls, calls_module);
