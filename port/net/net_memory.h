// lwIP's memory: blocks of some bytes out of frames, in one context (net.h).
//
// Blocks of one size share a slab of 16 KiB, which begins with what is known of it; a larger block has frames
// of its own. A slab in which nothing is left goes back, but for one of each size.
#ifndef RINGZERO_NET_NET_MEMORY_H
#define RINGZERO_NET_NET_MEMORY_H

#include <stddef.h>
#include <stdint.h>

// Of all frames, lwIP may have one in so many: what peers send cannot take the rest.
#define NET_MEMORY_SHARE 4

// `size` bytes, at a multiple of 16; NULL: there are none, or that would be more than its share. As free() in C,
// net_free() takes NULL.
void *net_malloc(size_t size);
void *net_calloc(size_t count, size_t size);
void net_free(void *memory);

// Frames that are taken now.
uint64_t net_memory_frames(void);
// All of it is gone: the frames belong to nobody any more.
void net_memory_reset(void);

#endif
