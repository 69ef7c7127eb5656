// The heap beyond its first mebibyte: one more area of MicroPython's split heap, above 64 TiB, that
// grows by frames as the heap needs them and shrinks when a collection leaves its end free.
#ifndef RINGZERO_MPY_HEAP_H
#define RINGZERO_MPY_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Forgets the area: its frames belong to nobody any more.
void heap_reset(void);

// How far it may grow, in bytes, without that first mebibyte.
void heap_set_max(uint64_t size);

// For gc.c, which would like `size` bytes and can do with `needed`. False: there is no memory.
bool heap_grow(size_t size, size_t needed);
// gc.c has found the area empty.
void heap_give_back(void *area);

// After a collection: what it has left free at the area's end goes back to `frames`; a heap that is
// nearly full grows.
void heap_settle(void);

// Whether gc.c's tables of blocks can be right: they are not where somebody has written over them.
bool heap_check(void);

// How many frames the area takes, its tables included.
size_t heap_frames(void);

#endif
