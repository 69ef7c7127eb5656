// The heap's memory in blocks of 32 bytes: which are free, where objects begin, and which of them a
// collection has reached. What an object is, only gc.c knows. For one CPU, and not for interrupts.
#ifndef RINGZERO_MPY_BLOCKS_H
#define RINGZERO_MPY_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BLOCKS_SIZE = 32,
    BLOCKS_WORD = 64,       // blocks that one word of a table stands for
    BLOCKS_CLASSES = 80,    // of objects by size: each up to 16 blocks, then each power of two
    BLOCKS_FAST = 16,
};

// A bit for each of 64 blocks. An object's first block is used and a head, the others are only used, a
// free block is neither. While a collection runs, a head that has been reached is no longer used. The
// flags are those of heads.
typedef struct {
    uint64_t used;
    uint64_t head;
    uint64_t finaliser;     // in an area of code: it stays for good
    uint64_t weakref;
} blocks_word_t;

// Memory with nothing else in it. Its words lie elsewhere, those of free blocks all 0.
typedef struct blocks_area {
    uint64_t start;         // address
    size_t count;           // blocks, a multiple of BLOCKS_WORD
    blocks_word_t *words;
    struct blocks_area *next;
} blocks_area_t;

// All of them: the first, what the heap has grown by, and then those of code, which only
// blocks_alloc_in() allocates from.
extern blocks_area_t blocks_first, blocks_grown;

// An empty heap of the first area, with its words in [start, end) as well. All others are forgotten.
void blocks_init(void *start, void *end);
// That an area in the list has come, gone or got another size. It has shrunk only after a collection.
void blocks_changed(void);

// Where in its area the search for objects of a size begins.
typedef struct {
    blocks_word_t *word;
    const blocks_area_t *area;
} blocks_cursor_t;

extern blocks_cursor_t blocks_cursors[BLOCKS_CLASSES];

static inline size_t blocks_class(size_t count) {
    return count <= BLOCKS_FAST ? count : (size_t)(BLOCKS_FAST + 60 - __builtin_clzll(count));
}

// For 1 to 64 blocks: where so many are free in a row, of which the highest lies in the word as well.
static inline uint64_t blocks_runs(uint64_t free, size_t count) {
    while (count > 1) {
        size_t half = count / 2;
        free &= free >> half;
        count -= half;
    }
    return free;
}

void *blocks_alloc_slow(size_t count);

// count blocks, at least 1, or NULL: there are not so many free in a row. They are not cleared.
static inline void *blocks_alloc(size_t count) {
    if (count <= BLOCKS_FAST) {
        const blocks_cursor_t *cursor = &blocks_cursors[count];
        blocks_word_t *word = cursor->word;
        uint64_t runs = blocks_runs(~word->used, count);
        if (runs != 0) {
            uint64_t head = runs & -runs;
            word->used |= (head << count) - head;
            word->head |= head;
            uint64_t distance = (uint64_t)word - (uint64_t)cursor->area->words;
            return (void *)(cursor->area->start + distance / sizeof(*word) * (BLOCKS_WORD * BLOCKS_SIZE)
                + __builtin_ctzll(runs) * BLOCKS_SIZE);
        }
    }
    return blocks_alloc_slow(count);
}

void *blocks_alloc_in(blocks_area_t *area, size_t count);

// The area in which an object can begin at this address; NULL: none.
blocks_area_t *blocks_area_of(const void *ptr);
// The word and the bit of an address in this area.
blocks_word_t *blocks_word_of(const blocks_area_t *area, const void *ptr, uint64_t *bit);
// How many blocks has the object that begins here, which has not been marked; 0: none does.
size_t blocks_count(const void *ptr);
// Frees the object that begins here, if one does.
void blocks_free(void *ptr);
// The object that begins here gets so many blocks, if it can where it is. *before: how many it had; 0 if
// none begins here.
bool blocks_resize(void *ptr, size_t count, size_t *before);

// A collection: begin, mark, end, then sweep. Whatever looks like the address of an object that is not
// marked yet marks it and all that it leads to. `inner`: an address in the middle of one, too.
void blocks_mark_begin(void);
void blocks_mark(const uint64_t *values, size_t count, bool inner);
void blocks_mark_end(void);
// Before blocks_mark() anew, where what has been marked may lead elsewhere by now: blocks_mark_end() then
// looks into all of it once more.
void blocks_mark_again(void);
// Nothing is marked any more, and nothing has been freed.
void blocks_unmark(void);
// Frees what has not been marked: how many objects.
size_t blocks_sweep(void);

// Whether the words can be right: they are not where somebody has written over them.
bool blocks_check(void);

// Of one area: blocks in use, and where the last of them ends.
size_t blocks_used(const blocks_area_t *area);
size_t blocks_end(const blocks_area_t *area);

typedef struct {
    size_t total, used;                 // blocks, of code only what is in use
    size_t one_block, two_blocks;       // objects
    size_t longest_free, longest_used;  // blocks
} blocks_info_t;

void blocks_info(blocks_info_t *info);
// Of these total and used alone, which takes a twentieth of the time.
void blocks_totals(blocks_info_t *info);

#endif
