// A virtqueue, split form (virtio 1.2, 2.7): what the driver of a virtio device and the device tell each
// other in memory. Plain C, for one CPU at a time.
//
// Nothing that the device writes is believed: which descriptors a buffer has, and how much room, is kept
// where the device cannot get at it. A queue whose device breaks the rules is broken for good; its
// memory is safe to give back only when the device has been reset.
#ifndef RINGZERO_DEVICES_VIRTQUEUE_H
#define RINGZERO_DEVICES_VIRTQUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTQUEUE_MAX 256u // entries
// Where the used ring may begin: legacy devices know of nothing else (2.7.2).
#define VIRTQUEUE_ALIGN 4096u

// Physical memory that a device reads or writes.
typedef struct {
    uint64_t addr;
    uint64_t size; // bytes, below 4 GiB
} dma_part_t;

typedef struct {
    uint64_t addr;
    uint32_t size;
    uint16_t flags;
    uint16_t next;
} virtqueue_desc_t;

typedef struct {
    uint64_t token;
    uint32_t room;  // bytes that the device may write
    uint16_t next;  // of the descriptors of a buffer, and of the free ones
    uint16_t count; // descriptors of the buffer that begins here; 0: none does
} virtqueue_own_t;

typedef struct {
    virtqueue_desc_t *descs;
    volatile uint16_t *avail; // flags, index, ring
    volatile uint16_t *used;  // flags, index; then pairs of 32 bits
    uint16_t size;
    uint16_t free, free_count;
    uint16_t added, taken;    // buffers so far, modulo 2^16
    bool broken;
    virtqueue_own_t own[VIRTQUEUE_MAX];
} virtqueue_t;

// Bytes that a queue takes, and where in them its parts begin.
static inline size_t virtqueue_avail_offset(unsigned size) {
    return 16 * size;
}
static inline size_t virtqueue_used_offset(unsigned size) {
    return (16 * size + 6 + 2 * size + VIRTQUEUE_ALIGN - 1) / VIRTQUEUE_ALIGN * VIRTQUEUE_ALIGN;
}
static inline size_t virtqueue_bytes(unsigned size) {
    return virtqueue_used_offset(size) + 6 + 8 * size;
}

// An empty queue of so many entries, a power of two up to VIRTQUEUE_MAX, in zeroed memory at a multiple of
// VIRTQUEUE_ALIGN.
void virtqueue_init(virtqueue_t *queue, void *memory, unsigned size);

// The device is asked for no interrupts when it is done with a buffer.
void virtqueue_without_interrupts(virtqueue_t *queue);

// Gives the device a buffer: `outs` parts that it reads, then `ins` that it writes. False: the queue has not so
// many entries free, or is broken. The token comes back with it.
bool virtqueue_add(virtqueue_t *queue, const dma_part_t *parts, unsigned outs, unsigned ins, uint64_t token);

// Whether the device wants to be told of what has been added.
bool virtqueue_wants_notice(const virtqueue_t *queue);

// The next buffer that the device has done with, and how many bytes it says it has written, no more than
// there is room. False: there is none, or the queue is broken.
bool virtqueue_take(virtqueue_t *queue, uint64_t *token, uint32_t *written);

#endif
