#ifndef RINGZERO_MPY_MODBLOCK_H
#define RINGZERO_MPY_MODBLOCK_H

#include "py/obj.h"

// Whether this is one of a disk's methods that get a buffer, readblocks() or writeblocks().
bool modblock_is_method(mp_const_obj_t obj);

// A block's number, or an offset: UINT64_MAX for more than 64 bits. TypeError for what is no int.
mp_uint_t modblock_index(mp_obj_t obj);

#endif
