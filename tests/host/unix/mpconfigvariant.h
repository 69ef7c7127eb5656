// MicroPython's unix port at the kernel's feature level, for tests on the host.
#define MICROPY_CONFIG_ROM_LEVEL (MICROPY_CONFIG_ROM_LEVEL_EVERYTHING)

#include "variants/mpconfigvariant_common.h"
