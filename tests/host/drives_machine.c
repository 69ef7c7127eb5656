// Disks' drivers in C with a device that this program plays, honest or lying, under ASan.
//
//   drives_machine SEED STEPS
//
// Each step moves bytes at random through virtio, NVMe or AHCI. An honest device has a disk that must be the
// model's. Whatever it is, it must never be shown memory that is none of the request's; a lying one
// writes what it likes into what it can reach, and the call must come back.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "devices/block.h"
#include "devices/virtio.h"
#include "frames/frames.h"
#include "memory/space.h"

enum { SECTORS = 256, ENTRIES = 16, PARTS = 6 };

#define FAIL(...) (fprintf(stderr, __VA_ARGS__), abort())

// ---- The kernel around the drivers

unsigned cpus_number, cpus_count = 1;
uint32_t cpus_epoch = 1;
paging_t space;

static uint64_t now;
static uint64_t random_state;
static bool stopped;
static unsigned lies;           // in 100 chances, of the device that plays
static void device_runs(void);

static uint32_t pick(uint32_t end) {
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (random_state >> 33) % end;
}

uint64_t clock_ns(void) {
    return now += 1000;
}

static void *taken[4]; // by the device that there is
static unsigned taken_count;

uint64_t frames_alloc_kernel(uint64_t count, uint64_t align, uint64_t below) {
    (void)below;
    taken[taken_count++] = aligned_alloc(align, count * FRAMES_SIZE);
    return (uint64_t)taken[taken_count - 1];
}

// Every address is itself; a page is 4 KiB, and some cannot be written.
paging_status_t space_translate(uint64_t va, paging_page_t *page) {
    *page = (paging_page_t) { va & ~UINT64_C(4095), va & ~UINT64_C(4095), 4096, PAGING_WRITE };
    return PAGING_OK;
}

bool space_readable(uint64_t va, size_t size) {
    return va + size > va;
}

bool space_writable(uint64_t va, size_t size) {
    return va + size > va;
}

void dma_wait(unsigned number) {
    (void)number;
    now += 1000000;
    device_runs();
}


bool dma_is_gone(unsigned number) {
    (void)number;
    return lies > 0 && pick(200) == 0;
}

bool dma_stop(unsigned number) {
    (void)number;
    return stopped = true;
}


// ---- The device

static uint8_t disk[SECTORS * 4096], model[SECTORS * 4096];
static unsigned sector_size;
static unsigned kind; // 0 virtio, 1 NVMe, 2 AHCI
static block_t *device;
static uint8_t *buffer;         // of the request that runs,
static size_t buffer_size;
static uint32_t doorbells[2];
static unsigned nvme_head, nvme_tail, nvme_phase = 1;
static uint16_t virtio_seen, virtio_used;
static uint8_t *ahci_port, *ahci_list, *ahci_table, *nvme_queues;

static void check_reach(uint64_t addr, uint64_t size) {
    uint64_t bounce = (uint64_t)device->bounce;
    if (!(addr >= (uint64_t)buffer && addr + size <= (uint64_t)buffer + buffer_size)
        && !(addr >= bounce && addr + size <= bounce + BLOCK_BOUNCE)) {
        FAIL("the device is given %lu bytes at 0x%lx\n", (unsigned long)size, (unsigned long)addr);
    }
}

// Bytes of the disk from *at on.
static bool move_part(bool write, uint64_t *at, uint64_t addr, uint64_t size) {
    check_reach(addr, size);
    if (*at + size > (uint64_t)SECTORS * sector_size) {
        FAIL("beyond the disk's end\n");
    }
    if (write) {
        memcpy(disk + *at, (void *)addr, size);
    } else {
        memcpy((void *)addr, disk + *at, size);
    }
    *at += size;
    return true;
}

