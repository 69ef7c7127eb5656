// The identity map above the 4 GiB that the boot code maps: every frame at its own address.
#ifndef RINGZERO_MEMORY_IDENTITY_H
#define RINGZERO_MEMORY_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    IDENTITY_PAGE_SIZE = 0x200000,
};
// What the boot code has mapped already, in bytes from 0.
#define IDENTITY_BOOT_END (UINT64_C(1) << 32)

// Back to the boot code's own map.
void identity_reset(void);

// Takes one frame of mapped memory for a page table; 0 where there is none.
typedef uint64_t (*identity_take_t)(void *context);

// Maps [start, end), widened to 2 MiB pages. False: take() had no frame; what is mapped stays.
bool identity_map(uint64_t start, uint64_t end, identity_take_t take, void *context);

#endif
