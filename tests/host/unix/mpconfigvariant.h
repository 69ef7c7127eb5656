// MicroPython's unix port at the kernel's feature level, for tests on the host.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EVERYTHING)

// What the kernel's Python raises, beside those that are there.
#define MICROPY_PY_ERRNO_LIST \
    X(ENOENT) X(EIO) X(EBUSY) X(EEXIST) X(ENODEV) X(EINVAL) X(ENOSPC) X(EROFS)

#include "variants/mpconfigvariant_common.h"
