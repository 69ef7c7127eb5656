#include <string.h>

#include "devices/virtio.h"
#include "frames/frames.h"

static virtio_queue_t *queues[VIRTIO_QUEUES_MAX];
static unsigned count;

int virtio_queue_new(unsigned size) {
    // The ring comes first, at a multiple of VIRTQUEUE_ALIGN.
    size_t ring = (virtqueue_bytes(size) + FRAMES_SIZE - 1) / FRAMES_SIZE;
    size_t frames = ring + (sizeof(virtio_queue_t) + FRAMES_SIZE - 1) / FRAMES_SIZE;
    if (count == VIRTIO_QUEUES_MAX) {
        return -1;
    }
    uint64_t addr = frames_alloc_kernel(frames, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return -1;
    }
    memset((void *)addr, 0, frames * FRAMES_SIZE);
    virtio_queue_t *queue = (virtio_queue_t *)(addr + ring * FRAMES_SIZE);
    virtqueue_init(&queue->ring, (void *)addr, size);
    queues[count] = queue;
    return count++;
}

virtio_queue_t *virtio_queue_get(uint64_t number) {
    return number < count ? queues[number] : NULL;
}

void virtio_notify(const virtio_queue_t *queue) {
    if (queue->notify == 0 || !virtqueue_wants_notice(&queue->ring)) {
        return;
    }
    if (queue->notify_size == 2) {
        *(volatile uint16_t *)queue->notify = queue->notify_value;
    } else {
        *(volatile uint32_t *)queue->notify = queue->notify_value;
    }
}

void virtio_reset(void) {
    count = 0;
}
