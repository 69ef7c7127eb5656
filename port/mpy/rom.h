// The memory that holds the ROMFS at /rom.
#ifndef RINGZERO_MPY_ROM_H
#define RINGZERO_MPY_ROM_H

#include "py/obj.h"

MP_DECLARE_CONST_FUN_OBJ_2(rom_set_obj);

#endif
