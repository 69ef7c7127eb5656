// Put in front of py/vm.c: what loops are made of without a call, or with one call less. `make bench-vm`
// says what it is worth, and tests/boot/test_vm.py that it is the same.
#include "py/obj.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#if MICROPY_OBJ_REPR == MICROPY_OBJ_REPR_A

// NULL: no type of its own in memory.
static inline const mp_obj_type_t *vmfast_type(mp_obj_t object) {
    return mp_obj_is_obj(object) ? ((mp_obj_base_t *)MP_OBJ_TO_PTR(object))->type : NULL;
}

#if MICROPY_OPT_MAP_LOOKUP_CACHE
// The entry that upstream's cache has for a key, py/map.c's MAP_CACHE_GET. Were it another one, the key
// would not be there.
static inline mp_map_elem_t *vmfast_map_lookup(mp_map_t *map, mp_obj_t key, mp_map_lookup_kind_t kind) {
    if (map->alloc > 0) {
        size_t cached = MP_STATE_VM(map_lookup_cache)[(uintptr_t)key / 4 % MICROPY_OPT_MAP_LOOKUP_CACHE_SIZE];
        mp_map_elem_t *item = &map->table[cached % map->alloc];
        if (item->key == key) {
            return item;
        }
    }
    return mp_map_lookup(map, key, kind);
}
#define mp_map_lookup vmfast_map_lookup
#endif

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
            case MP_BINARY_OP_LESS_EQUAL:
                return mp_obj_new_bool(lhs <= rhs);
            case MP_BINARY_OP_MORE_EQUAL:
                return mp_obj_new_bool(lhs >= rhs);
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
            case MP_BINARY_OP_MULTIPLY:
            case MP_BINARY_OP_INPLACE_MULTIPLY:
                if (!__builtin_mul_overflow(lhs - 1, rhs >> 1, &result)) {
                    return (mp_obj_t)(result | 1);
                }
                break;
            // Of what is not negative C's division is Python's.
            case MP_BINARY_OP_FLOOR_DIVIDE:
            case MP_BINARY_OP_INPLACE_FLOOR_DIVIDE:
                if (lhs > 0 && rhs > 1) {
                    return MP_OBJ_NEW_SMALL_INT((lhs >> 1) / (rhs >> 1));
                }
                break;
            case MP_BINARY_OP_MODULO:
            case MP_BINARY_OP_INPLACE_MODULO:
                if (lhs > 0 && rhs > 1) {
                    return MP_OBJ_NEW_SMALL_INT((lhs >> 1) % (rhs >> 1));
                }
                break;
            case MP_BINARY_OP_AND:
            case MP_BINARY_OP_INPLACE_AND:
                return (mp_obj_t)(lhs & rhs);
            case MP_BINARY_OP_OR:
            case MP_BINARY_OP_INPLACE_OR:
                return (mp_obj_t)(lhs | rhs);
            case MP_BINARY_OP_XOR:
            case MP_BINARY_OP_INPLACE_XOR:
                return (mp_obj_t)((lhs ^ rhs) | 1);
            case MP_BINARY_OP_RSHIFT:
            case MP_BINARY_OP_INPLACE_RSHIFT:
                if ((mp_uint_t)rhs >> 1 < 63) {
                    return (mp_obj_t)(lhs >> (rhs >> 1) | 1);
                }
                break;
            case MP_BINARY_OP_LSHIFT:
            case MP_BINARY_OP_INPLACE_LSHIFT:
                if ((mp_uint_t)rhs >> 1 < 62) {
                    result = (mp_int_t)((mp_uint_t)(lhs - 1) << (rhs >> 1));
                    if (result >> (rhs >> 1) == lhs - 1) {
                        return (mp_obj_t)(result | 1);
                    }
                }
                break;
            default:
                break;
        }
    } else if (mp_obj_is_float(lhs_in) && mp_obj_is_float(rhs_in)) {
        mp_float_t left = mp_obj_float_get(lhs_in);
        mp_float_t right = mp_obj_float_get(rhs_in);
        switch (op) {
            case MP_BINARY_OP_LESS:
                return mp_obj_new_bool(left < right);
            case MP_BINARY_OP_MORE:
                return mp_obj_new_bool(left > right);
            case MP_BINARY_OP_LESS_EQUAL:
                return mp_obj_new_bool(left <= right);
            case MP_BINARY_OP_MORE_EQUAL:
                return mp_obj_new_bool(left >= right);
            case MP_BINARY_OP_ADD:
            case MP_BINARY_OP_INPLACE_ADD:
                return mp_obj_new_float(left + right);
            case MP_BINARY_OP_SUBTRACT:
            case MP_BINARY_OP_INPLACE_SUBTRACT:
                return mp_obj_new_float(left - right);
            case MP_BINARY_OP_MULTIPLY:
            case MP_BINARY_OP_INPLACE_MULTIPLY:
                return mp_obj_new_float(left * right);
            case MP_BINARY_OP_TRUE_DIVIDE:
            case MP_BINARY_OP_INPLACE_TRUE_DIVIDE:
                if (right != 0) {
                    return mp_obj_new_float(left / right);
                }
                break;
            default:
                break;
        }
    } else if (op == MP_BINARY_OP_EQUAL || op == MP_BINARY_OP_NOT_EQUAL) {
        if (mp_obj_is_str(lhs_in) && mp_obj_is_str(rhs_in)) {
            return mp_obj_new_bool(mp_obj_str_equal(lhs_in, rhs_in) == (op == MP_BINARY_OP_EQUAL));
        }
    } else if (op == MP_BINARY_OP_IN && vmfast_type(rhs_in) == &mp_type_dict) {
        return mp_obj_new_bool(mp_map_lookup(mp_obj_dict_get_map(rhs_in), lhs_in, MP_MAP_LOOKUP) != NULL);
    }
    return mp_binary_op(op, lhs_in, rhs_in);
}
#define mp_binary_op vmfast_binary_op

