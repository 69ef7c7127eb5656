#ifndef RINGZERO_MPY_VFS_LAZY_H
#define RINGZERO_MPY_VFS_LAZY_H

#include "py/obj.h"

// _lazy(make, size): stands in for a file system with nothing in it. The first use of it calls
// make(size), which returns the real one, and that takes its place.
MP_DECLARE_CONST_FUN_OBJ_2(vfs_lazy_obj);

#endif
