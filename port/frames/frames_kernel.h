// Which frames are the kernel's. Private to port/frames/.
#ifndef RINGZERO_FRAMES_KERNEL_H
#define RINGZERO_FRAMES_KERNEL_H

#include "frames_state.h"

uint64_t frames_kernel_mask(size_t word);

#endif // RINGZERO_FRAMES_KERNEL_H
