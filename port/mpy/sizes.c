// What sizes.h cannot see: sizes that upstream has made before it asks for memory. The makefile puts
// these in the place of the functions that they call.
#include "py/gc.h"
#include "py/objtype.h"
#include "py/runtime.h"

// As long as the sum of two of them is a size, no step on the way can have gone round.
#define SIZE_LIMIT (SIZE_MAX / 4)

static NORETURN void too_large(void) {
    m_malloc_fail(SIZE_LIMIT);
}

NORETURN void __real_m_malloc_fail(size_t size);
NORETURN void __wrap_m_malloc_fail(size_t size);

// Upstream's message has the lower half of the number, up to 1.26.
void __wrap_m_malloc_fail(size_t size) {
    if (gc_is_locked()) {
        __real_m_malloc_fail(size);
    }
    mp_raise_msg_varg(&mp_type_MemoryError, MP_ERROR_TEXT("memory allocation failed, allocating %lu bytes"),
        (unsigned long)size);
}

void __real_mp_seq_multiply(const void *items, size_t item_size, size_t len, size_t times, void *dest);
void __wrap_mp_seq_multiply(const void *items, size_t item_size, size_t len, size_t times, void *dest);

// `dest` is there already, of a size that may be too small.
void __wrap_mp_seq_multiply(const void *items, size_t item_size, size_t len, size_t times, void *dest) {
    size_t size;
    if (__builtin_mul_overflow(item_size * len, times, &size) || size > SIZE_LIMIT) {
        too_large();
    }
    if (size > 0) {
        __real_mp_seq_multiply(items, item_size, len, times, dest);
    }
}

void __real_vstr_init_len(vstr_t *vstr, size_t len);
void __wrap_vstr_init_len(vstr_t *vstr, size_t len);

void __wrap_vstr_init_len(vstr_t *vstr, size_t len) {
    if (len > SIZE_LIMIT) {
        too_large();
    }
    __real_vstr_init_len(vstr, len);
}

mp_obj_t __real_mp_obj_int_pow3(mp_obj_t base, mp_obj_t exponent, mp_obj_t modulus);
mp_obj_t __wrap_mp_obj_int_pow3(mp_obj_t base, mp_obj_t exponent, mp_obj_t modulus);

// Nothing divided by nothing reads before its digits.
mp_obj_t __wrap_mp_obj_int_pow3(mp_obj_t base, mp_obj_t exponent, mp_obj_t modulus) {
    if (mp_obj_is_int(modulus) && !mp_obj_is_true(modulus)) {
        mp_raise_ValueError(MP_ERROR_TEXT("pow() 3rd argument cannot be 0"));
    }
    return __real_mp_obj_int_pow3(base, exponent, modulus);
}

int sizes_width(const mp_print_t *print, int width) {
    if (width > 64 && print->print_strn == (mp_print_strn_t)vstr_add_strn) {
        vstr_hint_size(print->data, width);
    }
    return MAX(width, -1);
}

// For objarray.c, which makes room for as many items as there will be: a length that can change on
// the way, or that a class of the program's own names, is none.
mp_obj_t sizes_fixed_len_maybe(mp_obj_t obj);

mp_obj_t sizes_fixed_len_maybe(mp_obj_t obj) {
    if (!mp_obj_is_exact_type(obj, &mp_type_tuple) && !mp_obj_is_exact_type(obj, &mp_type_range)) {
        return MP_OBJ_NULL;
    }
    mp_obj_t len = mp_obj_len_maybe(obj);
    if ((size_t)mp_obj_get_int(len) > SIZE_LIMIT / sizeof(uint64_t)) {
        too_large();
    }
    return len;
}

// For objstr.c, and for runtime.c and what comes out of a `*` in a call: it copies lists and tuples
// without a look, and asks for more room for all others.
mp_obj_t sizes_star_len_maybe(mp_obj_t obj);

mp_obj_t sizes_star_len_maybe(mp_obj_t obj) {
    return mp_obj_is_type(obj, &mp_type_list) ? mp_obj_len_maybe(obj) : sizes_fixed_len_maybe(obj);
}

mp_obj_t __real_mp_call_method_n_kw_var(bool have_self, size_t n_args_n_kw, const mp_obj_t *args);
mp_obj_t __wrap_mp_call_method_n_kw_var(bool have_self, size_t n_args_n_kw, const mp_obj_t *args);

static mp_obj_t copy_mapping(mp_obj_t mapping) {
    if (mp_obj_is_type(mapping, &mp_type_dict)) {
        return mp_obj_dict_copy(mapping);
    }
    mp_obj_t dict = mp_obj_new_dict(0);
    mp_obj_t keys[2];
    mp_load_method(mapping, MP_QSTR_keys, keys);
    mp_obj_t iterable = mp_getiter(mp_call_method_n_kw(0, 0, keys), NULL);
    mp_obj_t key;
    while ((key = mp_iternext(iterable)) != MP_OBJ_STOP_ITERATION) {
        mp_obj_dict_store(dict, key, mp_obj_subscr(mapping, key, MP_OBJ_SENTINEL));
    }
    return dict;
}

