// How chunks become lines and whole again. Private to port/frames/.
#ifndef RINGZERO_FRAMES_CHUNK_H
#define RINGZERO_FRAMES_CHUNK_H

#include "frames_state.h"

void frames_split(size_t slot);             // Turn an idle chunk into a line of free frames.
void frames_quiet(size_t slot);             // Clear `some` if nothing is free.
void frames_settle(size_t slot);            // Make the chunk idle if all of it is free.

#endif // RINGZERO_FRAMES_CHUNK_H
