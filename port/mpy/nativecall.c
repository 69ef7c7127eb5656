// What native code calls Python objects with: it has no other place to look for Ctrl-C and for
// scheduled callbacks; and what it decides with. The makefile puts these in the place of the functions that
// they call, to which they are no more than a jump.
#include "mpy/nativecall.h"

mp_obj_t nativecall_function_n_kw(mp_obj_t fun, size_t n_args, size_t n_kw, const mp_obj_t *args);
mp_obj_t nativecall_method_n_kw(size_t n_args, size_t n_kw, const mp_obj_t *args);
bool nativecall_is_true(mp_obj_t obj);

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
    nativecall_take_turns();
    return mp_obj_is_true(obj);
}
