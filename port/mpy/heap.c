#include <string.h>

#include "py/gc.h"
#include "py/mpstate.h"

#include "frames/frames.h"
#include "mpy/heap.h"
#include "mpy/native.h"
#include "mpy/versions.h"
#include "memory/space.h"
#include "panic.h"

enum {
    BLOCKS_PER_BYTE = 4,    // of gc.c's table of blocks: two bits each, 0 for a free one
    BLOCKS_PER_FLAGS = 8,   // of its tables of finalisers and of weak references
    GAP = 1,                // a byte of 0 behind each table, which gc.c reads
    BLOCKS_PER_FRAME = FRAMES_SIZE / MICROPY_BYTES_PER_GC_BLOCK,
    FULL_PERCENT = 75,      // a heap with more in use after a collection grows
    GROW_MIN = 256,         // frames
    SHRINK_MIN = 64,
    FRAMES_KEPT = 64,       // what growth leaves for others, page tables above all
};

// A part of the address space of which [start, start + count frames) is mapped.
typedef struct {
    uint64_t start;
    uint64_t count;
} part_t;

enum {
    BLOCKS,
    FINALISERS,
    #if MICROPY_PY_WEAKREF
    WEAKREFS,
    #endif
    POOL,
    PARTS,
};

// All this is gc.c's own. One that has got more tables or bounds must not be built with.
_Static_assert(sizeof(mp_state_mem_area_t) == (POOL + 6) * sizeof(void *),
    "gc.c's areas have a member that heap.c does not know");
#define BOUNDS (VERSION_GC_BOUNDS ? 2 : 0)
_Static_assert(offsetof(mp_state_mem_t, gc_stack_overflow) == offsetof(mp_state_mem_t, area)
    + sizeof(mp_state_mem_area_t) + BOUNDS * sizeof(void *),
    "gc.c has something to keep about its areas that heap.c does not know");

// Room in each for a pool of 16 TiB.
#define TABLE_ROOM (UINT64_C(1) << 40)
static part_t parts[PARTS];

static mp_state_mem_area_t area;
static bool linked; // the area is in gc.c's list

static uint64_t size_max; // of the area

void heap_reset(void) {
    for (size_t i = 0; i < PARTS; ++i) {
        parts[i] = (part_t) { SPACE_HEAP + PAGING_SIZE_2M + i * TABLE_ROOM, 0 };
    }
    linked = false;
    size_max = UINT64_MAX;
}

void heap_set_max(uint64_t size) {
    size_max = size & ~(uint64_t)(FRAMES_SIZE - 1);
}

size_t heap_frames(void) {
    size_t count = 0;
    for (size_t i = 0; i < PARTS; ++i) {
        count += parts[i].count;
    }
    return count;
}

// How many frames the heap may take.
static uint64_t frames_to_have(void) {
    frames_stats_t stats;
    if (!space_ready() || frames_stats(&stats) != FRAMES_OK) {
        return 0;
    }
    // Page tables take one in 512 at most.
    uint64_t kept = FRAMES_KEPT + stats.free / 256;
    uint64_t size = heap_frames() * FRAMES_SIZE;
    if (stats.free <= kept || size >= size_max) {
        return 0;
    }
    return MIN(stats.free - kept, (size_max - size) / FRAMES_SIZE);
}

// How many of `count` frames are left for blocks, less those for the tables: 3 or 4 bits of 256 each.
static uint64_t less_tables(uint64_t count) {
    uint64_t tables = count * PARTS / 256 + 2 * POOL;
    return count > tables ? count - tables : 0;
}

size_t gc_get_max_new_split(void) {
    return less_tables(frames_to_have()) * FRAMES_SIZE;
}