static void run_virtio(void) {
    virtqueue_t *ring = &device->virtio.queue->ring;
    volatile uint32_t *used = (volatile uint32_t *)&ring->used[2];
    while (virtio_seen != ring->avail[1]) {
        unsigned at = ring->avail[2 + virtio_seen++ % ring->size], head = at;
        uint32_t request = 0, written = 0, n = 0;
        uint64_t place = 0;
        for (bool more = true; more; ++n) {
            virtqueue_desc_t desc = ring->descs[at];
            more = desc.flags & 1;
            at = desc.next;
            if (n == 0) {
                request = *(uint32_t *)desc.addr;
                place = *(uint64_t *)(desc.addr + 8) * 512;
                if (desc.size != 16 || desc.flags & 2) {
                    FAIL("a request's first part\n");
                }
            } else if (!more) {
                if (desc.size != 1 || !(desc.flags & 2) || desc.addr != (uint64_t)&device->virtio.status) {
                    FAIL("a request's last part\n");
                }
                *(uint8_t *)desc.addr = lies && pick(100) < lies ? pick(256) : 0;
            } else {
                if (!(desc.flags & 2) != (request == 1) || request == 4) {
                    FAIL("a part's direction\n");
                }
                move_part(request == 1, &place, desc.addr, desc.size);
            }
            written += desc.flags & 2 ? desc.size : 0;
        }
        used[2 * (virtio_used % ring->size)] = head;
        used[2 * (virtio_used % ring->size) + 1] = written;
        ++virtio_used;
        __atomic_store_n((uint16_t *)&ring->used[1], virtio_used, __ATOMIC_RELEASE);
    }
    if (lies && pick(100) < lies) {
        uint8_t *memory = (uint8_t *)ring->descs;
        unsigned entry = pick(2) ? (uint16_t)(virtio_used - 1) % ring->size : pick(ring->size);
        switch (pick(4)) {
            case 0:
                memory[pick(virtqueue_bytes(ring->size))] = pick(256);
                break;
            case 1:
                *(uint16_t *)&ring->used[1] = pick(65536);
                break;
            case 2:
                used[2 * entry] = pick(2) ? pick(2 * ring->size) : pick(UINT32_MAX);
                break;
            default:
                used[2 * entry + 1] = pick(2) ? pick(1 << 20) : UINT32_MAX;
        }
        // Descriptors that it has changed are its own affair: it runs what it reads.
        virtio_seen = ring->avail[1];
    }
}

static void run_nvme(void) {
    uint8_t *submission = nvme_queues, *completion = nvme_queues + 4096;
    if (lies && pick(100) < lies) {
        completion[pick(16 * ENTRIES)] = pick(256);
        return;
    }
    while (nvme_head != doorbells[0] % ENTRIES) {
        const uint8_t *command = submission + 64 * nvme_head;
        uint64_t prp[2], at = *(uint64_t *)(command + 40) * sector_size;
        memcpy(prp, command + 24, sizeof(prp));
        uint64_t size = ((uint64_t)*(uint16_t *)(command + 48) + 1) * sector_size;
        if (*command != 0) {
            uint64_t step = 4096 - prp[0] % 4096;
            step = step < size ? step : size;
            if (prp[0] % 4 != 0) {
                FAIL("the first page's offset\n");
            }
            move_part(*command == 1, &at, prp[0], step);
            size -= step;
            bool list = size > 4096;
            for (unsigned i = 0; size > 0; ++i) {
                uint64_t page = list ? ((uint64_t *)prp[1])[i] : prp[1];
                if (page % 4096 != 0 || i >= 512) {
                    FAIL("a page that is none\n");
                }
                step = size < 4096 ? size : 4096;
                move_part(*command == 1, &at, page, step);
                size -= step;
            }
        }
        uint8_t *entry = completion + 16 * nvme_tail;
        memcpy(entry + 12, command + 2, 2);
        *(uint16_t *)(entry + 14) = nvme_phase;
        nvme_tail = (nvme_tail + 1) % ENTRIES;
        nvme_phase ^= nvme_tail == 0;
        nvme_head = (nvme_head + 1) % ENTRIES;
    }
}

