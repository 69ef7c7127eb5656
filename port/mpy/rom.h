// The memory that holds the ROMFS at /rom.
#ifndef RINGZERO_MPY_ROM_H
#define RINGZERO_MPY_ROM_H

#include <stdint.h>

#include "py/obj.h"

// Start and end of the ROMFS that scripts/embed.py has put behind the kernel, and written here.
extern const uint64_t rom_in_image[2];

MP_DECLARE_CONST_FUN_OBJ_2(rom_set_obj);

#endif