// Reads where value is MP_OBJ_SENTINEL, deletes where it is MP_OBJ_NULL, else writes. What is not there
// is mp_obj_subscr's.
static inline mp_obj_t vmfast_subscr(mp_obj_t base, mp_obj_t index, mp_obj_t value) {
    const mp_obj_type_t *type = vmfast_type(base);
    if (type == &mp_type_dict) {
        if (value == MP_OBJ_SENTINEL) {
            mp_map_elem_t *item = mp_map_lookup(mp_obj_dict_get_map(base), index, MP_MAP_LOOKUP);
            if (item != NULL) {
                return item->value;
            }
        } else if (value != MP_OBJ_NULL) {
            return mp_obj_dict_store(base, index, value);
        }
    } else if (mp_obj_is_small_int(index)) {
        mp_int_t at = MP_OBJ_SMALL_INT_VALUE(index);
        if (type == &mp_type_list) {
            mp_obj_list_t *list = MP_OBJ_TO_PTR(base);
            at += at < 0 ? (mp_int_t)list->len : 0;
            if ((mp_uint_t)at < list->len) {
                if (value == MP_OBJ_SENTINEL) {
                    return list->items[at];
                }
                if (value != MP_OBJ_NULL) {
                    list->items[at] = value;
                    return mp_const_none;
                }
            }
        } else if (type == &mp_type_tuple && value == MP_OBJ_SENTINEL) {
            mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(base);
            at += at < 0 ? (mp_int_t)tuple->len : 0;
            if ((mp_uint_t)at < tuple->len) {
                return tuple->items[at];
            }
        } else if (type == &mp_type_bytearray || type == &mp_type_bytes) {
            mp_obj_t result = MP_OBJ_TYPE_GET_SLOT(type, subscr)(base, index, value);
            if (result != MP_OBJ_NULL) {
                return result;
            }
        }
    }
    return mp_obj_subscr(base, index, value);
}
#define mp_obj_subscr vmfast_subscr

static inline void vmfast_unpack_sequence(mp_obj_t sequence, size_t count, mp_obj_t *items) {
    mp_obj_tuple_t *tuple = MP_OBJ_TO_PTR(sequence);
    if (vmfast_type(sequence) != &mp_type_tuple || tuple->len != count) {
        mp_unpack_sequence(sequence, count, items);
        return;
    }
    for (size_t i = 0; i < count; ++i) {
        items[i] = tuple->items[count - 1 - i];
    }
}
#define mp_unpack_sequence vmfast_unpack_sequence

static inline mp_obj_t vmfast_call_function(mp_obj_t function, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    const mp_obj_type_t *type = vmfast_type(function);
    if (type != NULL && MP_OBJ_TYPE_HAS_SLOT(type, call)) {
        return MP_OBJ_TYPE_GET_SLOT(type, call)(function, n_args, n_kw, args);
    }
    return mp_call_function_n_kw(function, n_args, n_kw, args);
}
#define mp_call_function_n_kw vmfast_call_function

// args[0] is the method, args[1] its object or MP_OBJ_NULL.
static inline mp_obj_t vmfast_call_method(size_t n_args, size_t n_kw, const mp_obj_t *args) {
    size_t self = args[1] != MP_OBJ_NULL;
    return vmfast_call_function(args[0], n_args + self, n_kw, args + 2 - self);
}
#define mp_call_method_n_kw vmfast_call_method

static inline bool vmfast_obj_is_true(mp_obj_t object) {
    return object == mp_const_true || (object != mp_const_false && mp_obj_is_true(object));
}
#define mp_obj_is_true vmfast_obj_is_true

#endif
