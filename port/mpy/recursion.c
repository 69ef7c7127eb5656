// The stack's limit where MicroPython does not look at it itself: the compiler, the compiler of
// regular expressions, and what compares, hashes and searches objects inside objects. The makefile
// makes every function of some objects call __cyg_profile_func_enter(), and the linker puts the
// functions with __wrap_ in the place of those without.
#include "py/obj.h"
#include "py/objstr.h"
#include "py/runtime.h"
#include "mpy/stackcheck.h"

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller) {
    mp_cstack_check();
}

void __cyg_profile_func_exit(void *function, void *caller) {
}

bool __real_mp_obj_equal(mp_obj_t left, mp_obj_t right);
bool __wrap_mp_obj_equal(mp_obj_t left, mp_obj_t right);

bool __wrap_mp_obj_equal(mp_obj_t left, mp_obj_t right) {
    if (mp_obj_is_str(left) && mp_obj_is_str(right)) {
        return mp_obj_str_equal(left, right);
    }
    mp_cstack_check();
    return __real_mp_obj_equal(left, right);
}

mp_obj_t __real_mp_unary_op(mp_unary_op_t op, mp_obj_t arg);
mp_obj_t __wrap_mp_unary_op(mp_unary_op_t op, mp_obj_t arg);

mp_obj_t __wrap_mp_unary_op(mp_unary_op_t op, mp_obj_t arg) {
    mp_cstack_check();
    return __real_mp_unary_op(op, arg);
}
