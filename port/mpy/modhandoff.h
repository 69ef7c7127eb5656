// What the modules of frozen Python's start share.
#ifndef RINGZERO_MPY_MODHANDOFF_H
#define RINGZERO_MPY_MODHANDOFF_H

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

// Ranges that stay over a soft reset; modules/_files.py has the same numbers.
enum {
    HANDOFF_KEPT_DISK = 0,
};

// need_start(): RuntimeError once the start is over.
MP_DECLARE_CONST_FUN_OBJ_0(handoff_need_start_obj);

// Keeps the RAM disk's memory, [start, end), from now on. False: one is kept already.
bool handoff_keep_disk(uint64_t start, uint64_t end);

#endif
