// See peers.h.
#include <stdlib.h>
#include <string.h>

#include "frames.h"
#include "peers.h"

#define NOTHING (UINT64_MAX)
#define MAX_SPANS (1024)

// Usable memory in whole frames, as all of them need it.
static struct {
    uint64_t start, end;
} usable[MAX_SPANS];
static size_t usable_count;
static uint64_t frame_count;
static char *memory;

static void take_spans(const struct span *spans, size_t count, char *base) {
    usable_count = 0;
    frame_count = 0;
    memory = base;
    for (size_t i = 0; i < count; ++i) {
        if (spans[i].kind == 1) {
            uint64_t start = (spans[i].start + FRAME - 1) / FRAME * FRAME;
            uint64_t end = spans[i].end / FRAME * FRAME;
            if (start < end) {
                usable[usable_count].start = start;
                usable[usable_count].end = end;
                frame_count += (end - start) / FRAME;
                ++usable_count;
            }
        }
    }
}

static uint64_t nth_frame(uint64_t n) {
    for (size_t i = 0; i < usable_count; ++i) {
        uint64_t count = (usable[i].end - usable[i].start) / FRAME;
        if (n < count) {
            return usable[i].start + n * FRAME;
        }
        n -= count;
    }
    return NOTHING;
}

// The dense number of a frame.
static uint64_t index_of(uint64_t addr) {
    uint64_t base = 0;
    for (size_t i = 0; i < usable_count; ++i) {
        if (addr >= usable[i].start && addr < usable[i].end) {
            return base + (addr - usable[i].start) / FRAME;
        }
        base += (usable[i].end - usable[i].start) / FRAME;
    }
    return NOTHING;
}

static int no_free(uint64_t addr) {
    (void)addr;
    return 0;
}

// --- The bare call ------------------------------------------------------------------------------

static void bare_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
}

static uint64_t bare_alloc(void) {
    return FRAME;
}

// --- nth(): walk all frames to the n-th -----------------------------------------------------------

static uint64_t next_frame;

// Where a walk stands on average in the bulk workload.
static void walk_to(uint64_t n) {
    next_frame = n;
}

static void walk_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    next_frame = 0;
}

static uint64_t walk_alloc(void) {
    uint64_t n = next_frame;
    for (size_t i = 0; i < usable_count; ++i) {
        for (uint64_t addr = usable[i].start; addr < usable[i].end; addr += FRAME) {
            if (n-- == 0) {
                ++next_frame;
                return addr;
            }
            // An iterator chain is not folded into arithmetic either.
            __asm__ volatile ("" : "+r" (n));
        }
    }
    return NOTHING;
}

// --- nth, then map: count to the n-th over all regions, then turn it into an address ----------------

static uint64_t map_alloc(void) {
    uint64_t count = 0, n = next_frame;
    for (size_t i = 0; i < usable_count; ++i) {
        uint64_t frames = (usable[i].end - usable[i].start) / FRAME;
        for (uint64_t k = 0; k < frames; ++k, ++count) {
            __asm__ volatile ("" : "+r" (count));
            if (count == n) {
                ++next_frame;
                return usable[i].start + k * FRAME;
            }
        }
    }
    return NOTHING;
}

// --- Region arithmetic: a loop over the regions -----------------------------------------------------

static uint64_t arithmetic_alloc(void) {
    uint64_t addr = nth_frame(next_frame);
    next_frame += addr != NOTHING;
    return addr;
}

// --- Constant region size: divide and modulo --------------------------------------------------------

static volatile uint64_t unit_size = 8191;  // Known at run time only, as in a kernel.
static uint64_t unit, *unit_start, unit_count;

