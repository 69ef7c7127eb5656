#include <string.h>

#include "mpy/blocks.h"
#include "mpy/heap.h"

enum {
    WORDS_PER_BLOCK = BLOCKS_SIZE / sizeof(uint64_t),
    // Addresses that wait to be looked into, before there are frames for more; how many at most one
    // word's blocks lead to, with the rest of an object.
    FIRST_STACK = 1024,
    LED_TO = BLOCKS_WORD * WORDS_PER_BLOCK + 1,
    // How far below a cursor, in words, it goes back for what is freed.
    NEAR = 64,
};

#define NONE SIZE_MAX
#define UNLIKELY(condition) __builtin_expect((condition), 0)

blocks_area_t blocks_first, blocks_grown;
blocks_cursor_t blocks_cursors[BLOCKS_CLASSES];

// [low, low + span) has all areas, and much else.
static uint64_t low, span;

// What has been resized last, and the block behind it: finding that takes long for a large object.
static struct {
    const void *ptr;
    size_t end;
} resized;

static uint64_t first_stack[FIRST_STACK];
static uint64_t *stack, *stack_top;
static size_t stack_size;
// [skipped, skipped_last] has all objects that are marked and have not been looked into for want of room.
static uint64_t skipped, skipped_last;

static void reset_cursors(void) {
    for (size_t i = 0; i < BLOCKS_CLASSES; ++i) {
        blocks_cursors[i] = (blocks_cursor_t) { blocks_first.words, &blocks_first };
    }
}

void blocks_changed(void) {
    uint64_t end = 0;
    low = UINT64_MAX;
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        if (area->count != 0) {
            low = area->start < low ? area->start : low;
            uint64_t area_end = area->start + area->count * BLOCKS_SIZE;
            end = area_end > end ? area_end : end;
        }
    }
    span = end - low;
}

void blocks_init(void *start, void *end) {
    size_t each = sizeof(blocks_word_t) + BLOCKS_WORD * BLOCKS_SIZE;
    uint64_t first = ((uint64_t)start + BLOCKS_SIZE - 1) & -(uint64_t)BLOCKS_SIZE;
    size_t words = ((uint64_t)end - first) / each;
    blocks_first = (blocks_area_t) {
        first + words * sizeof(blocks_word_t), words *BLOCKS_WORD, (blocks_word_t *)first, &blocks_grown,
    };
    memset(blocks_first.words, 0, words * sizeof(blocks_word_t));
    blocks_grown = (blocks_area_t) { 0 };
    resized.ptr = NULL;
    reset_cursors();
    blocks_changed();
}

// Of an address: its block in the area. At least area->count: no block begins there.
static inline uint64_t block_at(const blocks_area_t *area, uint64_t addr) {
    uint64_t distance = addr - area->start;
    return distance / BLOCKS_SIZE | distance << 59;
}

static inline blocks_area_t *area_at(uint64_t addr) {
    blocks_area_t *area = &blocks_grown;
    if (!UNLIKELY(block_at(area, addr) >= area->count)) {
        return area;
    }
    for (area = &blocks_first; area != NULL; area = area->next) {
        if (block_at(area, addr) < area->count) {
            return area;
        }
    }
    return NULL;
}

blocks_area_t *blocks_area_of(const void *ptr) {
    return area_at((uint64_t)ptr);
}

blocks_word_t *blocks_word_of(const blocks_area_t *area, const void *ptr, uint64_t *bit) {
    size_t block = block_at(area, (uint64_t)ptr);
    *bit = UINT64_C(1) << block % BLOCKS_WORD;
    return &area->words[block / BLOCKS_WORD];
}

static inline uint64_t tails_of(const blocks_word_t *word) {
    return word->used & ~word->head;
}

// The bits of up to `count` blocks from this one on that lie in its word; how many in *run.
static inline uint64_t mask_at(size_t block, size_t count, size_t *run) {
    size_t bit = block % BLOCKS_WORD;
    *run = count < BLOCKS_WORD - bit ? count : BLOCKS_WORD - bit;
    return ~UINT64_C(0) >> (BLOCKS_WORD - *run) << bit;
}