// A large page is a large frame, which only goes back whole: where the end comes to lie in one, all
// of it stays.
static void cut(part_t *part, uint64_t count) {
    while (part->count > count) {
        paging_page_t page;
        uint64_t last = part->start + (part->count - 1) * FRAMES_SIZE;
        if (paging_translate(&space, last, &page) != PAGING_OK) {
            panic("the heap is not mapped");
        }
        uint64_t start = page.va;
        if (page.size > PAGING_SIZE_2M) {
            // Large frames side by side.
            uint64_t end = part->start + count * FRAMES_SIZE;
            end = (end + (PAGING_SIZE_2M - 1)) & ~(PAGING_SIZE_2M - 1);
            start = end > start ? end : start;
        }
        if (start > last || start < part->start + count * FRAMES_SIZE) {
            return;
        }
        uint64_t run = (last - start) / FRAMES_SIZE + 1;
        if (paging_unmap(&space, start, run, PAGING_OWN) != PAGING_OK) {
            // Splitting a page takes a frame, and there is none: it stays.
            return;
        }
        if (frames_free_kernel(page.addr + (start - page.va), run) != FRAMES_OK) {
            panic("the heap's frames were not its own");
        }
        part->count -= run;
    }
}

static bool extend(part_t *part, uint64_t count) {
    uint64_t before = part->count;
    while (part->count < count) {
        uint64_t va = part->start + part->count * FRAMES_SIZE;
        uint64_t run = va % PAGING_SIZE_2M == 0 && count - part->count >= FRAMES_2M ? FRAMES_2M : 1;
        uint64_t addr = frames_alloc_kernel(run, run > 1 ? PAGING_SIZE_2M : PAGING_SIZE, 0);
        if (frames_failed(addr) && run > 1) {
            run = 1;
            addr = frames_alloc_kernel(run, PAGING_SIZE, 0);
        }
        if (!frames_failed(addr)) {
            if (paging_map(&space, va, addr, run, PAGING_WRITE | PAGING_OWN) == PAGING_OK) {
                part->count += run;
                if (part != &parts[POOL]) {
                    memset((void *)va, 0, run * FRAMES_SIZE);
                }
                continue;
            }
            frames_free_kernel(addr, run);
        }
        cut(part, before);
        return false;
    }
    return true;
}

// How many frames each part needs for a pool of so many.
static uint64_t frames_of(size_t part, uint64_t pool) {
    if (part == POOL || pool == 0) {
        return pool;
    }
    uint64_t size = pool * BLOCKS_PER_FRAME / (part == BLOCKS ? BLOCKS_PER_BYTE : BLOCKS_PER_FLAGS);
    return (size + GAP + FRAMES_SIZE - 1) / FRAMES_SIZE;
}

static bool set_size(uint64_t pool) {
    uint64_t before = parts[POOL].count;
    for (size_t i = 0; i < PARTS; ++i) {
        if (!extend(&parts[i], frames_of(i, pool))) {
            for (size_t j = 0; j < i; ++j) {
                cut(&parts[j], frames_of(j, before));
            }
            return false;
        }
    }
    // First the pool, which may stay longer than asked for.
    cut(&parts[POOL], pool);
    pool = parts[POOL].count;
    for (size_t i = 0; i < POOL; ++i) {
        cut(&parts[i], frames_of(i, pool));
    }
    area.gc_alloc_table_start = (byte *)parts[BLOCKS].start;
    area.gc_alloc_table_byte_len = pool * BLOCKS_PER_FRAME / BLOCKS_PER_BYTE;
    area.gc_finaliser_table_start = (byte *)parts[FINALISERS].start;
    #if MICROPY_PY_WEAKREF
    area.gc_weakref_table_start = (byte *)parts[WEAKREFS].start;
    #endif
    area.gc_pool_start = (byte *)parts[POOL].start;
    area.gc_pool_end = area.gc_pool_start + pool * FRAMES_SIZE;
    #if VERSION_GC_BOUNDS
    // They only grow apart, as with gc_add().
    MP_STATE_MEM(area_pool_min) = MIN(MP_STATE_MEM(area_pool_min), area.gc_pool_start);
    MP_STATE_MEM(area_pool_max) = MAX(MP_STATE_MEM(area_pool_max), area.gc_pool_end);
    #endif
    return true;
}

// Behind the first area and before those of native code.
static void link(bool empty) {
    if (!linked) {
        if (empty) {
            area.gc_last_used_block = 0;
        }
        area.gc_last_free_atb_index = 0;
        area.next = MP_STATE_MEM(area).next;
        MP_STATE_MEM(area).next = &area;
        linked = true;
    }
}