static void run_ahci(void) {
    uint32_t *port = (uint32_t *)ahci_port;
    port[0x18 / 4] &= ~(UINT32_C(1) << 15);
    if (lies && pick(100) < lies) {
        port[pick(32)] = pick(UINT32_MAX);
        return;
    }
    if (!(port[0x38 / 4] & 1)) {
        return;
    }
    uint32_t header = *(uint32_t *)ahci_list;
    const uint8_t *fis = ahci_table;
    uint64_t lba = fis[4] | fis[5] << 8 | fis[6] << 16 | (uint64_t)fis[8] << 24 | (uint64_t)fis[9] << 32;
    uint64_t at = lba * sector_size, end = at + (uint64_t)(fis[12] | fis[13] << 8) * sector_size;
    bool write = fis[2] == 0x35;
    if (fis[0] != 0x27 || (header & 31) != 5 || !(header & 64) != !write) {
        FAIL("a command's header\n");
    }
    for (unsigned i = 0; i < header >> 16; ++i) {
        uint64_t addr;
        uint32_t size;
        memcpy(&addr, ahci_table + 128 + 16 * i, 8);
        memcpy(&size, ahci_table + 140 + 16 * i, 4);
        if (addr % 2 != 0 || size % 2 != 1) {
            FAIL("a part is at an odd place\n");
        }
        move_part(write, &at, addr, size + 1);
    }
    if (fis[2] != 0xea && at != end) {
        FAIL("the parts are not so many sectors\n");
    }
    port[0x38 / 4] = 0;
    port[0x20 / 4] = 0x50;
    port[0x10 / 4] = 0;
}

// Called before the port's causes are read, which writing to them has cleared.
uint32_t dma_causes(unsigned number) {
    (void)number;
    uint32_t *causes = (uint32_t *)(ahci_port + 0x10);
    *causes = *causes == UINT32_MAX ? 0 : *causes;
    return 0;
}

static void device_runs(void) {
    static void(*const run[])(void) = { run_virtio, run_nvme, run_ahci };
    run[kind]();
}

// ---- The test

static unsigned new_device(void) {
    block_reset();
    virtio_reset();
    while (taken_count > 0) {
        free(taken[--taken_count]);
    }
    stopped = false;
    block_setup_t setup = {
        .sectors = SECTORS, .sector_size = sector_size, .flags = BLOCK_FLUSHES,
        .parts_max = PARTS - 2 + pick(100), .bytes_max = sector_size * (1 + pick(40)), .align = 1,
    };
    if (kind == 0) {
        setup.registers[0] = virtio_queue_new(128);
        virtio_seen = virtio_used = 0;
    } else if (kind == 1) {
        free(nvme_queues);
        nvme_queues = aligned_alloc(4096, 8192);
        memset(nvme_queues, 0, 8192);
        nvme_head = nvme_tail = 0;
        nvme_phase = 1;
        memset(doorbells, 0, sizeof(doorbells));
        setup.align = 4;
        uint64_t registers[] = { (uint64_t)nvme_queues, (uint64_t)nvme_queues + 4096, (uint64_t)&doorbells[0],
                                 (uint64_t)&doorbells[1], ENTRIES, 1 };
        memcpy(setup.registers, registers, sizeof(registers));
    } else {
        free(ahci_port);
        free(ahci_table);
        free(ahci_list);
        ahci_port = calloc(1, 128);
        ahci_list = calloc(1, 1024);
        ahci_table = calloc(1, 4096);
        setup.align = 2;
        uint64_t registers[] = { (uint64_t)ahci_port, (uint64_t)ahci_list, (uint64_t)ahci_table };
        memcpy(setup.registers, registers, sizeof(registers));
    }
    static const block_driver_t *const drivers[] = { &block_virtio, &block_nvme, &block_ahci };
    int number = block_add(drivers[kind], &setup, "a disk");
    device = (block_t *)block_get(number);
    return number;
}

