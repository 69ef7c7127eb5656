// Functions and exceptions on their way to another interpreter, as values that can go over.
#ifndef RINGZERO_MPY_REMOTE_H
#define RINGZERO_MPY_REMOTE_H

#include "py/obj.h"

enum { REMOTE_FUNCTION = 3 };

// A function as so many values. TypeError for what cannot be had there.
void remote_describe_function(mp_obj_t function, mp_obj_t items[REMOTE_FUNCTION]);

// Calls one that has come over.
mp_obj_t remote_call(const mp_obj_t items[REMOTE_FUNCTION], size_t n_args, size_t n_kw, const mp_obj_t *args);

// An exception as a value, which has its traceback in it. One of a class of the program's own is described
// as the kernel's that it is derived from. `as_text`: its arguments as well, where they cannot go over.
mp_obj_t remote_describe_exception(mp_obj_t exception, bool as_text);
mp_obj_t remote_new_exception(mp_obj_t description);

#endif
