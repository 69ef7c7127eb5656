// Disks: bytes of a device in and out of memory, by whichever driver knows the device.
//
// Whoever calls waits, with no program's turn in between, at most BLOCK_SECONDS for each request. One that is
// then not done ends the device: it is stopped before the memory goes back to whoever has it. Any
// CPU may call, and waits for the others; not an interrupt's handler.
#ifndef RINGZERO_DEVICES_BLOCK_H
#define RINGZERO_DEVICES_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/lock.h"
#include "devices/dma.h"
#include "devices/virtqueue.h"

#define BLOCK_DEVICES_MAX DMA_DEVICES_MAX
#define BLOCK_PARTS 126u    // of memory, in one request
#define BLOCK_SECONDS 10u
#define BLOCK_TEXT 192u     // bytes

typedef enum {
    BLOCK_OK,
    BLOCK_PENDING,
    BLOCK_ERROR,        // the device says that it could not
    BLOCK_READ_ONLY,
    BLOCK_GONE,         // it is there no more, or was stopped
    BLOCK_TIMED_OUT,
    BLOCK_LIES,         // what it says makes no sense
    BLOCK_NO_MEMORY,    // [buf, buf + size) cannot be read, or written
} block_status_t;

typedef enum { BLOCK_READ, BLOCK_WRITE, BLOCK_FLUSH } block_op_t;

// Flags of a device.
enum {
    BLOCK_IS_READ_ONLY = 1,
    BLOCK_FLUSHES = 2,  // what has been written lasts only after a flush
};

// What a driver in Python has found out and made ready, as 64-bit words.
typedef struct {
    uint64_t dma;           // number of its dma_device_t
    uint64_t sectors;
    uint64_t sector_size;   // bytes, a power of two from 512 to BLOCK_SECTOR_MAX
    uint64_t flags;
    uint64_t parts_max;     // of one request, 2 or more: parts,
    uint64_t bytes_max;     // and bytes, a multiple of the sector's size
    uint64_t align;         // of parts' addresses and sizes: 1, 2 or 4
    uint64_t addr_end;      // above it the device cannot reach; 0: it reaches all
    uint64_t registers[8];  // what follows is its driver's
} block_setup_t;

typedef struct block {
    block_setup_t setup;
    const struct block_driver *driver;
    lock_t lock;
    unsigned owner;         // CPU that is in the middle of a request, + 1
    block_status_t dead;    // BLOCK_GONE: it takes no more requests
    char text[BLOCK_TEXT];  // what its driver calls it
    uint8_t *bounce;        // for what the device cannot reach
    union {
        struct {
            struct virtio_queue *queue;
            // A request, as the device reads it (virtio 1.2, 5.2.6), and its answer.
            uint32_t kind, reserved;
            uint64_t sector;
            uint8_t status;
        } virtio;
        struct {
            _Alignas(4096) uint64_t list[512]; // of physical pages
            uint32_t tail, head;
            uint16_t id;
            bool phase;
        } nvme;
    };
} block_t;

typedef struct block_driver {
    void (*init)(block_t *block);
    // Starts a request. The parts are of whole sectors together.
    void (*submit)(block_t *block, block_op_t op, uint64_t sector, const dma_part_t *parts, unsigned count);
    block_status_t (*poll)(block_t *block);
} block_driver_t;

#define BLOCK_SECTOR_MAX 4096u
#define BLOCK_BOUNCE 16384u

extern const block_driver_t block_virtio, block_nvme, block_ahci;

// A device's number, or -1: there are too many, or no memory is left. The text is at most BLOCK_TEXT - 1 bytes.
int block_add(const block_driver_t *driver, const block_setup_t *setup, const char *text);
// NULL: there is no device of that number.
const block_t *block_get(uint64_t number);

// Bytes from an offset in bytes on, which lie inside the device, to or from a buffer.
block_status_t block_move(unsigned number, bool write, uint64_t offset, void *buf, uint64_t size);
// What has been written lasts when this is back.
block_status_t block_flush(unsigned number);

// There are none any more: all devices have been stopped.
void block_reset(void);

#endif
