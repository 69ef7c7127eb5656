// Put in front of every C file of the interpreter: sizes that do not fit 64 bits are no small ones,
// but memory that is not to be had. Upstream multiplies without a look.
#ifndef RINGZERO_MPY_SIZES_H
#define RINGZERO_MPY_SIZES_H
#ifndef __ASSEMBLER__

// Before py/mpprint.h, which has more with it.
#include <stdarg.h>

#include "py/obj.h"
#include "py/runtime.h"

static inline size_t sizes_of(size_t head, size_t item, size_t count) {
    size_t size;
    return __builtin_mul_overflow(item, count, &size) || __builtin_add_overflow(head, size, &size) ? SIZE_MAX / 2 : size;
}

#undef m_new
#define m_new(type, num) ((type *)m_malloc(sizes_of(0, sizeof(type), num)))
#undef m_new_maybe
#define m_new_maybe(type, num) ((type *)m_malloc_maybe(sizes_of(0, sizeof(type), num)))
#undef m_new0
#define m_new0(type, num) ((type *)m_malloc0(sizes_of(0, sizeof(type), num)))
#undef m_new_obj_var
#define m_new_obj_var(obj_type, var_field, var_type, var_num) \
    ((obj_type *)m_malloc(sizes_of(offsetof(obj_type, var_field), sizeof(var_type), var_num)))
#undef m_new_obj_var0
#define m_new_obj_var0(obj_type, var_field, var_type, var_num) \
    ((obj_type *)m_malloc0(sizes_of(offsetof(obj_type, var_field), sizeof(var_type), var_num)))
#undef m_new_obj_var_maybe
#define m_new_obj_var_maybe(obj_type, var_field, var_type, var_num) \
    ((obj_type *)m_malloc_maybe(sizes_of(offsetof(obj_type, var_field), sizeof(var_type), var_num)))
#undef m_renew
#define m_renew(type, ptr, old_num, new_num) \
    ((type *)m_realloc(ptr, sizeof(type) * (old_num), sizes_of(0, sizeof(type), new_num)))
#undef m_renew_maybe
#define m_renew_maybe(type, ptr, old_num, new_num, allow_move) \
    ((type *)m_realloc_maybe(ptr, sizeof(type) * (old_num), sizes_of(0, sizeof(type), new_num), allow_move))
#undef mp_obj_malloc_var
#define mp_obj_malloc_var(struct_type, var_field, var_type, var_num, obj_type) \
    ((struct_type *)mp_obj_malloc_helper(sizes_of(offsetof(struct_type, var_field), sizeof(var_type), var_num), obj_type))

// For vstr.c, which rounds up to a size of 32 bits: it never asks for less than it has and wants.
#ifdef SIZES_VSTR
#undef m_renew
#define m_renew(type, ptr, old_num, new_num) \
    ((type *)m_realloc(ptr, old_num, (new_num) < vstr->len + size ? SIZE_MAX / 2 : (new_num)))
#endif

// For objstr.c: makes room for all of what is as wide as a program says, before it is filled little
// by little, which takes for ever. Returns the width, or -1 for less than nothing.
int sizes_width(const mp_print_t *print, int width);

#ifdef SIZES_FORMATS
#define mp_print_strn(print, str, len, flags, fill, width) \
    (mp_print_strn)(print, str, len, flags, fill, sizes_width(print, width))
#define mp_print_mp_int(print, x, base, base_char, flags, fill, width, prec) \
    (mp_print_mp_int)(print, x, base, base_char, flags, fill, sizes_width(print, width), sizes_width(print, prec))
#define mp_print_float(print, f, fmt, flags, fill, width, prec) \
    (mp_print_float)(print, f, fmt, flags, fill, sizes_width(print, width), prec)
#endif

#endif
#endif