static void set_used(const blocks_area_t *area, size_t block, size_t count, bool used) {
    for (size_t run; count > 0; block += run, count -= run) {
        uint64_t mask = mask_at(block, count, &run);
        blocks_word_t *word = &area->words[block / BLOCKS_WORD];
        word->used = used ? word->used | mask : word->used & ~mask;
    }
}

static bool is_free(const blocks_area_t *area, size_t block, size_t count) {
    if (count > area->count - block) {
        return false;
    }
    for (size_t run; count > 0; block += run, count -= run) {
        if (area->words[block / BLOCKS_WORD].used & mask_at(block, count, &run)) {
            return false;
        }
    }
    return true;
}

// The block behind the object to which this one belongs.
static size_t end_of(const blocks_area_t *area, size_t block) {
    const blocks_word_t *word = &area->words[block / BLOCKS_WORD];
    const blocks_word_t *end = area->words + area->count / BLOCKS_WORD;
    block += 1 + __builtin_ctzll(~(tails_of(word) >> block % BLOCKS_WORD >> 1));
    while (block % BLOCKS_WORD == 0 && ++word < end) {
        uint64_t others = ~tails_of(word);
        if (others != 0) {
            return block + __builtin_ctzll(others);
        }
        block += BLOCKS_WORD;
    }
    return block;
}

// The lowest of so many free blocks in a row, from a word on; NONE.
static size_t find(const blocks_area_t *area, size_t index, size_t count) {
    size_t end = area->count / BLOCKS_WORD;
    size_t run = 0; // free blocks that end at this word
    for (; index < end; ++index) {
        uint64_t used = area->words[index].used;
        if (used == ~UINT64_C(0)) {
            run = 0;
            continue;
        }
        if (run + (used == 0 ? BLOCKS_WORD : __builtin_ctzll(used)) >= count) {
            return index * BLOCKS_WORD - run;
        }
        if (used == 0) {
            run += BLOCKS_WORD;
            continue;
        }
        if (count < BLOCKS_WORD) {
            uint64_t runs = blocks_runs(~used, count);
            if (runs != 0) {
                return index * BLOCKS_WORD + __builtin_ctzll(runs);
            }
        }
        run = __builtin_clzll(used);
    }
    return NONE;
}

static void *take(const blocks_area_t *area, size_t block, size_t count) {
    set_used(area, block, count, true);
    area->words[block / BLOCKS_WORD].head |= UINT64_C(1) << block % BLOCKS_WORD;
    return (void *)(area->start + block * BLOCKS_SIZE);
}

void *blocks_alloc_in(blocks_area_t *area, size_t count) {
    size_t block = find(area, 0, count);
    return block == NONE ? NULL : take(area, block, count);
}

void *blocks_alloc_slow(size_t count) {
    blocks_cursor_t *cursor = &blocks_cursors[blocks_class(count)];
    const blocks_area_t *area = cursor->area;
    size_t block = find(area, cursor->word - area->words, count);
    if (block == NONE && area == &blocks_first) {
        area = &blocks_grown;
        block = find(area, 0, count);
    }
    if (block == NONE) {
        // What has been freed behind the cursor.
        area = &blocks_first;
        block = find(area, 0, count);
        if (block == NONE) {
            area = &blocks_grown;
            block = find(area, 0, count);
        }
    }
    if (block == NONE) {
        return NULL;
    }
    size_t last = block + count - 1;
    *cursor = (blocks_cursor_t) { &area->words[last / BLOCKS_WORD], area };
    return take(area, block, count);
}

// Whether an object begins just here, which has not been marked. `area`: where this is, or NULL.
static bool is_object(const blocks_area_t *area, const void *ptr) {
    if (area == NULL || (uint64_t)ptr % BLOCKS_SIZE != 0) {
        return false;
    }
    uint64_t bit;
    const blocks_word_t *word = blocks_word_of(area, ptr, &bit);
    return word->used & word->head & bit;
}

