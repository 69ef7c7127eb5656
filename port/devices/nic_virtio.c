// Network devices of virtio (1.2, 5.1), with a buffer for each frame and nothing left to the device but to move it.
#include <string.h>

#include "devices/nic_driver.h"
#include "devices/virtio.h"

enum {
    // Registers: the numbers of its queues, bytes of the header, and the address of its status, or 0: there is none.
    RECEIVE = 0,
    SEND = 1,
    HEADER = 2,
    STATUS = 3,
    // 5.1.6: the header, and the shorter one of the older interface.
    HEADER_SIZE = 12,
    OLD_HEADER_SIZE = 10,
    // 5.1.4
    STATUS_LINK_UP = 1,
};

static void give(nic_t *nic, unsigned buffer) {
    dma_part_t part = { (uint64_t)nic_buffer(nic, buffer), NIC_BUFFER };
    virtqueue_add(&nic->virtio.receive->ring, &part, 0, 1, buffer);
}

static void given(nic_t *nic) {
    virtio_notify(nic->virtio.receive);
}

static bool init(nic_t *nic) {
    nic->virtio.receive = virtio_queue_get(nic->setup.registers[RECEIVE]);
    nic->virtio.send = virtio_queue_get(nic->setup.registers[SEND]);
    nic->header = nic->setup.registers[HEADER];
    if (nic->virtio.receive == NULL || nic->virtio.send == NULL
        || (nic->header != HEADER_SIZE && nic->header != OLD_HEADER_SIZE)) {
        return false;
    }
    virtqueue_without_interrupts(&nic->virtio.send->ring);
    for (unsigned i = 0; i < nic->virtio.receive->ring.size; ++i) {
        give(nic, i);
    }
    given(nic);
    return true;
}

static bool take(nic_t *nic, unsigned *buffer, size_t *size) {
    virtqueue_t *ring = &nic->virtio.receive->ring;
    uint64_t token;
    uint32_t written;
    if (!virtqueue_take(ring, &token, &written)) {
        nic->broken |= ring->broken;
        return false;
    }
    *buffer = token;
    // Less than a header is more than any frame.
    *size = written - nic->header;
    return true;
}

// A frame's buffer is that of its descriptor, of which each has one.
static uint8_t *room(nic_t *nic) {
    virtqueue_t *ring = &nic->virtio.send->ring;
    uint64_t token;
    uint32_t written;
    while (virtqueue_take(ring, &token, &written)) {
    }
    nic->broken |= ring->broken;
    return nic->broken || ring->free_count == 0 ? NULL : nic_send_buffer(nic, ring->free) + nic->header;
}

static void send(nic_t *nic, size_t size) {
    virtqueue_t *ring = &nic->virtio.send->ring;
    uint8_t *buffer = nic_send_buffer(nic, ring->free);
    memset(buffer, 0, nic->header);
    dma_part_t part = { (uint64_t)buffer, nic->header + size };
    virtqueue_add(ring, &part, 1, 0, 0);
    virtio_notify(nic->virtio.send);
}

static bool link(const nic_t *nic) {
    uint64_t status = nic->setup.registers[STATUS];
    return status == 0 || *(volatile uint16_t *)status & STATUS_LINK_UP;
}

const nic_driver_t nic_virtio = { init, take, give, given, room, send, link };
