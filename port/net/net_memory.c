#include <stdbool.h>
#include <string.h>

#include "frames/frames.h"
#include "net/net_memory.h"
#include "panic.h"

#define SLAB_SIZE UINT64_C(16384)
#define SLAB_FRAMES (SLAB_SIZE / FRAMES_SIZE)

typedef struct block {
    struct block *next;
} block_t;

// At the beginning of a slab, or of the frames of a large block.
typedef struct slab {
    struct slab *next, *last; // of its size, those that have blocks free
    block_t *free;            // that have been used before
    uint32_t used, fresh;     // blocks; bytes from here on that have not been used
    uint32_t kind;            // of sizes[]; LARGE: one block
    uint32_t magic;
    uint64_t frames;
} slab_t;

enum { HEADER = 64, LARGE = UINT32_MAX, MAGIC = 0x6c774950 };
_Static_assert(sizeof(slab_t) <= HEADER, "a slab's header fits");

// The largest but one has a frame of Ethernet's with lwIP's own of it, the largest two to a slab.
static const uint16_t sizes[] = { 32, 64, 128, 256, 512, 1024, 1632, 4080, 8160 };
enum { KINDS = sizeof(sizes) / sizeof(sizes[0]) };

static slab_t *open[KINDS];
static uint64_t frames_taken, frames_most;

static slab_t *take(uint64_t frames, uint32_t kind) {
    if (frames_most == 0) {
        frames_stats_t stats;
        frames_most = frames_stats(&stats) == FRAMES_OK ? stats.total / NET_MEMORY_SHARE : 0;
    }
    if (frames_taken + frames > frames_most) {
        return 0;
    }
    uint64_t addr = frames_alloc_kernel(frames, SLAB_SIZE, 0);
    if (frames_failed(addr)) {
        return 0;
    }
    frames_taken += frames;
    slab_t *slab = (slab_t *)addr;
    *slab = (slab_t) { .fresh = HEADER, .kind = kind, .magic = MAGIC, .frames = frames };
    return slab;
}

static void give_back(slab_t *slab) {
    slab->magic = 0;
    frames_taken -= slab->frames;
    frames_free_kernel((uint64_t)slab, slab->frames);
}

static void link(slab_t *slab) {
    slab->last = 0;
    slab->next = open[slab->kind];
    if (slab->next != 0) {
        slab->next->last = slab;
    }
    open[slab->kind] = slab;
}

static void unlink(slab_t *slab) {
    if (slab->next != 0) {
        slab->next->last = slab->last;
    }
    if (slab->last != 0) {
        slab->last->next = slab->next;
    } else {
        open[slab->kind] = slab->next;
    }
}

static bool is_full(const slab_t *slab) {
    return slab->free == 0 && slab->fresh + sizes[slab->kind] > SLAB_SIZE;
}

void *net_malloc(size_t size) {
    if (size > SLAB_SIZE / 2 - HEADER) {
        if (size > UINT32_MAX) {
            return 0;
        }
        slab_t *slab = take((size + HEADER + FRAMES_SIZE - 1) / FRAMES_SIZE, LARGE);
        return slab == 0 ? 0 : (char *)slab + HEADER;
    }
    uint32_t kind = 0;
    while (sizes[kind] < size) {
        ++kind;
    }
    slab_t *slab = open[kind];
    if (slab == 0) {
        slab = take(SLAB_FRAMES, kind);
        if (slab == 0) {
            return 0;
        }
        link(slab);
    }
    block_t *block = slab->free;
    if (block != 0) {
        slab->free = block->next;
    } else {
        block = (block_t *)((char *)slab + slab->fresh);
        slab->fresh += sizes[kind];
    }
    ++slab->used;
    if (is_full(slab)) {
        unlink(slab);
    }
    return block;
}

void *net_calloc(size_t count, size_t size) {
    size_t bytes;
    void *memory = __builtin_mul_overflow(count, size, &bytes) ? 0 : net_malloc(bytes);
    return memory == 0 ? 0 : memset(memory, 0, bytes);
}

void net_free(void *memory) {
    if (memory == 0) {
        return;
    }
    slab_t *slab = (slab_t *)((uint64_t)memory & ~(SLAB_SIZE - 1));
    if (slab->magic != MAGIC || (slab->used == 0 && slab->kind != LARGE)) {
        panic("net: memory is given back that is not lwIP's");
    }
    if (slab->kind == LARGE) {
        give_back(slab);
        return;
    }
    if (is_full(slab)) {
        link(slab);
    }
    block_t *block = memory;
    block->next = slab->free;
    slab->free = block;
    if (--slab->used == 0 && (slab->next != 0 || slab->last != 0)) {
        unlink(slab);
        give_back(slab);
    }
}

uint64_t net_memory_frames(void) {
    return frames_taken;
}

void net_memory_reset(void) {
    memset(open, 0, sizeof(open));
    frames_taken = frames_most = 0;
}