static void constant_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    // The regions cut into pieces of one size; what is left over is lost.
    unit = unit_size;
    free(unit_start);
    unit_start = malloc((frame_count / unit + 1) * sizeof(*unit_start));
    unit_count = 0;
    for (size_t i = 0; i < usable_count; ++i) {
        for (uint64_t at = usable[i].start; at + unit * FRAME <= usable[i].end; at += unit * FRAME) {
            unit_start[unit_count++] = at;
        }
    }
    next_frame = 0;
}

static uint64_t constant_alloc(void) {
    uint64_t n = next_frame, i = n / unit;
    if (i >= unit_count) {
        return NOTHING;
    }
    next_frame = n + 1;
    return unit_start[i] + n % unit * FRAME;
}

// --- An intrusive free list -------------------------------------------------------------------------

static uint64_t list_head;

static int list_free(uint64_t addr) {
    *(uint64_t *)(memory + addr) = list_head;
    list_head = addr;
    return 0;
}

static void list_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    list_head = NOTHING;
    for (size_t i = usable_count; i-- > 0;) {
        for (uint64_t addr = usable[i].end; addr > usable[i].start; addr -= FRAME) {
            list_free(addr - FRAME);
        }
    }
}

static uint64_t list_alloc(void) {
    uint64_t addr = list_head;
    if (addr != NOTHING) {
        list_head = *(uint64_t *)(memory + addr);
    }
    return addr;
}

static double no_bits(void) {
    return 0;
}

// --- An array of addresses --------------------------------------------------------------------------

static uint64_t *stack, stack_top;

static void array_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    free(stack);
    stack = malloc(frame_count * sizeof(*stack));
    stack_top = 0;
    for (size_t i = usable_count; i-- > 0;) {
        for (uint64_t addr = usable[i].end; addr > usable[i].start; addr -= FRAME) {
            stack[stack_top++] = addr - FRAME;
        }
    }
}

static uint64_t array_alloc(void) {
    return stack_top ? stack[--stack_top] : NOTHING;
}

static int array_free(uint64_t addr) {
    stack[stack_top++] = addr;
    return 0;
}

static double array_bits(void) {
    return 64;
}

// --- A next-fit bitmap ------------------------------------------------------------------------------

static uint64_t *map_words, map_count, map_at;

static void bitmap_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    map_count = (frame_count + 63) / 64;
    free(map_words);
    map_words = malloc(map_count * 8);
    memset(map_words, 0xff, map_count * 8);
    if (frame_count % 64) {
        map_words[map_count - 1] = ~(UINT64_MAX << frame_count % 64);
    }
    map_at = 0;
}

static uint64_t bitmap_alloc(void) {
    for (uint64_t i = 0; i < map_count; ++i) {
        uint64_t w = map_words[map_at];
        if (w) {
            map_words[map_at] = w & (w - 1);
            return nth_frame(map_at * 64 + (unsigned)__builtin_ctzll(w));
        }
        map_at = map_at + 1 < map_count ? map_at + 1 : 0;
    }
    return NOTHING;
}

static int bitmap_free(uint64_t addr) {
    uint64_t i = index_of(addr);
    map_words[i / 64] |= UINT64_C(1) << i % 64;
    return 0;
}

static double bitmap_bits(void) {
    return 1;
}

// --- A buddy with a record for each frame -----------------------------------------------------------

#define ORDERS (11)
#define NIL (UINT32_MAX)

struct page {
    uint32_t next, previous;
    uint8_t order, is_free;
};

static struct page *page;
static uint32_t buddy_head[ORDERS];
static uint64_t page_limit;

static void buddy_push(uint32_t i, unsigned order) {
    page[i].order = (uint8_t)order;
    page[i].is_free = 1;
    page[i].previous = NIL;
    page[i].next = buddy_head[order];
    if (page[i].next != NIL) {
        page[page[i].next].previous = i;
    }
    buddy_head[order] = i;
}

static void buddy_remove(uint32_t i) {
    if (page[i].previous != NIL) {
        page[page[i].previous].next = page[i].next;
    } else {
        buddy_head[page[i].order] = page[i].next;
    }
    if (page[i].next != NIL) {
        page[page[i].next].previous = page[i].previous;
    }
    page[i].is_free = 0;
}

