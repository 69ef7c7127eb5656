#include "cpu/clock.h"
#include "devices/dma.h"
#include "devices/entropy.h"
#include "devices/virtio.h"
#include "frames/frames.h"

#define SECONDS_NS UINT64_C(1000000000)

static virtio_queue_t *queue; // NULL: there is none
static unsigned dma;
static uint8_t *page;
static lock_t lock;
static uint64_t requests;

bool entropy_use(unsigned its_queue, unsigned its_dma) {
    uint64_t addr = frames_alloc_kernel(1, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return false;
    }
    page = (uint8_t *)addr;
    dma = its_dma;
    queue = virtio_queue_get(its_queue);
    return true;
}

// How many bytes have come into the page; 0: none.
static uint32_t ask(size_t size) {
    dma_part_t part = { (uint64_t)page, size };
    uint64_t token, end = clock_ns() + SECONDS_NS;
    uint32_t written;
    if (!virtqueue_add(&queue->ring, &part, 0, 1, ++requests)) {
        return 0;
    }
    virtio_notify(queue);
    do {
        while (virtqueue_take(&queue->ring, &token, &written)) {
            if (token == requests) {
                return written;
            }
        }
        dma_wait(dma);
    } while (!queue->ring.broken && clock_ns() < end);
    return 0;
}

bool entropy_mix(uint8_t *buf, size_t size) {
    while (size > 0) {
        lock_take(&lock);
        uint32_t got = queue == 0 ? 0 : ask(size < FRAMES_SIZE ? size : FRAMES_SIZE);
        for (uint32_t i = 0; i < got; ++i) {
            buf[i] ^= page[i];
        }
        if (got == 0 && queue != 0) {
            // Whatever it still writes goes into a page that nobody reads any more.
            dma_stop(dma);
            queue = 0;
        }
        lock_release(&lock);
        if (got == 0) {
            return false;
        }
        buf += got;
        size -= got;
    }
    return true;
}

void entropy_reset(void) {
    queue = 0;
}