// A queue with several buffers in it, for which a device answers in any order, or lies: whatever comes back
// was in it, once, and with no more bytes than it had room for.
static void play_queue(bool honest) {
    unsigned size = 1 << pick(6), n = 0, heads[64];
    size_t bytes = virtqueue_bytes(size);
    uint8_t *memory = aligned_alloc(VIRTQUEUE_ALIGN, (bytes + 4095) / 4096 * 4096);
    memset(memory, 0, bytes);
    static virtqueue_t ring;
    virtqueue_init(&ring, memory, size);
    uint32_t room[64] = { 0 };
    bool out[64] = { false };
    volatile uint32_t *used = (volatile uint32_t *)&ring.used[2];
    uint16_t seen = 0, index = 0;
    for (unsigned i = 0; i < 400; ++i) {
        unsigned token = pick(64), outs = pick(3), ins = pick(3);
        dma_part_t parts[4];
        for (unsigned j = 0; j < outs + ins; ++j) {
            parts[j] = (dma_part_t) { pick(1 << 30), 1 + pick(100) };
        }
        if (!out[token] && virtqueue_add(&ring, parts, outs, ins, token)) {
            out[token] = true;
            room[token] = 0;
            for (unsigned j = outs; j < outs + ins; ++j) {
                room[token] += parts[j].size;
            }
        }
        while (seen != ring.avail[1] && n < 64) {
            heads[n++] = ring.avail[2 + seen++ % size];
        }
        while (n > 0 && pick(3) > 0) {
            unsigned at = pick(n), head = heads[at], written = 0;
            heads[at] = heads[--n];
            for (unsigned j = head;; j = ring.descs[j].next) {
                written += ring.descs[j].flags & 2 ? ring.descs[j].size : 0;
                if (!(ring.descs[j].flags & 1)) {
                    break;
                }
            }
            bool lie = !honest && pick(20) == 0;
            used[2 * (index % size)] = lie && pick(2) ? pick(2 * size) : head;
            used[2 * (index % size) + 1] = lie ? written + pick(9) : pick(written + 1);
            index += lie && pick(4) == 0 ? pick(size + 9) : 1;
        }
        __atomic_store_n((uint16_t *)&ring.used[1], index, __ATOMIC_RELEASE);
        uint64_t got;
        uint32_t written;
        while (virtqueue_take(&ring, &got, &written)) {
            if (got >= 64 || !out[got] || written > room[got]) {
                FAIL("%u bytes in buffer %u that is not out, or has no such room\n", written, (unsigned)got);
            }
            out[got] = false;
        }
        if (ring.broken && honest) {
            FAIL("an honest device is called a liar\n");
        }
        if (ring.broken) {
            break;
        }
    }
    free(memory);
}

int main(int argc, char **argv) {
    random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned steps = argc > 2 ? atoi(argv[2]) : 1000, ended = 0;
    unsigned number = 0;
    for (unsigned i = 0; i < steps; ++i) {
        if (i % 10 == 0) {
            play_queue(i / 10 % 2);
        }
        if (i % 100 == 0 || stopped) {
            ended += stopped;
            kind = pick(3);
            sector_size = 512 << pick(4);
            lies = i / 100 % 2 == 0 ? 0 : 1 + pick(30);
            number = new_device();
            memcpy(model, disk, sizeof(disk));
        }
        uint64_t offset = pick(SECTORS * sector_size);
        size_t most = SECTORS * sector_size - offset;
        size_t size = pick(2) ? pick(most + 1) : pick(most < 5000 ? most + 1 : 5000);
        unsigned shift = pick(3) ? 0 : pick(64);
        // No larger, so that ASan sees a byte beyond it.
        uint8_t *memory = malloc(size + shift + 1);
        buffer = memory + shift;
        buffer_size = size;
        bool write = pick(2), flush = pick(10) == 0;
        for (size_t j = 0; j < size; ++j) {
            buffer[j] = random_state >> j % 64;
        }
        if (write && !flush) {
            memcpy(model + offset, buffer, size);
        }
        block_status_t status = flush ? block_flush(number) : block_move(number, write, offset, buffer, size);
        if (status == BLOCK_PENDING) {
            FAIL("a call has come back too early\n");
        }
        if (lies) {
            memcpy(model, disk, sizeof(disk));
        } else if (status != BLOCK_OK || stopped) {
            FAIL("step %u: an honest device of kind %u: status %u\n", i, kind, status);
        } else if (memcmp(model, disk, sizeof(disk)) != 0 || (!flush && memcmp(model + offset, buffer, size) != 0)) {
            FAIL("step %u: kind %u, other bytes than the model's\n", i, kind);
        }
        free(memory);
    }
    printf("%u steps, %u devices ended\n", steps, ended);
    return 0;
}