static uint64_t buddy_get(unsigned order) {
    unsigned have = order;
    while (have < ORDERS && buddy_head[have] == NIL) {
        ++have;
    }
    if (have == ORDERS) {
        return NOTHING;
    }
    uint32_t i = buddy_head[have];
    buddy_remove(i);
    while (have > order) {
        --have;
        buddy_push(i + (1u << have), have);
    }
    page[i].order = (uint8_t)order;
    return (uint64_t)i * FRAME;
}

static void buddy_put(uint64_t addr, unsigned order) {
    uint32_t i = (uint32_t)(addr / FRAME);
    while (order < ORDERS - 1) {
        uint32_t other = i ^ (1u << order);
        if (other >= page_limit || !page[other].is_free || page[other].order != order) {
            break;
        }
        buddy_remove(other);
        i &= ~(1u << order);
        ++order;
    }
    buddy_push(i, order);
}

static void buddy_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    page_limit = usable[usable_count - 1].end / FRAME;
    free(page);
    page = calloc(page_limit, sizeof(*page));
    for (unsigned order = 0; order < ORDERS; ++order) {
        buddy_head[order] = NIL;
    }
    for (size_t k = 0; k < usable_count; ++k) {
        uint64_t at = usable[k].start / FRAME, end = usable[k].end / FRAME;
        while (at < end) {
            unsigned order = 0;
            while (order < ORDERS - 1 && !(at >> order & 1) && at + (2u << order) <= end) {
                ++order;
            }
            buddy_push((uint32_t)at, order);
            at += 1u << order;
        }
    }
}

static uint64_t buddy_alloc(void) {
    return buddy_get(0);
}

static int buddy_free(uint64_t addr) {
    buddy_put(addr, 0);
    return 0;
}

static uint64_t buddy_alloc_2m(void) {
    return buddy_get(9);
}

static int buddy_free_2m(uint64_t addr) {
    buddy_put(addr, 9);
    return 0;
}

static unsigned order_of(uint64_t count) {
    return count > 1 ? 64 - (unsigned)__builtin_clzll(count - 1) : 0;
}

static uint64_t buddy_alloc_run(uint64_t count) {
    return buddy_get(order_of(count));
}

static int buddy_free_run(uint64_t addr, uint64_t count) {
    buddy_put(addr, order_of(count));
    return 0;
}

static uint64_t buddy_free_chunks(void) {
    uint64_t chunks = 0;
    for (unsigned order = 9; order < ORDERS; ++order) {
        for (uint32_t i = buddy_head[order]; i != NIL; i = page[i].next) {
            chunks += 1u << (order - 9);
        }
    }
    return chunks;
}

// The same behind a list per order, as a CPU of Linux has them: filled and emptied by halves.

#define CACHE (64u)
static struct {
    uint32_t count;
    uint64_t addr[CACHE];
} cache[ORDERS];

static void empty_cache(unsigned order, uint32_t keep) {
    while (cache[order].count > keep) {
        buddy_put(cache[order].addr[--cache[order].count], order);
    }
}

// Only small blocks are kept back, and 2 MiB frames, as there.
static uint32_t cache_room(unsigned order) {
    return order <= 3 ? CACHE >> order : order == 9 ? 4 : 0;
}

static uint64_t cached_get(unsigned order) {
    if (cache[order].count == 0) {
        for (uint32_t n = cache_room(order) / 2; n > 0; --n) {
            uint64_t addr = buddy_get(order);
            if (addr == NOTHING) {
                break;
            }
            cache[order].addr[cache[order].count++] = addr;
        }
        if (cache[order].count == 0) {
            uint64_t addr = buddy_get(order);
            for (unsigned i = 0; addr == NOTHING && i < ORDERS; ++i) {
                empty_cache(i, 0);
            }
            return addr == NOTHING ? buddy_get(order) : addr;
        }
    }
    return cache[order].addr[--cache[order].count];
}

