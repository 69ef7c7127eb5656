#include <string.h>

#include "py/gc.h"
#include "py/mpstate.h"

#include "frames/frames.h"
#include "memory/heap.h"
#include "memory/native.h"
#include "memory/space.h"
#include "panic.h"

enum {
    AREAS_MAX = 128,
    BLOCKS_PER_BYTE = 4,    // of gc.c's table: two bits each, 0 for a free block
    FULL_PERCENT = 75,      // a heap with more in use after a collection grows at once
    GROW_MIN = 256 * 1024,
    FRAMES_KEPT = 64,       // what growth leaves for others, page tables above all
};

typedef struct {
    uint64_t va;
    uint64_t size;
} heap_area_t;

// Sorted by va.
static heap_area_t areas[AREAS_MAX];
static size_t area_count;
// Areas that gc.c has taken out of its list.
static mp_state_mem_area_t *given_back;

static uint64_t size_max; // of all areas

void heap_reset(void) {
    area_count = 0;
    size_max = UINT64_MAX;
    given_back = NULL;
}

void heap_set_max(uint64_t size) {
    size_max = size & ~(uint64_t)(FRAMES_SIZE - 1);
}

size_t heap_frames(void) {
    size_t size = 0;
    for (size_t i = 0; i < area_count; ++i) {
        size += areas[i].size;
    }
    return size / FRAMES_SIZE;
}

// What one more area can have, in bytes. Page tables take a frame in 512 at most.
size_t gc_get_max_new_split(void) {
    frames_stats_t stats;
    if (!space_ready() || area_count == AREAS_MAX || frames_stats(&stats) != FRAMES_OK) {
        return 0;
    }
    uint64_t kept = FRAMES_KEPT + stats.free / 256;
    uint64_t size = heap_frames() * FRAMES_SIZE;
    if (stats.free <= kept || size >= size_max) {
        return 0;
    }
    return MIN((stats.free - kept) * FRAMES_SIZE, size_max - size);
}

// Gives back what is mapped in [va, va + size), which need not be all of it.
static void unmap(uint64_t va, uint64_t size) {
    paging_page_t page;
    uint64_t end = va + size;
    while (va < end) {
        if (paging_translate(&space, va, &page) != PAGING_OK) {
            return;
        }
        if (paging_unmap(&space, va, page.size / PAGING_SIZE, PAGING_OWN) != PAGING_OK
            || frames_free_run(page.addr, page.size / FRAMES_SIZE) != FRAMES_OK) {
            panic("the heap's frames were not its own");
        }
        va += page.size;
    }
}

static bool map(uint64_t va, uint64_t size) {
    uint64_t end = va + size;
    for (uint64_t at = va; at < end;) {
        uint64_t count = FRAMES_2M;
        uint64_t addr = end - at >= PAGING_SIZE_2M && at % PAGING_SIZE_2M == 0
            ? frames_alloc_2m() : FRAMES_FAILED(FRAMES_NO_MEMORY);
        if (frames_failed(addr)) {
            count = 1;
            addr = frames_alloc();
        }
        if (frames_failed(addr)
            || paging_map(&space, at, addr, count, PAGING_WRITE | PAGING_OWN) != PAGING_OK) {
            if (!frames_failed(addr)) {
                frames_free_run(addr, count);
            }
            unmap(va, at - va);
            return false;
        }
        at += count * PAGING_SIZE;
    }
    return true;
}

static void *add_area(uint64_t size) {
    // The lowest gap, with a page before and behind that is never mapped.
    uint64_t va = SPACE_HEAP + PAGING_SIZE_2M;
    size_t i;
    for (i = 0; i < area_count && areas[i].va - va <= size; ++i) {
        va = (areas[i].va + areas[i].size + PAGING_SIZE_2M) & ~(PAGING_SIZE_2M - 1);
    }
    if (area_count == AREAS_MAX || size >= SPACE_HEAP_END - va || !map(va, size)) {
        return NULL;
    }
    for (size_t j = area_count++; j > i; --j) {
        areas[j] = areas[j - 1];
    }
    areas[i] = (heap_area_t) { va, size };
    return (void *)va;
}

static uint64_t round_up(uint64_t size, uint64_t power) {
    return (size + (power - 1)) & ~(power - 1);
}

// A whole number of the pages that suit the size, where that many are to be had.
static uint64_t round_size(uint64_t size, uint64_t limit) {
    uint64_t large = round_up(size, PAGING_SIZE_2M);
    return size >= PAGING_SIZE_2M && large <= limit ? large : round_up(size, PAGING_SIZE);
}

void *heap_grow(size_t *size, size_t needed) {
    size_t limit = gc_get_max_new_split();
    // gc.c would double the heap, and take all memory where that is too much; half of what there is
    // leaves some for others.
    uint64_t want = round_size(MAX(needed, MIN(*size, limit / 2)), limit);
    void *area = add_area(want);
    if (area == NULL && want > round_up(needed, PAGING_SIZE)) {
        want = round_up(needed, PAGING_SIZE);
        area = add_area(want);
    }
    *size = want;
    return area;
}

void heap_give_back(void *area_in) {
    mp_state_mem_area_t *area = area_in;
    if (native_is_area(area)) {
        return;
    }
    area->next = given_back;
    given_back = area;
}

static void remove_area(uint64_t va) {
    for (size_t i = 0; i < area_count; ++i) {
        if (areas[i].va == va) {
            uint64_t size = areas[i].size;
            for (--area_count; i < area_count; ++i) {
                areas[i] = areas[i + 1];
            }
            unmap(va, size);
            return;
        }
    }
    panic("gc.c has given back what it did not have");
}

static void append(mp_state_mem_area_t *area) {
    mp_state_mem_area_t *last = &MP_STATE_MEM(area);
    while (last->next != NULL) {
        last = last->next;
    }
    area->next = NULL;
    last->next = area;
}

// How many of an area's blocks are in use.
static size_t count_used(const mp_state_mem_area_t *area) {
    size_t used = 0;
    size_t size = MIN(area->gc_last_used_block / BLOCKS_PER_BYTE + 1, area->gc_alloc_table_byte_len);
    const byte *table = area->gc_alloc_table_start;
    size_t i = 0;
    for (; i + sizeof(uint64_t) <= size; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, table + i, sizeof(word));
        used += __builtin_popcountll((word | word >> 1) & UINT64_C(0x5555555555555555));
    }
    for (; i < size; ++i) {
        used += __builtin_popcount((table[i] | table[i] >> 1) & 0x55);
    }
    return used;
}

void heap_settle(void) {
    while (given_back != NULL) {
        mp_state_mem_area_t *area = given_back;
        given_back = area->next;
        // gc.c takes an area whose last used block is its first for an empty one.
        if (area->gc_alloc_table_start[0] & 3) {
            append(area);
        } else {
            remove_area((uint64_t)area);
        }
    }
    size_t used = 0;
    size_t total = 0;
    for (mp_state_mem_area_t *area = &MP_STATE_MEM(area); area != NULL; area = area->next) {
        used += count_used(area);
        total += area->gc_alloc_table_byte_len * BLOCKS_PER_BYTE;
    }
    // A collection that frees little would soon be followed by another.
    if (used / 100 * 100 > total / 100 * FULL_PERCENT) {
        size_t limit = gc_get_max_new_split();
        uint64_t size = round_size(MIN(total * MICROPY_BYTES_PER_GC_BLOCK / 2, limit / 4), limit);
        void *area = size >= GROW_MIN ? add_area(size) : NULL;
        if (area != NULL) {
            gc_add(area, (byte *)area + size);
        }
    }
}