size_t blocks_count(const void *ptr) {
    const blocks_area_t *area = area_at((uint64_t)ptr);
    if (!is_object(area, ptr)) {
        return 0;
    }
    size_t block = block_at(area, (uint64_t)ptr);
    return end_of(area, block) - block;
}

// So many blocks of that object, or what is left of it, have become free.
static void lower_cursor(const blocks_area_t *area, size_t block, size_t count) {
    blocks_cursor_t *cursor = &blocks_cursors[blocks_class(count)];
    blocks_word_t *word = &area->words[block / BLOCKS_WORD];
    if (cursor->area == area && word < cursor->word && cursor->word - word < NEAR) {
        cursor->word = word;
    }
}

void blocks_free(void *ptr) {
    const blocks_area_t *area = area_at((uint64_t)ptr);
    // A finaliser frees what has been marked, too.
    uint64_t bit = 0;
    blocks_word_t *word = area == NULL ? NULL : blocks_word_of(area, ptr, &bit);
    if ((uint64_t)ptr % BLOCKS_SIZE != 0 || word == NULL || !(word->head & bit)) {
        return;
    }
    size_t block = block_at(area, (uint64_t)ptr);
    size_t count = end_of(area, block) - block;
    word->head &= ~bit;
    word->finaliser &= ~bit;
    word->weakref &= ~bit;
    set_used(area, block, count, false);
    lower_cursor(area, block, count);
    if (ptr == resized.ptr) {
        resized.ptr = NULL;
    }
}

bool blocks_resize(void *ptr, size_t count, size_t *before) {
    const blocks_area_t *area = area_at((uint64_t)ptr);
    *before = 0;
    if (ptr != resized.ptr && !is_object(area, ptr)) {
        return false;
    }
    size_t block = block_at(area, (uint64_t)ptr);
    size_t end = ptr == resized.ptr ? resized.end : end_of(area, block);
    size_t have = *before = end - block;
    if (count < have) {
        set_used(area, block + count, have - count, false);
        lower_cursor(area, block + count, have - count);
    } else if (count > have) {
        if (!is_free(area, end, count - have)) {
            return false;
        }
        set_used(area, end, count - have, true);
    }
    resized.ptr = ptr;
    resized.end = block + count;
    return true;
}

// Where the object begins into which this points; 0: it points to none.
static uint64_t start_of(uint64_t addr) {
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        size_t block = (addr - area->start) / BLOCKS_SIZE;
        if (block < area->count) {
            const blocks_word_t *word = &area->words[block / BLOCKS_WORD];
            size_t bit = block % BLOCKS_WORD;
            if (!((word->used | word->head) >> bit & 1)) {
                return 0;
            }
            uint64_t heads = word->head & ~UINT64_C(0) >> (BLOCKS_WORD - 1 - bit);
            while (heads == 0) {
                heads = (--word)->head;
            }
            block = (word - area->words) * BLOCKS_WORD + BLOCKS_WORD - 1 - __builtin_clzll(heads);
            return area->start + block * BLOCKS_SIZE;
        }
    }
    return 0;
}

static void skip_none(void) {
    skipped = UINT64_MAX;
    skipped_last = 0;
}

void blocks_mark_begin(void) {
    stack = stack_top = first_stack;
    stack_size = FIRST_STACK;
    skip_none();
}

void blocks_mark_again(void) {
    blocks_mark_begin();
    skipped = 0;
    skipped_last = UINT64_MAX;
}

// To twice what it is. False: what is at this address is not looked into before blocks_mark_end().
static __attribute__((noinline)) bool grow_stack(uint64_t addr) {
    size_t have = stack_top - stack;
    size_t size = stack_size * 2;
    bool full = skipped <= skipped_last;
    uint64_t *grown = full ? NULL : heap_mark_stack(size * sizeof(uint64_t));
    if (grown == NULL) {
        uint64_t start = start_of(addr);
        skipped = start < skipped ? start : skipped;
        skipped_last = start > skipped_last ? start : skipped_last;
        return false;
    }
    if (grown != stack) {
        memcpy(grown, stack, have * sizeof(uint64_t));
    }
    stack = grown;
    stack_top = stack + have;
    stack_size = size;
    return true;
}