static void cached_put(uint64_t addr, unsigned order) {
    uint32_t room = cache_room(order);
    if (room == 0) {
        buddy_put(addr, order);
        return;
    }
    if (cache[order].count == room) {
        empty_cache(order, room / 2);
    }
    cache[order].addr[cache[order].count++] = addr;
}

static void cached_init(const struct span *spans, size_t count, char *base) {
    memset(cache, 0, sizeof(cache));
    buddy_init(spans, count, base);
}

static uint64_t cached_alloc(void) {
    return cached_get(0);
}

static int cached_free(uint64_t addr) {
    cached_put(addr, 0);
    return 0;
}

static uint64_t cached_alloc_2m(void) {
    return cached_get(9);
}

static int cached_free_2m(uint64_t addr) {
    cached_put(addr, 9);
    return 0;
}

static uint64_t cached_alloc_run(uint64_t count) {
    return cached_get(order_of(count));
}

static int cached_free_run(uint64_t addr, uint64_t count) {
    cached_put(addr, order_of(count));
    return 0;
}

static uint64_t cached_free_chunks(void) {
    for (unsigned i = 0; i < ORDERS; ++i) {
        empty_cache(i, 0);
    }
    return buddy_free_chunks();
}

static double buddy_bits(void) {
    return sizeof(struct page) * 8.0 * (double)page_limit / (double)frame_count;
}

// --- In the way of LLFree: a counter and a bit field for each chunk, 32 chunks a tree ----------------

#define TREE (32u)
static uint64_t *field;             // Eight words for each chunk, 1 = free.
static uint16_t *chunk_free;
static uint32_t *tree_free, tree_count, tree_at;

static void tree_init(const struct span *spans, size_t count, char *base) {
    take_spans(spans, count, base);
    uint64_t chunks = usable[usable_count - 1].end / FRAME / 512 + 1;
    tree_count = (uint32_t)(chunks / TREE + 1);
    free(field);
    free(chunk_free);
    free(tree_free);
    field = calloc((size_t)tree_count * TREE, 64);
    chunk_free = calloc((size_t)tree_count * TREE, sizeof(*chunk_free));
    tree_free = calloc(tree_count, sizeof(*tree_free));
    tree_at = 0;
    for (size_t k = 0; k < usable_count; ++k) {
        for (uint64_t i = usable[k].start / FRAME; i < usable[k].end / FRAME; ++i) {
            field[i / 64] |= UINT64_C(1) << i % 64;
            ++chunk_free[i / 512];
            ++tree_free[i / 512 / TREE];
        }
    }
}

static void tree_count_down(uint32_t chunk, unsigned order) {
    chunk_free[chunk] -= (uint16_t)(1u << order);
    tree_free[chunk / TREE] -= 1u << order;
}

// An aligned block of one chunk.
static uint64_t field_get(uint32_t chunk, unsigned order) {
    static const uint64_t aligned[] = {
        UINT64_MAX, 0x5555555555555555, 0x1111111111111111, 0x0101010101010101, 0x0001000100010001,
        0x0000000100000001, 1,
    };
    uint64_t *words = &field[(size_t)chunk * 8];
    if (order >= 6) {
        unsigned step = 1u << (order - 6);
        for (unsigned k = 0; k < 8; k += step) {
            uint64_t all = UINT64_MAX;
            for (unsigned i = 0; i < step; ++i) {
                all &= words[k + i];
            }
            if (all == UINT64_MAX) {
                memset(&words[k], 0, step * 8);
                return (uint64_t)chunk * 512 + k * 64;
            }
        }
        return NOTHING;
    }
    for (unsigned k = 0; k < 8; ++k) {
        uint64_t w = words[k];
        for (unsigned i = 0; i < order; ++i) {
            w &= w >> (1u << i);
        }
        w &= aligned[order];
        if (w) {
            unsigned bit = (unsigned)__builtin_ctzll(w);
            words[k] &= ~((UINT64_MAX >> (64 - (1u << order))) << bit);
            return (uint64_t)chunk * 512 + k * 64 + bit;
        }
    }
    return NOTHING;
}

