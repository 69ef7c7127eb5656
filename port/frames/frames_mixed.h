// Which frames of a chunk that others have frames of, too, are the kernel's. Private to port/frames/.
#ifndef RINGZERO_FRAMES_MIXED_H
#define RINGZERO_FRAMES_MIXED_H

#include "frames_state.h"

struct mixed *frames_find_mixed(size_t slot);   // The chunk's marks, or NULL.
uint64_t frames_kernel_mask(size_t word);       // The kernel's frames of a word in a line.

#endif // RINGZERO_FRAMES_MIXED_H
