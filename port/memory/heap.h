// The heap beyond its first mebibyte: areas of frames, mapped one after the other above 64 TiB, that
// MicroPython's split heap takes as it needs them and gives back once they are empty.
#ifndef RINGZERO_MEMORY_HEAP_H
#define RINGZERO_MEMORY_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Forgets all areas: their frames belong to nobody any more.
void heap_reset(void);

// How far it may grow, in bytes, without that first mebibyte.
void heap_set_max(uint64_t size);

// For gc.c, which asks for *size bytes and can do with `needed`; *size becomes what it gets. NULL:
// there is no memory.
void *heap_grow(size_t *size, size_t needed);
// gc.c has found the area empty.
void heap_give_back(void *area);

// After a collection: empty areas go back to `frames`; a heap that is nearly full grows.
void heap_settle(void);

// How many frames the areas take.
size_t heap_frames(void);

#endif
