// What block devices made in Python raise, which no file system sees.
#ifndef RINGZERO_MPY_FILESYSTEM_H
#define RINGZERO_MPY_FILESYSTEM_H

#include "py/obj.h"

// What waits, for the collector, or NULL.
extern void *filesystem_raised;

// Whether one is in the middle of a call.
bool filesystem_is_running(void);

// Whether Ctrl-C waits for it to end.
bool filesystem_is_interrupted(void);

// The threads that are in the middle of one have ended: others can be used, and those never again.
void filesystem_keep_running(void);

// For a new heap: the last program may have ended in the middle of a file system.
void filesystem_reset(void);

// An exception in a call of a block device: in the middle of a file system it waits, and what is returned
// tells that of it; elsewhere it is raised.
mp_obj_t filesystem_keep(void *exception);

// For os.sync(): what has been written to files lasts when this is back, but for FAT's that are open; those
// want to be flushed or closed.
bool filesystem_can_sync(mp_obj_t fs);
void filesystem_sync(void *fs);

#endif
