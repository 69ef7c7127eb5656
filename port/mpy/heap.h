// The heap beyond its first mebibyte: blocks_grown, above 64 TiB, grows by frames as the heap needs them
// and shrinks when a collection leaves its end free.
#ifndef RINGZERO_MPY_HEAP_H
#define RINGZERO_MPY_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Forgets it: its frames belong to nobody any more.
void heap_reset(void);

// How far it may grow, in bytes, without that first mebibyte.
void heap_set_max(uint64_t size);

// More room, after which an object of so many blocks can be allocated, if there is memory for it.
bool heap_grow(size_t blocks);

// After a collection: what it has left free at the heap's end goes back to `frames`; a heap that is
// nearly full grows.
void heap_settle(void);

// Room for `size` bytes of what a collection has still to look into. What is there stays where it is
// when it is asked for more. NULL: there is no memory.
void *heap_mark_stack(size_t size);
void heap_free_mark_stack(void);

// How many frames it takes, its table included.
size_t heap_frames(void);

#endif
