// Checked reads of what firmware has left in physical memory.
#ifndef RINGZERO_FIRMWARE_MEMORY_H
#define RINGZERO_FIRMWARE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

// The null frame is not mapped once Python runs, and nothing of use lies there.
#define FIRMWARE_ADDR_MIN UINT64_C(0x1000)

// Whether [addr, addr + size) is inside the 4 GiB that are always mapped.
static inline bool firmware_readable(uint64_t addr, uint64_t size) {
    uint64_t end = UINT64_C(1) << 32;
    return addr >= FIRMWARE_ADDR_MIN && addr < end && size <= end - addr;
}

static inline bool firmware_sums_to_zero(const void *data, uint32_t size) {
    const uint8_t *bytes = data;
    uint8_t sum = 0;
    while (size-- > 0) {
        sum += *bytes++;
    }
    return sum == 0;
}

#endif
