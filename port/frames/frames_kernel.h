// Marking frames of the kernel. Private to port/frames/.
#ifndef RINGZERO_FRAMES_KERNEL_H
#define RINGZERO_FRAMES_KERNEL_H

#include "frames_state.h"

// Locked: mark frames that have just been allocated, or none of them if there is no memory for it.
bool frames_mark_kernel(uint64_t frame, uint64_t count);
// Locked: whether all of this is the kernel's. With `commit`, it is not any more.
bool frames_unmark_kernel(uint64_t frame, uint64_t count, bool commit);

#endif // RINGZERO_FRAMES_KERNEL_H
