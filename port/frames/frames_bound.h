// A bound for each chunk's longest run of free frames. Private to port/frames/.
//
// A byte for each slot: no run that begins in the chunk's line, and goes on into the next line if
// there is one, is longer. UNKNOWN says nothing. Frees do not keep it: while a chunk has a bound it
// is not `plain`, so that the first free that comes has to forget the bound. A run that goes on is
// only counted while both chunks have a bound: who gives a chunk its bound looks at both neighbours.
//
// Bounds are in classes, two to each power of two. For 64 groups and a class there is a word that
// says which groups may have such a chunk; UNKNOWN is class 0. It is cleared late, as in the tree.
#ifndef RINGZERO_FRAMES_BOUND_H
#define RINGZERO_FRAMES_BOUND_H

#include "frames_map.h"
#include "frames_state.h"

#define UNKNOWN (UINT8_MAX)
#define RUN_LIMIT (512u)        // Longer runs count as this.

// The least bound that is not below a length. Frames up to 128, then steps of four.
static inline unsigned frames_bound_of(unsigned length) {
    return length <= 128 ? length : 128 + (length - 128 + 3) / 4;
}

static inline unsigned frames_class_of(unsigned bound) {
    unsigned high = 31 - (unsigned)__builtin_clz(bound | 1);
    return bound == UNKNOWN ? 0 : bound < 4 ? bound : 2 * high + (bound >> (high - 1) & 1);
}

// The least bound of a class.
static inline unsigned frames_class_start(unsigned class) {
    return class < 4 ? class : (2 + class % 2) << (class / 2 - 1);
}

void frames_start_unknown(size_t group, uint64_t unknown);
void frames_forget_bound(size_t slot);      // Something has become free in this chunk.
// Locked: from here on a free in the chunk is noticed, so that it can be looked at and get a bound.
void frames_watch(size_t slot);
void frames_set_bound(size_t slot, unsigned length);
// Locked: the first slot in [low, high) with a bound of the class, but at least `least`; or NONE.
size_t frames_find_bound(unsigned class, unsigned least, size_t low, size_t high);

void frames_raise_bound(size_t slot, unsigned length);      // If it has one.
// Locked: the free frames next to a chunk of a segment, if they are in a line of it.
unsigned frames_head_after(const struct segment *s, size_t slot);
unsigned frames_tail_before(const struct segment *s, size_t slot);

// The words of a line, without the frames of others.
static inline void frames_read_line(size_t slot, uint64_t *w) {
    FRAMES_COUNT_WORDS(LINE_WORDS);
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        w[k] = __atomic_load_n(&line_of(slot)[k], __ATOMIC_ACQUIRE);
    }
    if (UNLIKELY(is(EDGE, slot))) {
        uint64_t valid[LINE_WORDS];
        frames_valid_line(slot, valid);
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            w[k] &= valid[k];
        }
    }
}

// Of a group that becomes ready: nobody else looks at it yet.
static inline void frames_start_bounds(size_t group, uint64_t unknown) {
    uint64_t *words = (uint64_t *)(void *)&self.bounds[group * GROUP_SLOTS];
    for (unsigned i = 0; i < GROUP_SLOTS / 8; ++i) {
        words[i] = 0;
    }
    if (unknown || group % 64 == 0) {
        frames_start_unknown(group, unknown);
    }
}

// After something has become free, with one CPU and with several. Then the bound itself says nothing:
// a search may be about to set it.
static inline void frames_note_free_alone(size_t slot) {
    if (UNLIKELY(self.bounds[slot] != UNKNOWN)) {
        frames_forget_bound(slot);
    }
}

static inline void frames_note_free_shared(size_t slot) {
    if (UNLIKELY(!is_plain(slot))) {
        frames_forget_bound(slot);
    }
}

#endif // RINGZERO_FRAMES_BOUND_H
