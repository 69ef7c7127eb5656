// What native code calls Python objects with, goes round loops with and decides with: it has no other
// place to look for Ctrl-C, for scheduled callbacks, and for other threads' turns. The makefile puts these
// in the place of the functions that they call.
#include "py/runtime.h"

mp_obj_t nativecall_function_n_kw(mp_obj_t fun, size_t n_args, size_t n_kw, const mp_obj_t *args);
mp_obj_t nativecall_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args);
bool nativecall_is_true(mp_obj_t obj);
mp_obj_t nativecall_iternext(mp_obj_t iterator);

static inline void handle_pending(void) {
    if (MP_STATE_VM(sched_state) == MP_SCHED_PENDING) {
        mp_handle_pending(true);
    }
}

mp_obj_t nativecall_function_n_kw(mp_obj_t fun, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    handle_pending();
    return mp_call_function_n_kw(fun, n_args, n_kw, args);
}

mp_obj_t nativecall_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    handle_pending();
    return mp_call_method_n_kw(n_args, n_kw, args);
}

bool nativecall_is_true(mp_obj_t obj) {
    handle_pending();
    return mp_obj_is_true(obj);
}

mp_obj_t nativecall_iternext(mp_obj_t iterator) {
    handle_pending();
    return mp_iternext(iterator);
}
