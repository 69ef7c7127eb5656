// What nic.c and the drivers of network interfaces have in common.
#ifndef RINGZERO_DEVICES_NIC_DRIVER_H
#define RINGZERO_DEVICES_NIC_DRIVER_H

#include "cpu/timer.h"
#include "devices/nic.h"
#include "devices/virtqueue.h"

#define NIC_RING VIRTQUEUE_MAX // frames on their way, at most, in each direction
#define NIC_BUFFER 2048u       // bytes of memory for a frame, with what the device puts before it

typedef struct {
    uint16_t buffer; // its number
    uint16_t size;   // bytes of the frame
} nic_slot_t;

typedef struct nic {
    nic_setup_t setup;
    const nic_driver_t *driver;
    timer_entry_t tick;
    bool ticking, interrupts;   // the timer looks; the last frame has come by an interrupt
    uint64_t checked_ns;
    nic_stats_t stats;
    bool listening, link, broken;
    unsigned header;        // bytes before a frame in its buffer
    char text[NIC_TEXT];
    // The buffers: those that wait in the queue or for their turn, and the device's; then those for sending.
    uint8_t *buffers;
    uint8_t *send_buffers;
    // `waiting` slots from `first` on hold the queue, the others buffers that are free. The interrupt changes the slot
    // after them and `waiting`, nic_done() `first` and `waiting`, with interrupts off.
    nic_slot_t slots[NIC_QUEUE];
    unsigned first, waiting;
    union {
        struct {
            struct virtio_queue *receive, *send;
        } virtio;
        struct {
            struct nic_e1000_rings *rings;
            uint16_t buffers[NIC_RING]; // numbers, of the descriptors for receiving
            unsigned next;              // of them, which is looked at
            unsigned tail, done;        // of those for sending: the next one, the oldest that the device has
        } e1000;
    };
} nic_t;

static inline uint8_t *nic_buffer(const nic_t *nic, unsigned number) {
    return nic->buffers + number * NIC_BUFFER;
}
static inline uint8_t *nic_send_buffer(const nic_t *nic, unsigned number) {
    return nic->send_buffers + number * NIC_BUFFER;
}

// take(), give() and given() run with interrupts off.
struct nic_driver {
    // Gives the device the first buffers, at most NIC_RING. False: the setup makes no sense, or no memory is left.
    bool (*init)(nic_t *nic);
    // The next buffer that has come back, and the size of the frame in it; 0: it is malformed. False: none has, or
    // the device is broken.
    bool (*take)(nic_t *nic, unsigned *buffer, size_t *size);
    // A buffer for it, after one that was taken; and then that there are some.
    void (*give)(nic_t *nic, unsigned buffer);
    void (*given)(nic_t *nic);
    // Where the next frame that is sent belongs; NULL: there is no room. And then sends it.
    uint8_t *(*room)(nic_t *nic);
    void (*send)(nic_t *nic, size_t size);
    bool (*link)(const nic_t *nic);
};

#endif