static uint64_t tree_get(unsigned order) {
    // The tree of the last call first, then the others from there on.
    for (uint32_t i = 0; i < tree_count; ++i) {
        uint32_t tree = tree_at + i < tree_count ? tree_at + i : tree_at + i - tree_count;
        if (tree_free[tree] < 1u << order) {
            continue;
        }
        for (uint32_t chunk = tree * TREE; chunk < (tree + 1) * TREE; ++chunk) {
            if (chunk_free[chunk] >= 1u << order) {
                uint64_t frame = field_get(chunk, order);
                if (frame != NOTHING) {
                    tree_count_down(chunk, order);
                    tree_at = tree;
                    return frame * FRAME;
                }
            }
        }
    }
    return NOTHING;
}

static int tree_put(uint64_t addr, unsigned order) {
    uint64_t frame = addr / FRAME;
    uint64_t *words = &field[frame / 64];
    if (order >= 6) {
        memset(words, 0xff, (size_t)8 << (order - 6));
    } else {
        *words |= (UINT64_MAX >> (64 - (1u << order))) << frame % 64;
    }
    chunk_free[frame / 512] += (uint16_t)(1u << order);
    tree_free[frame / 512 / TREE] += 1u << order;
    return 0;
}

static uint64_t tree_alloc(void) {
    return tree_get(0);
}

static int tree_free_frame(uint64_t addr) {
    return tree_put(addr, 0);
}

static uint64_t tree_alloc_2m(void) {
    return tree_get(9);
}

static int tree_free_2m(uint64_t addr) {
    return tree_put(addr, 9);
}

static uint64_t tree_alloc_run(uint64_t count) {
    return tree_get(order_of(count));
}

static int tree_free_run(uint64_t addr, uint64_t count) {
    return tree_put(addr, order_of(count));
}

static uint64_t tree_free_chunks(void) {
    uint64_t chunks = 0;
    for (uint32_t i = 0; i < tree_count * TREE; ++i) {
        chunks += chunk_free[i] == 512;
    }
    return chunks;
}

static double tree_bits(void) {
    return (double)tree_count * (TREE * (64 + sizeof(*chunk_free)) + sizeof(*tree_free)) * 8
           / (double)frame_count;
}

// --- Ours -------------------------------------------------------------------------------------------

// Metadata lies in the memory itself, which holds garbage.
static void *reach(uint64_t addr, uint64_t size) {
    (void)size;
    return memory + addr;
}

static void ours_init(const struct span *spans, size_t count, char *base, unsigned cpus) {
    uint64_t ranges[2 * MAX_SPANS];
    size_t n = 0;
    memory = base;
    for (size_t i = 0; i < count; ++i) {
        if (spans[i].kind == 1) {
            ranges[2 * n] = spans[i].start;
            ranges[2 * n + 1] = spans[i].end;
            ++n;
        }
    }
    frames_deinit();
    if (frames_init(ranges, n, cpus, reach) != FRAMES_OK) {
        abort();
    }
}

static void ours_init_1(const struct span *spans, size_t count, char *base) {
    ours_init(spans, count, base, 1);
}

static void ours_init_n(const struct span *spans, size_t count, char *base) {
    ours_init(spans, count, base, 4);
}



// The functions themselves; their status is an int by another name.
#define free_frame ((int (*)(uint64_t))frames_free)
#define free_2m_frame ((int (*)(uint64_t))frames_free_2m)

static size_t ours_fill(uint64_t *buf, size_t count) {
    return frames_fill(buf, count) == FRAMES_OK ? count : 0;
}

