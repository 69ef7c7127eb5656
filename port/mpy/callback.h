// Calls of Python in whose place nobody catches.
#ifndef RINGZERO_MPY_CALLBACK_H
#define RINGZERO_MPY_CALLBACK_H

#include "py/obj.h"

// Calls it and prints what it raises, as upstream's scheduler does. False: that was Ctrl-C, which is meant
// for all calls to come, too.
bool callback_call(mp_obj_t function, mp_obj_t arg);

#endif
