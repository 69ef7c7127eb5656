#ifndef RINGZERO_MPY_MODRAMDISK_H
#define RINGZERO_MPY_MODRAMDISK_H

#include "py/obj.h"

// Whether this is one of the RAM disk's that get a buffer, readblocks() or writeblocks().
bool ramdisk_is_method(mp_const_obj_t obj);

#endif
