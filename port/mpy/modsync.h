// What CPUs share: queues, locks, and which Pages have been closed. Each is a frame of the kernel's, at the
// same address on every CPU, and lives as long as there is an object for it on one of them, or it is in a
// message.
#ifndef RINGZERO_MPY_MODSYNC_H
#define RINGZERO_MPY_MODSYNC_H

#include <stdbool.h>
#include <stdint.h>

#include "py/obj.h"

typedef struct sync sync_t;

// Of a Queue or a Lock; NULL of any other object.
sync_t *sync_get(mp_obj_t obj);

// An object for a queue or a lock in this CPU's interpreter.
mp_obj_t sync_new(sync_t *sync);

// For Pages that have gone over: one with an object on this CPU, NULL where there is no frame for it; their
// address and number of frames, which is 0 from sync_close_pages() on, and of what is no Pages.
sync_t *sync_new_pages(uint64_t addr, uint64_t count);
uint64_t sync_pages(const sync_t *sync, uint64_t *addr);
void sync_close_pages(sync_t *sync);
bool sync_is_pages(const sync_t *sync);

// It has one object more on this CPU, or one less.
void sync_add(sync_t *sync);
void sync_drop(sync_t *sync);

// It is in one message more; or has so many holders less. Whoever had the last one puts it into a list of
// the dead, and buries those in the end.
void sync_hold(sync_t *sync);
void sync_release(sync_t *sync, uint64_t holders, sync_t **dead);
void sync_bury(sync_t *dead);

// This CPU's interpreter has no objects any more: locks that it has are free.
void sync_reset(void);

// There are none: their frames belong to nobody any more.
void sync_init(void);

#endif