// f(*a, **b): upstream makes room for the lists and dictionaries among them, asks the iterators and
// mappings, which Python may have made, and copies the former without another look. Where there are
// both, the latter are asked first, with what stands before them as it is then.
mp_obj_t __wrap_mp_call_method_n_kw_var(bool have_self, size_t n_args_n_kw, const mp_obj_t *args) {
    // The caller's stack, whose values are for this call alone.
    mp_obj_t *positional = (mp_obj_t *)args + 1 + have_self;
    size_t n_positional = n_args_n_kw & 0xff;
    mp_obj_t *keyed = positional + n_positional;
    size_t n_keyed = n_args_n_kw >> 8 & 0xff;
    mp_uint_t stars = MP_OBJ_SMALL_INT_VALUE(keyed[2 * n_keyed]);
    bool copies = false;
    size_t asks = 0;
    for (size_t i = 0; i < n_positional; ++i) {
        if (stars >> i & 1) {
            bool is_list = mp_obj_is_type(positional[i], &mp_type_list);
            copies |= is_list;
            asks += !is_list && !mp_obj_is_type(positional[i], &mp_type_tuple);
        }
    }
    for (size_t i = 0; i < n_keyed; ++i) {
        if (keyed[2 * i] == MP_OBJ_NULL) {
            bool is_dict = mp_obj_is_type(keyed[2 * i + 1], &mp_type_dict);
            copies |= is_dict;
            asks += !is_dict;
        }
    }
    if (copies) {
        for (size_t i = 0; i < n_positional && asks > 0; ++i) {
            if ((stars >> i & 1) && !mp_obj_is_type(positional[i], &mp_type_tuple)) {
                asks -= !mp_obj_is_type(positional[i], &mp_type_list);
                positional[i] = mp_call_function_1(MP_OBJ_FROM_PTR(&mp_type_tuple), positional[i]);
            }
        }
        for (size_t i = 0; i < n_keyed && asks > 0; ++i) {
            if (keyed[2 * i] == MP_OBJ_NULL) {
                asks -= !mp_obj_is_type(keyed[2 * i + 1], &mp_type_dict);
                keyed[2 * i + 1] = copy_mapping(keyed[2 * i + 1]);
            }
        }
    }
    return __real_mp_call_method_n_kw_var(have_self, n_args_n_kw, args);
}

// For the modules of the machine, in whose terms a number that does not fit is just out of range.
mp_int_t sizes_get_int(mp_const_obj_t obj);
void sizes_arg_parse_all(size_t n_pos, const mp_obj_t *pos, mp_map_t *kws, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out);
void sizes_arg_parse_all_kw_array(size_t n_pos, size_t n_kw, const mp_obj_t *args, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out);

static void check_int(mp_const_obj_t obj) {
    if (mp_obj_is_exact_type(obj, &mp_type_int)
        && !mp_obj_equal((mp_obj_t)obj, mp_obj_new_int(mp_obj_int_get_truncated(obj)))) {
        mp_raise_ValueError(MP_ERROR_TEXT("a number here has up to 64 bits"));
    }
}

mp_int_t sizes_get_int(mp_const_obj_t obj) {
    check_int(obj);
    return mp_obj_get_int(obj);
}

// What takes any object looks at it itself.
static void check_arg(const mp_arg_t *allowed, mp_obj_t value) {
    if ((allowed->flags & MP_ARG_KIND_MASK) != MP_ARG_OBJ) {
        check_int(value);
    }
}

static void check_named(mp_obj_t name, mp_obj_t value, size_t n_allowed, const mp_arg_t *allowed) {
    for (size_t i = 0; i < n_allowed; ++i) {
        if (name == MP_OBJ_NEW_QSTR(allowed[i].qst)) {
            check_arg(&allowed[i], value);
        }
    }
}

void sizes_arg_parse_all(size_t n_pos, const mp_obj_t *pos, mp_map_t *kws, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out) {
    for (size_t i = 0; i < n_pos && i < n_allowed; ++i) {
        check_arg(&allowed[i], pos[i]);
    }
    for (size_t i = 0; i < kws->alloc; ++i) {
        if (mp_map_slot_is_filled(kws, i)) {
            check_named(kws->table[i].key, kws->table[i].value, n_allowed, allowed);
        }
    }
    mp_arg_parse_all(n_pos, pos, kws, n_allowed, allowed, out);
}

void sizes_arg_parse_all_kw_array(size_t n_pos, size_t n_kw, const mp_obj_t *args, size_t n_allowed,
    const mp_arg_t *allowed, mp_arg_val_t *out) {
    for (size_t i = 0; i < n_pos && i < n_allowed; ++i) {
        check_arg(&allowed[i], args[i]);
    }
    for (size_t i = 0; i < n_kw; ++i) {
        check_named(args[n_pos + 2 * i], args[n_pos + 2 * i + 1], n_allowed, allowed);
    }
    mp_arg_parse_all_kw_array(n_pos, n_kw, args, n_allowed, allowed, out);
}

// For modstruct.c: a format whose sizes can be added up.
const char *sizes_struct_format(mp_obj_t obj);

const char *sizes_struct_format(mp_obj_t obj) {
    const char *format = mp_obj_str_get_str(obj);
    size_t total = 0;
    for (const char *at = format; *at != 0;) {
        size_t count = 1;
        if (unichar_isdigit(*at)) {
            for (count = 0; unichar_isdigit(*at); ++at) {
                count = MIN(count * 10 + (*at - '0'), SIZE_LIMIT / 16);
            }
        } else {
            ++at;
        }
        // Nothing takes more than 8 bytes and 8 to align it.
        total += 16 * count;
        if (total >= SIZE_LIMIT) {
            mp_raise_ValueError(MP_ERROR_TEXT("struct format too large"));
        }
    }
    return format;
}

// For modframebuf.c: coordinates that fit an int, and lines that have an end. Colours fit as well.
mp_int_t sizes_framebuf_int(mp_const_obj_t obj);

mp_int_t sizes_framebuf_int(mp_const_obj_t obj) {
    enum { LIMIT = 1 << 24 };
    mp_int_t value = mp_obj_get_int(obj);
    if (value <= -LIMIT || value >= LIMIT) {
        mp_raise_msg_varg(&mp_type_OverflowError, MP_ERROR_TEXT("%ld is not a number of up to 24 bits"), (long)value);
    }
    return value;
}
