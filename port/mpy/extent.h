// A part of the address space that is for one thing, of which the start is mapped to frames of its own.
#ifndef RINGZERO_MPY_EXTENT_H
#define RINGZERO_MPY_EXTENT_H

#include <stdbool.h>
#include <stdint.h>

// [start, start + count frames) is mapped.
typedef struct {
    uint64_t start;     // address
    uint64_t count;     // frames
} extent_t;

// Up to so many frames, which are not cleared. False: there are not so many, and nothing has changed.
bool extent_extend(extent_t *extent, uint64_t count);
// Down to so many frames, or a few more: a large page goes back whole, or stays whole.
void extent_cut(extent_t *extent, uint64_t count);

#endif
