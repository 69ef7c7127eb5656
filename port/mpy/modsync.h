// What CPUs share beside memory: queues and locks. Each is a frame of the kernel's, at the same address on
// every CPU, and lives as long as there is an object for it on one of them, or it is in a message.
#ifndef RINGZERO_MPY_MODSYNC_H
#define RINGZERO_MPY_MODSYNC_H

#include <stdint.h>

#include "py/obj.h"

typedef struct sync sync_t;

// Of a Queue or a Lock; NULL of any other object.
sync_t *sync_get(mp_obj_t obj);

// An object for it in this CPU's interpreter.
mp_obj_t sync_new(sync_t *sync);

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
