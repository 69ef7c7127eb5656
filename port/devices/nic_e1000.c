// Intel's Ethernet controllers of the 8254x family and the 82574, with descriptors of the first kind (Software
// Developer's Manual of PCI/PCI-X controllers, 317453, "8254x"; data sheet 317694, "82574"). What is cited is
// the former; the latter has it in the same places.
#include <string.h>

#include "devices/nic_driver.h"
#include "frames/frames.h"

enum {
    // 13.4: registers of 32 bits.
    CTRL = 0x0000,
    STATUS = 0x0008,
    ICR = 0x00c0,
    IMS = 0x00d0,
    RCTL = 0x0100,
    TCTL = 0x0400,
    TIPG = 0x0410,
    RDBAL = 0x2800,
    RDBAH = 0x2804,
    RDLEN = 0x2808,
    RDH = 0x2810,
    RDT = 0x2818,
    TDBAL = 0x3800,
    TDBAH = 0x3804,
    TDLEN = 0x3808,
    TDH = 0x3810,
    TDT = 0x3818,

    CTRL_ASDE = 1 << 5, // the speed is that of the PHY
    CTRL_SLU = 1 << 6,
    STATUS_LU = 1 << 1,
    // Frames have come; few descriptors are left; none was.
    IMS_RECEIVE = 1 << 7 | 1 << 4 | 1 << 6,
    // On, all groups' frames, broadcasts, buffers of 2048 bytes, no checksums. No long frames.
    RCTL_VALUE = 1 << 1 | 1 << 4 | 1 << 15 | 0 << 16 | 1 << 26,
    // On, short frames are padded; 14.5: collisions, for full duplex.
    TCTL_VALUE = 1 << 1 | 1 << 3 | 0x0f << 4 | 0x40 << 12,
    TIPG_VALUE = 8 | 8 << 10 | 6 << 20, // 82574 10.2.6.2; 8254x for copper, too

    DONE = 1, // in a descriptor's status
    WHOLE = 2,
    // 3.2.3.2: of the frame; those that checksums inside of it have are not looked at.
    ERRORS = 0x97,
    // 3.3.3.1: one descriptor is a frame, gets a checksum, and is said to be done.
    COMMAND = 1 << 0 | 1 << 1 | 1 << 3,

    BASE = 0, // of the setup's registers: the address of the controller's
};

typedef struct {
    uint64_t addr;
    uint16_t size;
    uint16_t checksum;
    uint8_t status;
    uint8_t errors;
    uint16_t special;
} receive_t;

typedef struct {
    uint64_t addr;
    uint16_t size;
    uint8_t checksum_offset;
    uint8_t command;
    uint8_t status;
    uint8_t checksum_start;
    uint16_t special;
} send_t;

// Each must lie at a multiple of 16 (3.2.6).
struct nic_e1000_rings {
    volatile receive_t receive[NIC_RING];
    volatile send_t send[NIC_RING];
};

static void write32(const nic_t *nic, unsigned reg, uint32_t value) {
    // What is in memory has been written before.
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *(volatile uint32_t *)(nic->setup.registers[BASE] + reg) = value;
}

static uint32_t read32(const nic_t *nic, unsigned reg) {
    return *(volatile uint32_t *)(nic->setup.registers[BASE] + reg);
}

static void give(nic_t *nic, unsigned buffer) {
    unsigned at = nic->e1000.next;
    volatile receive_t *desc = &nic->e1000.rings->receive[at];
    nic->e1000.buffers[at] = buffer;
    desc->addr = (uint64_t)nic_buffer(nic, buffer);
    desc->status = 0;
    nic->e1000.next = (at + 1) % NIC_RING;
}

static void given(nic_t *nic) {
    // All but one: the ring would seem empty (3.2.6).
    write32(nic, RDT, (nic->e1000.next + NIC_RING - 1) % NIC_RING);
}

static void write_ring(const nic_t *nic, unsigned reg, volatile void *ring) {
    write32(nic, reg, (uint64_t)ring);
    write32(nic, reg + (RDBAH - RDBAL), (uint64_t)ring >> 32);
    write32(nic, reg + (RDLEN - RDBAL), NIC_RING * sizeof(receive_t));
    write32(nic, reg + (RDH - RDBAL), 0);
    write32(nic, reg + (RDT - RDBAL), 0);
}

static bool init(nic_t *nic) {
    uint64_t addr = frames_alloc_kernel(sizeof(struct nic_e1000_rings) / FRAMES_SIZE, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return false;
    }
    nic->e1000.rings = (struct nic_e1000_rings *)addr;
    memset((void *)addr, 0, sizeof(struct nic_e1000_rings));
    for (unsigned i = 0; i < NIC_RING; ++i) {
        give(nic, i);
    }
    write_ring(nic, RDBAL, nic->e1000.rings->receive);
    write_ring(nic, TDBAL, nic->e1000.rings->send);
    write32(nic, CTRL, read32(nic, CTRL) | CTRL_SLU | CTRL_ASDE);
    write32(nic, TIPG, TIPG_VALUE);
    write32(nic, TCTL, TCTL_VALUE);
    write32(nic, RCTL, RCTL_VALUE);
    given(nic);
    read32(nic, ICR);
    write32(nic, IMS, IMS_RECEIVE);
    return true;
}

static bool take(nic_t *nic, unsigned *buffer, size_t *size) {
    unsigned at = nic->e1000.next;
    const volatile receive_t *desc = &nic->e1000.rings->receive[at];
    uint8_t status = desc->status;
    if (!(status & DONE)) {
        return false;
    }
    *buffer = nic->e1000.buffers[at];
    *size = status & WHOLE && !(desc->errors & ERRORS) ? desc->size : 0;
    return true;
}

// The buffer of each descriptor is that of its number.
static uint8_t *room(nic_t *nic) {
    while (nic->e1000.done != nic->e1000.tail && nic->e1000.rings->send[nic->e1000.done].status & DONE) {
        nic->e1000.done = (nic->e1000.done + 1) % NIC_RING;
    }
    bool full = (nic->e1000.tail + 1) % NIC_RING == nic->e1000.done;
    return full ? NULL : nic_send_buffer(nic, nic->e1000.tail);
}

static void send(nic_t *nic, size_t size) {
    unsigned at = nic->e1000.tail;
    volatile send_t *desc = &nic->e1000.rings->send[at];
    desc->addr = (uint64_t)nic_send_buffer(nic, at);
    desc->size = size;
    desc->status = 0;
    desc->command = COMMAND;
    nic->e1000.tail = (at + 1) % NIC_RING;
    write32(nic, TDT, nic->e1000.tail);
}

static bool link(const nic_t *nic) {
    return read32(nic, STATUS) & STATUS_LU;
}

const nic_driver_t nic_e1000 = { init, take, give, given, room, send, link };
