// Frames of a line, all of its words at once. Private to port/frames/.
#ifndef RINGZERO_FRAMES_LINE_H
#define RINGZERO_FRAMES_LINE_H

#include "frames_state.h"

// Where the free frames of a line that go on from `at` end, and begin.
static inline unsigned frames_free_until(const uint64_t *line, unsigned at) {
    while (at < 512) {
        uint64_t used = ~GET(&line[at / 64]) >> at % 64;
        if (used) {
            return at + lowest(used);
        }
        at = (at | 63) + 1;
    }
    return at;
}

static inline unsigned frames_free_since(const uint64_t *line, unsigned at) {
    while (at > 0) {
        uint64_t used = ~GET(&line[(at - 1) / 64]) << (63 - (at - 1) % 64);
        if (used) {
            return at - (unsigned)__builtin_clzll(used);
        }
        at = (at - 1) & ~63u;
    }
    return at;
}

struct run_of_line {
    unsigned from, to;
};

// The run of free frames around those.
static inline struct run_of_line frames_run_around(size_t slot, unsigned from, unsigned to) {
    const uint64_t *line = line_of(slot);
    return (struct run_of_line) { frames_free_since(line, from), frames_free_until(line, to) };
}

// 128 bits of a line, and the same where they are not aligned.
typedef uint64_t frames_pair_t __attribute__((vector_size(16), may_alias));
typedef uint64_t frames_loose_t __attribute__((vector_size(16), may_alias, aligned(1)));

// By the number of a bit in its byte: eight words of zeros, then the mask of it and all above it.
extern const uint64_t frames_above[8][2 * LINE_WORDS];

// The mask of a line's frames from `at` on.
static inline const frames_loose_t *frames_from(unsigned at) {
    uintptr_t p = (uintptr_t)frames_above[at % 8] + LINE_WORDS * 8 - at / 8;
    return (const frames_loose_t *)p;
}

// A part of a line: which frames they are, and what the line was when it was read.
struct line_part {
    frames_pair_t mask[4], line[4];
};

static inline uint64_t frames_mask_of(const struct line_part *part, unsigned k) {
    return part->mask[k / 2][k % 2];
}

static inline uint64_t frames_word_of(const struct line_part *part, unsigned k) {
    return part->line[k / 2][k % 2];
}

// Others may change some of them meanwhile: no word is torn.
static inline __attribute__((no_sanitize("thread"))) frames_pair_t frames_two_words(const uint64_t *p) {
    return *(const frames_pair_t *)p;
}

// Read a line; whether all of these frames are `free`. There are no branches over words: how many there
// are is foreseen badly.
static ALWAYS_INLINE bool frames_read_part(struct line_part *part, const uint64_t *line, unsigned from,
    unsigned to, bool free) {
    const frames_loose_t *low = frames_from(from), *high = frames_from(to);
    frames_pair_t others = { 0, 0 };
    #pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
        part->mask[i] = low[i] & ~high[i];
        part->line[i] = frames_two_words(line + 2 * i);
        others |= part->mask[i] & (free ? ~part->line[i] : part->line[i]);
    }
    return (others[0] | others[1]) == 0;
}

// With one CPU: if all of these frames are `free`, change that; or nothing.
static ALWAYS_INLINE bool frames_flip(uint64_t *line, unsigned from, unsigned to, bool free) {
    struct line_part part;
    if (UNLIKELY(!frames_read_part(&part, line, from, to, free))) {
        return false;
    }
    #pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
        ((frames_pair_t *)line)[i] = part.line[i] ^ part.mask[i];
    }
    return true;
}

#endif // RINGZERO_FRAMES_LINE_H