// Marks the object that begins here, if one does and has not been; then it waits at *top.
static inline uint64_t *mark(uint64_t addr, uint64_t *top) {
    const blocks_area_t *area = &blocks_grown;
    uint64_t block = block_at(area, addr);
    if (UNLIKELY(block >= area->count)) {
        area = &blocks_first;
        while (block = block_at(area, addr), block >= area->count) {
            area = area->next;
            if (area == NULL) {
                return top;
            }
        }
    }
    blocks_word_t *word = &area->words[block / BLOCKS_WORD];
    uint64_t bit = UINT64_C(1) << block % BLOCKS_WORD;
    if (word->used & word->head & bit) {
        word->used &= ~bit;
        *top++ = addr;
    }
    return top;
}

// Looks into all that waits, as far as each lies in one word's blocks; the rest of it waits again.
static void trace(void) {
    uint64_t minus_low = -low, reach = span;
    uint64_t *top = stack_top;
    uint64_t *limit = stack + stack_size - LED_TO;
    while (top > stack) {
        uint64_t addr = *--top;
        if (UNLIKELY(top > limit)) {
            stack_top = top;
            if (!grow_stack(addr)) {
                continue;
            }
            top = stack_top;
            limit = stack + stack_size - LED_TO;
        }
        const blocks_area_t *area = area_at(addr);
        uint64_t block = block_at(area, addr);
        const blocks_word_t *word = &area->words[block / BLOCKS_WORD];
        uint64_t tails = tails_of(word) >> block % BLOCKS_WORD >> 1;
        uint64_t count = 1 + (unsigned)__builtin_ctzll(~tails);
        const uint64_t *at = (const uint64_t *)addr;
        const uint64_t *end = at + count * WORDS_PER_BLOCK;
        block += count;
        if (block % BLOCKS_WORD == 0 && block < area->count && (tails_of(word + 1) & 1)) {
            *top++ = (uint64_t)end;
        }
        do {
            uint64_t value = *at++;
            if (value + minus_low < reach) {
                top = mark(value, top);
            }
        } while (at != end);
    }
    stack_top = top;
}

void blocks_mark(const uint64_t *values, size_t count, bool inner) {
    for (size_t i = 0; i < count; ++i) {
        uint64_t value = values[i];
        if (value - low < span) {
            stack_top = mark(inner ? start_of(value) : value, stack_top);
            trace();
        }
    }
}

// Looks again into what is marked from `first` to `last`.
static void trace_again(const blocks_area_t *area, uint64_t first, uint64_t last) {
    uint64_t end = area->start + area->count * BLOCKS_SIZE;
    if (last < area->start || first >= end) {
        return;
    }
    size_t i = first < area->start ? 0 : block_at(area, first) / BLOCKS_WORD;
    size_t stop = last >= end ? area->count / BLOCKS_WORD : block_at(area, last) / BLOCKS_WORD + 1;
    for (; i < stop; ++i) {
        uint64_t marked = area->words[i].head & ~area->words[i].used;
        for (; marked != 0; marked &= marked - 1) {
            size_t block = i * BLOCKS_WORD + __builtin_ctzll(marked);
            *stack_top++ = area->start + block * BLOCKS_SIZE;
            trace();
        }
    }
}

void blocks_mark_end(void) {
    while (skipped <= skipped_last) {
        uint64_t first = skipped, last = skipped_last;
        skip_none();
        for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
            trace_again(area, first, last);
        }
    }
}

void blocks_unmark(void) {
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        for (size_t i = 0; i < area->count / BLOCKS_WORD; ++i) {
            area->words[i].used |= area->words[i].head;
        }
    }
}

