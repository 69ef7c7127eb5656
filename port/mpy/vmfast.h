// Put in front of py/vm.c: the operations on two small integers that loops are made of, without
// a call. `make bench-vm` says what it is worth.
#include "py/obj.h"
#include "py/runtime.h"

#if MICROPY_OBJ_REPR == MICROPY_OBJ_REPR_A

// A small integer n is the word 2n + 1: it compares as n does, and overflows where n leaves its
// 63 bits. What is left over is mp_binary_op's.
static inline mp_obj_t vmfast_binary_op(mp_binary_op_t op, mp_obj_t lhs_in, mp_obj_t rhs_in) {
    mp_int_t lhs = (mp_int_t)lhs_in;
    mp_int_t rhs = (mp_int_t)rhs_in;
    mp_int_t result;
    if (lhs & rhs & 1) {
        switch (op) {
            case MP_BINARY_OP_LESS:
                return mp_obj_new_bool(lhs < rhs);
            case MP_BINARY_OP_MORE:
                return mp_obj_new_bool(lhs > rhs);
            case MP_BINARY_OP_EQUAL:
                return mp_obj_new_bool(lhs == rhs);
            case MP_BINARY_OP_NOT_EQUAL:
                return mp_obj_new_bool(lhs != rhs);
            case MP_BINARY_OP_ADD:
            case MP_BINARY_OP_INPLACE_ADD:
                if (!__builtin_add_overflow(lhs, rhs - 1, &result)) {
                    return (mp_obj_t)result;
                }
                break;
            case MP_BINARY_OP_SUBTRACT:
            case MP_BINARY_OP_INPLACE_SUBTRACT:
                if (!__builtin_sub_overflow(lhs, rhs - 1, &result)) {
                    return (mp_obj_t)result;
                }
                break;
            default:
                break;
        }
    }
    return mp_binary_op(op, lhs_in, rhs_in);
}
#define mp_binary_op vmfast_binary_op

static inline bool vmfast_obj_is_true(mp_obj_t object) {
    return object == mp_const_true || (object != mp_const_false && mp_obj_is_true(object));
}
#define mp_obj_is_true vmfast_obj_is_true

#endif
