// Put in front of extmod/modtime.c, which takes whatever ticks it is given for a small int.
#include "py/runtime.h"

// All uses are for that.
#undef MP_OBJ_SMALL_INT_VALUE
#define MP_OBJ_SMALL_INT_VALUE(obj) mp_obj_get_int_truncated(obj)