static bool grow_by(uint64_t count) {
    if (!set_size(parts[POOL].count + count)) {
        return false;
    }
    link(true);
    return true;
}

// Up to a whole number of large pages, where that many are to be had.
static uint64_t round_size(uint64_t count, uint64_t limit) {
    uint64_t end = (parts[POOL].count + count + FRAMES_2M - 1) & ~(uint64_t)(FRAMES_2M - 1);
    uint64_t large = end - parts[POOL].count;
    return count >= FRAMES_2M / 2 && large <= limit ? large : count;
}

bool heap_grow(size_t size, size_t needed) {
    uint64_t limit = less_tables(frames_to_have());
    uint64_t least = (needed + FRAMES_SIZE - 1) / FRAMES_SIZE;
    // gc.c would double the heap, and take all memory where that is too much.
    uint64_t want = MIN(size / 2 / FRAMES_SIZE, limit / 4);
    want = round_size(MAX(least, want), limit);
    return grow_by(want) || (want > least && grow_by(least));
}

void heap_give_back(void *given) {
    // Native code sees to its areas itself.
    if (given == &area) {
        linked = false;
    }
}

// How many of an area's blocks are in use.
static size_t count_used(const mp_state_mem_area_t *of) {
    size_t used = 0;
    size_t size = MIN(of->gc_last_used_block / BLOCKS_PER_BYTE + 1, of->gc_alloc_table_byte_len);
    const byte *table = of->gc_alloc_table_start;
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
    size_t count = parts[POOL].count;
    if (count != 0 && !linked && (area.gc_alloc_table_start[0] & 3)) {
        // gc.c takes an area whose last used block is its first for an empty one.
        link(false);
    }
    size_t first_used = count_used(&MP_STATE_MEM(area));
    size_t first_total = MP_STATE_MEM(area).gc_alloc_table_byte_len * BLOCKS_PER_BYTE;
    size_t used = first_used + (linked ? count_used(&area) : 0);
    // How large it has to be: what is in use at its end stays there, and a heap that is too full
    // would soon be collected again.
    uint64_t last = linked ? area.gc_last_used_block / BLOCKS_PER_FRAME + 1 : 0;
    uint64_t total = (uint64_t)used * 100 / FULL_PERCENT;
    uint64_t size = total > first_total ? (total - first_total) / BLOCKS_PER_FRAME + 1 : 0;
    size = MAX(size, last);
    if (size > count) {
        uint64_t limit = less_tables(frames_to_have());
        uint64_t more = round_size(MIN(MAX(size - count, GROW_MIN), limit / 4), limit);
        if (more >= GROW_MIN / 4) {
            grow_by(more);
        }
    } else if (size == 0 || count - size >= SHRINK_MIN) {
        if (size > FRAMES_2M) {
            size = MIN((size + FRAMES_2M - 1) & ~(uint64_t)(FRAMES_2M - 1), count);
        }
        if (size == 0 && linked) {
            mp_state_mem_area_t *prev = &MP_STATE_MEM(area);
            while (prev->next != &area) {
                prev = prev->next;
            }
            prev->next = area.next;
            linked = false;
        }
        if (size < count) {
            set_size(size);
        }
    }
    if (parts[POOL].count != 0 && !linked) {
        link(true);
    }
}

bool heap_check(void) {
    for (const mp_state_mem_area_t *of = &MP_STATE_MEM(area); of != NULL; of = of->next) {
        // A tail only follows a head or a tail.
        bool tail_may_come = false;
        for (size_t i = 0; i < of->gc_alloc_table_byte_len * BLOCKS_PER_BYTE; ++i) {
            unsigned kind = of->gc_alloc_table_start[i / BLOCKS_PER_BYTE] >> 2 * (i % BLOCKS_PER_BYTE) & 3;
            if (kind == 2 && !tail_may_come) {
                return false;
            }
            tail_may_come = kind != 0;
        }
    }
    return true;
}
