// Taking memory out of the map, and memory for the allocator's own data. Private to port/frames/.
#ifndef RINGZERO_FRAMES_RESERVE_H
#define RINGZERO_FRAMES_RESERVE_H

#include "frames_state.h"

// Locked, and quiesced: memory for the allocator's own data, or NULL. It is no longer in the map.
void *frames_take_metadata(uint64_t bytes);

#endif // RINGZERO_FRAMES_RESERVE_H
