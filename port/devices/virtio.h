// Queues of virtio devices, each by a number, with how the device is told of what is in it.
#ifndef RINGZERO_DEVICES_VIRTIO_H
#define RINGZERO_DEVICES_VIRTIO_H

#include "cpu/lock.h"
#include "devices/virtqueue.h"

#define VIRTIO_QUEUES_MAX 128u

typedef struct virtio_queue {
    virtqueue_t ring;
    lock_t lock;
    // The register that tells the device: its virtual address, what to write, and whether that is 2 or 4
    // bytes. 0: there is none yet.
    uint64_t notify, notify_value, notify_size;
} virtio_queue_t;

// An empty queue's number, or -1: there are too many, or no memory is left.
int virtio_queue_new(unsigned size);
// NULL: there is no queue of that number.
virtio_queue_t *virtio_queue_get(uint64_t number);

// Tells the device that there is something new, if it wants to know.
void virtio_notify(const virtio_queue_t *queue);

// There are none any more: all devices have been stopped.
void virtio_reset(void);

#endif
