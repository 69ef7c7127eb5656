// Block devices of virtio (1.2, 5.2).
#include "devices/block.h"
#include "devices/virtio.h"

enum {
    // Requests (5.2.6), and what becomes of them.
    KIND_READ = 0,
    KIND_WRITE = 1,
    KIND_FLUSH = 4,
    STATUS_OK = 0,
    STATUS_NONE = 0xff,
    // Registers: the number of its queue.
    QUEUE = 0,

    UNIT = 512, // of sector numbers, whatever the sectors are
};

static void init(block_t *block) {
    block->virtio.queue = virtio_queue_get(block->setup.registers[QUEUE]);
}

static void submit(block_t *block, block_op_t op, uint64_t sector, const dma_part_t *parts, unsigned count) {
    static const uint32_t kinds[] = { KIND_READ, KIND_WRITE, KIND_FLUSH };
    block->virtio.kind = kinds[op];
    block->virtio.sector = sector * (block->setup.sector_size / UNIT);
    block->virtio.status = STATUS_NONE;
    dma_part_t all[BLOCK_PARTS + 2];
    all[0] = (dma_part_t) { (uint64_t)&block->virtio.kind, 16 };
    for (unsigned i = 0; i < count; ++i) {
        all[1 + i] = parts[i];
    }
    all[1 + count] = (dma_part_t) { (uint64_t)&block->virtio.status, 1 };
    unsigned outs = op == BLOCK_WRITE ? 1 + count : 1;
    virtqueue_add(&block->virtio.queue->ring, all, outs, count + 2 - outs, 0);
    virtio_notify(block->virtio.queue);
}

static block_status_t poll(block_t *block) {
    uint64_t token;
    uint32_t written;
    virtqueue_t *ring = &block->virtio.queue->ring;
    if (!virtqueue_take(ring, &token, &written)) {
        return ring->broken ? BLOCK_LIES : BLOCK_PENDING;
    }
    uint8_t status = *(volatile uint8_t *)&block->virtio.status;
    return status == STATUS_OK ? BLOCK_OK : status == STATUS_NONE ? BLOCK_LIES : BLOCK_ERROR;
}

const block_driver_t block_virtio = { init, submit, poll };
