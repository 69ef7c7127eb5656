// What modules that hand frames to Python share with the module `frames`. Comes after py/obj.h.
#ifndef RINGZERO_MODFRAMES_H
#define RINGZERO_MODFRAMES_H

#include "frames.h"

// RuntimeError in a hard callback: it may have interrupted the allocator, or what has its frames.
void frames_refuse_interrupt(void);

// An int from 0 to 2^64 - 1. `name` is for the message of the exception.
uint64_t frames_get_number(mp_obj_t obj, const char *name);

// The exception for what frames_alloc_run() or frames_alloc_kernel() has refused with that status.
NORETURN void frames_raise_alloc(frames_status_t status, uint64_t count, uint64_t align,
    uint64_t below);

#endif // RINGZERO_MODFRAMES_H
