#include <string.h>

#include "py/gc.h"
#include "py/misc.h"

#include "frames/frames.h"
#include "mpy/blocks.h"
#include "mpy/extent.h"
#include "mpy/heap.h"
#include "memory/space.h"

enum {
    BLOCKS_PER_FRAME = FRAMES_SIZE / BLOCKS_SIZE,
    TABLE_PER_FRAME = BLOCKS_PER_FRAME / BLOCKS_WORD * sizeof(blocks_word_t),
    // After a collection the heap has so many times what is in use: it is collected again when as much
    // as that has been allocated.
    ROOM = 2,
    GROW_MIN = 256,         // frames
    SHRINK_MIN = 64,
    FRAMES_KEPT = 64,       // what growth leaves for others, page tables above all
};

enum {
    MARKS,  // while a collection runs
    TABLE,
    POOL,
    PARTS,
};

// Room in each for a pool of 16 TiB.
#define PART_ROOM (UINT64_C(1) << 40)
static extent_t parts[PARTS];

static uint64_t size_max; // of all of them

void heap_reset(void) {
    for (size_t i = 0; i < PARTS; ++i) {
        parts[i] = (extent_t) { SPACE_HEAP + PAGING_SIZE_2M + i * PART_ROOM, 0 };
    }
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

// How many of `count` frames are left for blocks.
static uint64_t less_table(uint64_t count) {
    uint64_t table = count * TABLE_PER_FRAME / FRAMES_SIZE + 2;
    return count > table ? count - table : 0;
}

size_t gc_get_max_new_split(void) {
    return less_table(frames_to_have()) * FRAMES_SIZE;
}

// The words of blocks that are not in use are 0.
static bool extend_table(uint64_t count) {
    extent_t *table = &parts[TABLE];
    uint64_t before = table->count;
    if (!extent_extend(table, count)) {
        return false;
    }
    memset((void *)(table->start + before * FRAMES_SIZE), 0, (table->count - before) * FRAMES_SIZE);
    return true;
}

static uint64_t table_frames(uint64_t pool) {
    return (pool * TABLE_PER_FRAME + FRAMES_SIZE - 1) / FRAMES_SIZE;
}

static bool set_size(uint64_t pool) {
    uint64_t before = parts[POOL].count;
    bool done = extend_table(table_frames(pool)) && extent_extend(&parts[POOL], pool);
    if (!done) {
        pool = before;
    }
    // A hard callback may look at the blocks meanwhile: no more of them than are mapped.
    blocks_grown.start = parts[POOL].start;
    blocks_grown.words = (blocks_word_t *)parts[TABLE].start;
    blocks_grown.count = MIN(blocks_grown.count, pool * BLOCKS_PER_FRAME);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    // First the pool, which may stay longer than asked for.
    extent_cut(&parts[POOL], pool);
    pool = parts[POOL].count;
    extent_cut(&parts[TABLE], table_frames(pool));
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    blocks_grown.count = pool * BLOCKS_PER_FRAME;
    blocks_changed();
    return done;
}

// Up to a whole number of large pages, where that many are to be had.
static uint64_t round_size(uint64_t count, uint64_t limit) {
    uint64_t end = (parts[POOL].count + count + FRAMES_2M - 1) & ~(uint64_t)(FRAMES_2M - 1);
    uint64_t large = end - parts[POOL].count;
    return count >= FRAMES_2M / 2 && large <= limit ? large : count;
}

bool heap_grow(size_t blocks) {
    uint64_t limit = less_table(frames_to_have());
    // What is free at the end becomes part of it.
    uint64_t more = blocks - (blocks_grown.count - blocks_end(&blocks_grown));
    uint64_t least = (more - 1) / BLOCKS_PER_FRAME + 1;
    if (least > limit) {
        return false;
    }
    // Half as much again as there is, but not all that is left for others.
    uint64_t total = (blocks_first.count + blocks_grown.count) / BLOCKS_PER_FRAME;
    uint64_t want = round_size(MAX(least, MIN(total / 2, limit / 4)), limit);
    return set_size(parts[POOL].count + want) || (want > least && set_size(parts[POOL].count + least));
}

void heap_settle(void) {
    uint64_t count = parts[POOL].count;
    uint64_t total = (blocks_used(&blocks_first) + blocks_used(&blocks_grown)) * ROOM;
    uint64_t size = total > blocks_first.count ? (total - blocks_first.count) / BLOCKS_PER_FRAME + 1 : 0;
    // What is in use at its end stays there.
    size = MAX(size, (blocks_end(&blocks_grown) + BLOCKS_PER_FRAME - 1) / BLOCKS_PER_FRAME);
    if (size > count) {
        uint64_t limit = less_table(frames_to_have());
        uint64_t more = round_size(MIN(MAX(size - count, GROW_MIN), limit / 4), limit);
        if (more >= GROW_MIN / 4) {
            set_size(count + more);
        }
    } else if (size == 0 || count - size >= SHRINK_MIN) {
        if (size > FRAMES_2M) {
            size = MIN((size + FRAMES_2M - 1) & ~(uint64_t)(FRAMES_2M - 1), count);
        }
        if (size < count) {
            set_size(size);
        }
    }
}

void *heap_mark_stack(size_t size) {
    // Those that are left for others do, too: nobody else asks for any meanwhile.
    bool there = space_ready() && extent_extend(&parts[MARKS], (size + FRAMES_SIZE - 1) / FRAMES_SIZE);
    return there ? (void *)parts[MARKS].start : NULL;
}

void heap_free_mark_stack(void) {
    extent_cut(&parts[MARKS], 0);
}
