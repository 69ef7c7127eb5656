// What native code calls Python objects with: it has no other place to look for Ctrl-C and for
// scheduled callbacks; and what it goes round loops and decides with, where other threads have their turns.
// The makefile puts these in the place of the functions that they call.
#include "py/runtime.h"
#include "mpy/interrupt.h"
#include "mpy/thread.h"

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

// No callback has ever come here, and a loop may count on it.
static inline void take_turns(void) {
    if (thread_turn_is_over) {
        interrupt_take_turns();
    }
}

bool nativecall_is_true(mp_obj_t obj) {
    take_turns();
    return mp_obj_is_true(obj);
}

mp_obj_t nativecall_iternext(mp_obj_t iterator) {
    take_turns();
    return mp_iternext(iterator);
}
