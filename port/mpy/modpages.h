// What the address space and messages ask of page memory.
#ifndef RINGZERO_MPY_MODPAGES_H
#define RINGZERO_MPY_MODPAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

#include "mpy/modsync.h"

extern const mp_obj_type_t pages_type;

// Forgets all open Pages: their frames belong to nobody any more.
void pages_reset(void);

// Closes all of this interpreter's that are open, but for those that take a page table for which there is
// no memory.
void pages_close_all(void);

// Whether [addr, addr + count frames) lies in one open Pages.
bool pages_hold(uint64_t addr, uint64_t count);

// Of a Pages object: what others know of it, from now on. NULL: there is no frame for that, or it is closed.
sync_t *pages_share(mp_obj_t pages);
bool pages_is_open(mp_obj_t pages);

// Another one for the same frames, which closing it leaves whose they are.
mp_obj_t pages_new_view(sync_t *sync);

#endif
