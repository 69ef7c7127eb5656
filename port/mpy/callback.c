// What comes back from Python that C has called: exceptions that cannot be printed, streams that claim
// more than they were given.
#include "py/mperrno.h"
#include "py/objarray.h"
#include "py/runtime.h"
#include "mpy/interrupt.h"

mp_obj_t __real_mp_call_function_1_protected(mp_obj_t function, mp_obj_t arg);
mp_obj_t __wrap_mp_call_function_1_protected(mp_obj_t function, mp_obj_t arg);

mp_obj_t __wrap_mp_call_function_1_protected(mp_obj_t function, mp_obj_t arg) {
    mp_obj_t result = __real_mp_call_function_1_protected(function, arg);
    interrupt_settle();
    return result;
}

void __real_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exc);
void __wrap_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exc);

// To the console, where there is nobody above who catches: the prompt, the scheduler, the collector's
// finalisers and hard callbacks print outside every handler. What has been printed so far stays.
void __wrap_mp_obj_print_exception(const mp_print_t *print, mp_obj_t exc) {
    if (print != &mp_plat_print) {
        __real_mp_obj_print_exception(print, exc);
        return;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        __real_mp_obj_print_exception(print, exc);
        nlr_pop();
    } else {
        mp_printf(print, "%q (printing it raised %q)\n", (qstr)mp_obj_get_type(exc)->name,
            (qstr)mp_obj_get_type(MP_OBJ_FROM_PTR(nlr.ret_val))->name);
    }
}

mp_obj_t iobase_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args);

// What io.IOBase calls readinto(), write() and ioctl() of a Python object with. Upstream since 1.29:
// more bytes than there was room for are an error, and not the start of an endless loop.
mp_obj_t iobase_call_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    // The buffer of the first two, before Python gets at it.
    size_t room = n_args == 1 ? ((const mp_obj_array_t *)MP_OBJ_TO_PTR(args[2]))->len : 0;
    mp_obj_t result = mp_call_method_n_kw(n_args, n_kw, args);
    if (n_args == 1 && result != mp_const_none && mp_obj_get_int(result) > (mp_int_t)room) {
        return MP_OBJ_NEW_SMALL_INT(-MP_EIO);
    }
    return result;
}
