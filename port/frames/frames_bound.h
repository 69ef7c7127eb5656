// A bound for each chunk's longest run of free frames. Private to port/frames/.
//
// A byte for each slot: no run that begins in the chunk's line, and goes on into the next line if
// there is one, is longer. UNKNOWN says nothing. A chunk with a bound is not `plain`: a free there
// raises it. A run that goes on is only counted while both chunks have a bound: who gives a chunk its
// bound looks at both neighbours.
//
// With several CPUs frees come without the lock. So a search sets the bound to 0, then looks at the
// line, then raises the bound to what it has seen: a free that it has not seen raises it, too.
//
// A byte for each group is not below any of its bounds. A search that has met none as large as it
// needs lowers it.
#ifndef RINGZERO_FRAMES_BOUND_H
#define RINGZERO_FRAMES_BOUND_H

#include "frames_line.h"
#include "frames_map.h"
#include "frames_state.h"

#define UNKNOWN (UINT8_MAX)
#define RUN_LIMIT (512u)        // Longer runs count as this.

// The least bound that is not below a length. Frames up to 128, then steps of four.
static inline unsigned frames_bound_of(unsigned length) {
    unsigned steps = 128 + (length - 128 + 3) / 4;
    return length <= 128 ? length : steps;
}

// A bound of at least this says that the run is as long, or was.
static inline unsigned frames_sure_bound(unsigned length) {
    return length <= 128 ? length : frames_bound_of(length + 3);
}

void frames_forget_bound(size_t slot);
void frames_raise_bound(size_t slot, unsigned length);      // If it has one.
// The frames from `from` to `to` of a chunk have become free, or some of them.
void frames_note_free(size_t slot, unsigned from, unsigned to);
// The same for all of a run, with the lock.
void frames_note_run_slowly(size_t slot, unsigned from, unsigned to);
static inline void frames_note_run(size_t slot, unsigned from, unsigned to) {
    if (from == 0 || to == 512 || GET(&self.bounds[slot]) < frames_bound_of(to - from)) {
        frames_note_run_slowly(slot, from, to);
    }
}

static inline void frames_note_free_word(size_t word, uint64_t mask) {
    unsigned base = word % LINE_WORDS * 64;
    frames_note_free(word / LINE_WORDS, base + lowest(mask), base + 64 - (unsigned)__builtin_clzll(mask));
}

// With one CPU: frees in this chunk will not be noticed.
static inline void frames_leave_bound(size_t slot) {
    if (UNLIKELY(self.bounds[slot] != UNKNOWN)) {
        frames_forget_bound(slot);
    }
}

// All of what follows is for searches, and locked.

// How a search gives a chunk its bound: before it looks at the line, and after.
static inline void frames_start_bound(size_t slot) {
    if (is_plain(slot)) {
        word_clear(&self.groups[slot / GROUP_SLOTS].plain, UINT64_C(1) << slot % GROUP_SLOTS);
    }
    if (self.shared) {
        __atomic_store_n(&self.bounds[slot], 0, __ATOMIC_SEQ_CST);
    } else {
        self.bounds[slot] = 0;
    }
}

static inline void frames_end_bound(size_t slot, unsigned length) {
    frames_raise_bound(slot, length);
    // Somebody may have made a line of the chunk meanwhile, or a chunk of the line.
    if (self.shared && is_plain(slot)) {
        frames_forget_bound(slot);
    }
}

// A slot in [low, high) that has a bound of at least `least`, or none; or NONE. The first; or that with
// the smallest bound among the 64 of the first group that has one.
size_t frames_find_bound(unsigned least, bool best, size_t low, size_t high);

unsigned frames_head(const uint64_t *line);     // The free frames that a line begins with.
// The free frames next to a chunk of a segment, if they are in a line of it.
unsigned frames_head_after(const struct segment *s, size_t slot);
unsigned frames_tail_before(const struct segment *s, size_t slot);

// The words of a line, without the frames of others.
static inline void frames_read_line(size_t slot, uint64_t *w) {
    const uint64_t *line = line_of(slot);
    FRAMES_COUNT_WORDS(LINE_WORDS);
    #pragma GCC unroll 8
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        w[k] = __atomic_load_n(&line[k], __ATOMIC_ACQUIRE);
    }
    if (UNLIKELY(is(EDGE, slot))) {
        uint64_t valid[LINE_WORDS];
        frames_valid_line(slot, valid);
        for (unsigned k = 0; k < LINE_WORDS; ++k) {
            w[k] &= valid[k];
        }
    }
}

void frames_start_bounds(size_t group, uint64_t unknown);   // Of a group that becomes ready.

#endif // RINGZERO_FRAMES_BOUND_H
