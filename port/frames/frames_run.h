// The search for contiguous frames. Private to port/frames/.
#ifndef RINGZERO_FRAMES_RUN_H
#define RINGZERO_FRAMES_RUN_H

#include "frames_state.h"

// Of frames for the caller, whose arguments are good: `align` is in frames. Where they are, or why
// there are none.
uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below);
uint64_t frames_search_hinted(unsigned count);      // Fewer than 512, anywhere.
uint64_t frames_search_locked(uint64_t count, uint64_t align, uint64_t below);

#endif // RINGZERO_FRAMES_RUN_H