static inline size_t count_bits(uint64_t bits) {
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    bits = (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
    return ((bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f)) * UINT64_C(0x0101010101010101) >> 56;
}

size_t blocks_sweep(void) {
    size_t freed = 0;
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        uint64_t carry = 0; // the word's first block belongs to a marked object, if it is a tail
        const blocks_word_t *end = area->words + area->count / BLOCKS_WORD;
        for (blocks_word_t *word = area->words; word < end; ++word) {
            uint64_t marked = word->head & ~word->used;
            uint64_t dead = word->head & word->used;
            uint64_t tails = tails_of(word);
            if (dead != 0) {
                freed += count_bits(dead);
                word->finaliser &= marked;
                word->weakref &= marked;
            }
            // Adding 1 at the start of a row of tails carries through to its end.
            uint64_t starts = (marked << 1 | carry) & tails;
            uint64_t sum;
            carry = __builtin_add_overflow(tails, starts, &sum) | marked >> 63;
            word->used = marked | (tails & ~sum);
            word->head = marked;
        }
    }
    resized.ptr = NULL;
    reset_cursors();
    return freed;
}

bool blocks_check(void) {
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        uint64_t carry = 0;
        for (size_t i = 0; i < area->count / BLOCKS_WORD; ++i) {
            // A tail only follows a head or a tail.
            const blocks_word_t *word = &area->words[i];
            uint64_t objects = word->used | word->head;
            if (tails_of(word) & ~(objects << 1 | carry)) {
                return false;
            }
            carry = objects >> 63;
        }
    }
    return true;
}

size_t blocks_used(const blocks_area_t *area) {
    size_t used = 0;
    for (size_t i = 0; i < area->count / BLOCKS_WORD; ++i) {
        used += count_bits(area->words[i].used);
    }
    return used;
}

size_t blocks_end(const blocks_area_t *area) {
    for (size_t i = area->count / BLOCKS_WORD; i-- > 0;) {
        uint64_t used = area->words[i].used;
        if (used != 0) {
            return (i + 1) * BLOCKS_WORD - __builtin_clzll(used);
        }
    }
    return 0;
}

// Makes *longest the length of the longest row of ones, of which *run is the length of the last.
static __attribute__((noinline)) void count_row(uint64_t ones, size_t *run, size_t *longest) {
    uint64_t zeros = ~ones;
    *run += zeros == 0 ? BLOCKS_WORD : __builtin_ctzll(zeros);
    *longest = *run > *longest ? *run : *longest;
    if (zeros != 0) {
        *run = __builtin_clzll(zeros);
        while (*longest < BLOCKS_WORD && blocks_runs(ones, *longest + 1) != 0) {
            ++*longest;
        }
    }
}

static bool has_code(const blocks_area_t *area) {
    return area != &blocks_first && area != &blocks_grown;
}

void blocks_totals(blocks_info_t *info) {
    *info = (blocks_info_t) { 0 };
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        size_t used = blocks_used(area);
        info->used += used;
        info->total += has_code(area) ? used : area->count;
    }
}

void blocks_info(blocks_info_t *info) {
    blocks_totals(info);
    size_t longest_tails = 0;
    for (const blocks_area_t *area = &blocks_first; area != NULL; area = area->next) {
        size_t free_run = 0, tails_run = 0;
        const blocks_word_t *end = area->words + area->count / BLOCKS_WORD;
        for (const blocks_word_t *word = area->words; word < end; ++word) {
            uint64_t heads = word->used & word->head;
            uint64_t tails = tails_of(word);
            uint64_t next = word + 1 < end ? tails_of(word + 1) : 0;
            uint64_t second = tails >> 1 | next << 63;
            uint64_t third = tails >> 2 | next << 62;
            info->one_block += count_bits(heads & ~second);
            info->two_blocks += count_bits(heads & second & ~third);
            count_row(tails, &tails_run, &longest_tails);
            if (!has_code(area)) {
                count_row(~word->used, &free_run, &info->longest_free);
            }
        }
    }
    info->longest_used = info->used == 0 ? 0 : longest_tails + 1;
}
