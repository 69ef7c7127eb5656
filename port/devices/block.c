#include <stddef.h>
#include <string.h>

#include "cpu/clock.h"
#include "devices/block.h"
#include "devices/virtio.h"
#include "frames/frames.h"
#include "memory/space.h"

#define TICK_NS UINT64_C(10000000)

static block_t *blocks[BLOCK_DEVICES_MAX];
static unsigned count;

int block_add(const block_driver_t *driver, const block_setup_t *setup, const char *text) {
    if (count == BLOCK_DEVICES_MAX) {
        return -1;
    }
    uint64_t frames = (sizeof(block_t) + FRAMES_SIZE - 1) / FRAMES_SIZE;
    uint64_t addr = frames_alloc_kernel(frames + BLOCK_BOUNCE / FRAMES_SIZE, FRAMES_SIZE, setup->addr_end);
    if (frames_failed(addr)) {
        return -1;
    }
    block_t *block = (block_t *)addr;
    memset(block, 0, sizeof(*block));
    block->setup = *setup;
    block->driver = driver;
    strncpy(block->text, text, BLOCK_TEXT - 1);
    block->bounce = (uint8_t *)(addr + frames * FRAMES_SIZE);
    driver->init(block);
    blocks[count] = block;
    return count++;
}

const block_t *block_get(uint64_t number) {
    return number < count ? blocks[number] : NULL;
}

// A buffer's start as physical parts, as far as one request goes and as the device reaches it: how many bytes,
// whole sectors. 0: it must go through the bounce buffer.
static uint64_t get_parts(const block_t *block, bool read, uint64_t va, uint64_t size, dma_part_t *parts, unsigned *n) {
    const block_setup_t *setup = &block->setup;
    uint64_t limit = size < setup->bytes_max ? size : setup->bytes_max;
    uint64_t most = setup->parts_max < BLOCK_PARTS ? setup->parts_max : BLOCK_PARTS;
    uint64_t done = 0;
    unsigned used = 0;
    while (done < limit) {
        paging_page_t page;
        if (space_translate(va + done, &page) != PAGING_OK || (read && !(page.flags & PAGING_WRITE))) {
            break;
        }
        uint64_t addr = page.addr + (va + done - page.va);
        uint64_t step = page.va + page.size - (va + done);
        if (step > limit - done) {
            step = limit - done;
        }
        if (addr % setup->align != 0 || step % setup->align != 0
            || (setup->addr_end != 0 && addr + step > setup->addr_end)) {
            break;
        }
        if (used > 0 && parts[used - 1].addr + parts[used - 1].size == addr) {
            parts[used - 1].size += step;
        } else if (used == most) {
            break;
        } else {
            parts[used++] = (dma_part_t) { addr, step };
        }
        done += step;
    }
    for (uint64_t excess = done % setup->sector_size; excess > 0;) {
        dma_part_t *last = &parts[used - 1];
        uint64_t cut = excess < last->size ? excess : last->size;
        last->size -= cut;
        used -= last->size == 0;
        excess -= cut;
        done -= cut;
    }
    *n = used;
    return done;
}

static block_status_t die(block_t *block, block_status_t why) {
    dma_stop(block->setup.dma);
    block->dead = BLOCK_GONE;
    return why;
}

static block_status_t request(block_t *block, block_op_t op, uint64_t sector, const dma_part_t *parts, unsigned n) {
    unsigned dma = block->setup.dma;
    block->driver->submit(block, op, sector, parts, n);
    uint64_t start = clock_ns(), tick = start + TICK_NS;
    for (;;) {
        block_status_t status = block->driver->poll(block);
        if (status == BLOCK_LIES) {
            return die(block, status);
        }
        if (status != BLOCK_PENDING) {
            return status;
        }
        uint64_t now = clock_ns();
        if (now >= tick) {
            tick = now + TICK_NS;
            if (dma_is_gone(dma)) {
                return die(block, BLOCK_GONE);
            }
            if (now - start >= BLOCK_SECONDS * UINT64_C(1000000000)) {
                return die(block, BLOCK_TIMED_OUT);
            }
        }
        dma_wait(dma);
    }
}

static block_status_t move(block_t *block, bool write, uint64_t offset, uint8_t *buf, uint64_t size) {
    uint64_t sector_size = block->setup.sector_size;
    block_op_t op = write ? BLOCK_WRITE : BLOCK_READ;
    block_status_t status = BLOCK_OK;
    while (size > 0 && status == BLOCK_OK) {
        uint64_t sector = offset / sector_size, skip = offset % sector_size;
        dma_part_t parts[BLOCK_PARTS];
        unsigned n;
        uint64_t done = 0;
        if (skip == 0 && size >= sector_size) {
            done = get_parts(block, !write, (uint64_t)buf, size - size % sector_size, parts, &n);
            if (done > 0) {
                status = request(block, op, sector, parts, n);
            }
        }
        if (done == 0) {
            // Of a sector only a part, or whole ones that the device does not reach.
            uint64_t whole = size - size % sector_size;
            bool part = skip > 0 || whole == 0;
            uint64_t bytes = part ? sector_size : whole < BLOCK_BOUNCE ? whole : BLOCK_BOUNCE;
            done = part ? sector_size - skip : bytes;
            done = done < size ? done : size;
            parts[0] = (dma_part_t) { (uint64_t)block->bounce, bytes };
            if (part || !write) {
                status = request(block, BLOCK_READ, sector, parts, 1);
            }
            if (status == BLOCK_OK && write) {
                memcpy(block->bounce + skip, buf, done);
                status = request(block, BLOCK_WRITE, sector, parts, 1);
            } else if (status == BLOCK_OK) {
                memcpy(buf, block->bounce + skip, done);
            }
        }
        offset += done;
        buf += done;
        size -= done;
    }
    return status;
}

// One at a time. False: a request was left in the middle, by a fault, and the device has been stopped.
static bool enter(block_t *block) {
    if (block->owner == cpus_number + 1) {
        die(block, BLOCK_GONE);
        return false;
    }
    lock_take(&block->lock);
    block->owner = cpus_number + 1;
    return true;
}

static void leave(block_t *block) {
    block->owner = 0;
    lock_release(&block->lock);
}

block_status_t block_move(unsigned number, bool write, uint64_t offset, void *buf, uint64_t size) {
    block_t *block = blocks[number];
    if (write && block->setup.flags & BLOCK_IS_READ_ONLY) {
        return BLOCK_READ_ONLY;
    }
    if (size > 0 && !(write ? space_readable((uint64_t)buf, size) : space_writable((uint64_t)buf, size))) {
        return BLOCK_NO_MEMORY;
    }
    if (!enter(block)) {
        return BLOCK_GONE;
    }
    block_status_t status = block->dead;
    if (status == BLOCK_OK) {
        status = move(block, write, offset, buf, size);
    }
    leave(block);
    return status;
}

block_status_t block_flush(unsigned number) {
    block_t *block = blocks[number];
    if (!(block->setup.flags & BLOCK_FLUSHES)) {
        return block->dead;
    }
    if (!enter(block)) {
        return BLOCK_GONE;
    }
    block_status_t status = block->dead;
    if (status == BLOCK_OK) {
        status = request(block, BLOCK_FLUSH, 0, NULL, 0);
    }
    leave(block);
    return status;
}

void block_reset(void) {
    count = 0;
}