static void ours_drain(const uint64_t *buf, size_t count) {
    if (frames_drain(buf, count) != FRAMES_OK) {
        abort();
    }
}

static uint64_t ours_alloc_run(uint64_t count) {
    return frames_alloc_run(count, FRAME, 0);
}

#define free_run_frames ((int (*)(uint64_t, uint64_t))frames_free_run)

static uint64_t ours_free_chunks(void) {
    frames_stats_t stats;
    frames_stats(&stats);
    return stats.free_2m;
}

static double ours_bits(void) {
    frames_stats_t stats;
    frames_stats(&stats);
    return (double)stats.metadata * 8 / (double)(stats.total + stats.metadata_frames);
}

const struct peer peers[] = {
    { .name = "bare call", .init = bare_init, .alloc = bare_alloc, .free = no_free,
      .alloc_2m = bare_alloc, .free_2m = no_free },
    { .name = "nth()", .init = walk_init, .alloc = walk_alloc, .free = no_free, .walk_to = walk_to },
    { .name = "nth, then map", .init = walk_init, .alloc = map_alloc, .free = no_free,
      .walk_to = walk_to },
    { .name = "region arithmetic", .init = walk_init, .alloc = arithmetic_alloc, .free = no_free },
    { .name = "constant region size", .init = constant_init, .alloc = constant_alloc,
      .free = no_free },
    { .name = "intrusive free list", .init = list_init, .alloc = list_alloc, .free = list_free,
      .bits = no_bits, .gives_back = true },
    { .name = "array of addresses", .init = array_init, .alloc = array_alloc, .free = array_free,
      .bits = array_bits, .gives_back = true },
    { .name = "next-fit bitmap", .init = bitmap_init, .alloc = bitmap_alloc, .free = bitmap_free,
      .bits = bitmap_bits, .gives_back = true },
    { .name = "buddy with records", .init = buddy_init, .alloc = buddy_alloc, .free = buddy_free,
      .alloc_2m = buddy_alloc_2m, .free_2m = buddy_free_2m, .alloc_run = buddy_alloc_run,
      .free_run = buddy_free_run, .free_chunks = buddy_free_chunks, .bits = buddy_bits,
      .gives_back = true },
    { .name = "buddy with lists", .init = cached_init, .alloc = cached_alloc, .free = cached_free,
      .alloc_2m = cached_alloc_2m, .free_2m = cached_free_2m, .alloc_run = cached_alloc_run,
      .free_run = cached_free_run, .free_chunks = cached_free_chunks, .bits = buddy_bits,
      .gives_back = true },
    { .name = "trees of bit fields", .init = tree_init, .alloc = tree_alloc,
      .free = tree_free_frame, .alloc_2m = tree_alloc_2m, .free_2m = tree_free_2m,
      .alloc_run = tree_alloc_run, .free_run = tree_free_run, .free_chunks = tree_free_chunks,
      .bits = tree_bits, .gives_back = true },
    { .name = "ours, one CPU", .init = ours_init_1, .alloc = frames_alloc, .free = free_frame,
      .alloc_2m = frames_alloc_2m, .free_2m = free_2m_frame, .alloc_run = ours_alloc_run,
      .free_run = free_run_frames, .free_chunks = ours_free_chunks, .fill = ours_fill,
      .drain = ours_drain, .bits = ours_bits, .gives_back = true },
    { .name = "ours, several CPUs", .init = ours_init_n, .alloc = frames_alloc, .free = free_frame,
      .alloc_2m = frames_alloc_2m, .free_2m = free_2m_frame, .alloc_run = ours_alloc_run,
      .free_run = free_run_frames, .free_chunks = ours_free_chunks, .fill = ours_fill,
      .drain = ours_drain, .bits = ours_bits, .cpus = 4, .gives_back = true },
};
const size_t peer_count = sizeof(peers) / sizeof(peers[0]);
