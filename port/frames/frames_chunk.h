// How chunks become lines and whole again. Private to port/frames/.
#ifndef RINGZERO_FRAMES_CHUNK_H
#define RINGZERO_FRAMES_CHUNK_H

#include "frames_state.h"

void frames_split(size_t slot);             // Turn a free chunk into a line of free frames.
void frames_clear_partial(size_t slot);     // If it has no free frames.
void frames_merge(size_t slot);             // Make the chunk free if all of it is free.

#endif // RINGZERO_FRAMES_CHUNK_H
