// Where runs of free frames begin, by length. Private to port/frames/.
//
// For each class of lengths the last two that a search or a free has come by, which is all that most
// searches need. They are hints: the frames may have been allocated since, or be part of a longer run.
// They are of the highest zone only, whose frames are always the right ones, and of lines without an edge.
// All of this is locked.
#ifndef RINGZERO_FRAMES_HINT_H
#define RINGZERO_FRAMES_HINT_H

#include "frames_state.h"

#define NEAR_CLASSES (8u)       // Up to about twice the length.

// Lengths up to 16 have a class each, then each eighth from one power of two to the next. Nobody looks for
// those of 0 and 1.
static inline unsigned frames_hint_class(unsigned length) {
    unsigned shift = 28 - (unsigned)__builtin_clz(length | 8);
    return shift * 8 + (length >> shift);
}

// A run of so many free frames begins there in the slot's line.
static inline void frames_hint(size_t slot, unsigned from, unsigned length) {
    struct hints *hints = &self.hints;
    size_t offset = slot - hints->low;
    if (UNLIKELY(offset >= UINT32_MAX / 512)) {
        return;
    }
    unsigned class = frames_hint_class(length);
    uint64_t two = hints->two[class];
    hints->two[class] = two << 32 | (uint32_t)(offset * 512 + from + 1);
    hints->some |= UINT64_C(1) << class;
    // What a search has found is not known any more when one goes.
    bool lost = (two >> 32 != 0) & (length > 1);
    hints->wide = lost ? HINT_CLASSES : hints->wide;
}

// A search for so many has found the run that fits best, and what is left of it is a hint now.
static inline void frames_hint_is_best(unsigned count) {
    self.hints.wide = frames_hint_class(count);
}

// The classes in which a run of so many may be, and a longer one is not too good for it.
static inline uint64_t frames_hints_for(unsigned count) {
    const struct hints *hints = &self.hints;
    unsigned first = frames_hint_class(count);
    uint64_t some = hints->some & ALL << first;
    some &= first < hints->wide ? ~(ALL << NEAR_CLASSES << first) : ALL;
    // The first class has shorter runs, too, as the frame shows that would be the last. If there is no such
    // run, or if it would not end in its line, it does not matter what that says.
    size_t last = (uint32_t)hints->two[first] + (size_t)count - 2;
    uint64_t used = ~GET(&line_of(hints->low)[last / 64]) >> last % 64 & 1;
    return some & ~(used << first);
}

// The last hint of a class that has one, which is then forgotten: a bit, counted from the zone's first slot.
static inline size_t frames_next_hint(unsigned class) {
    struct hints *hints = &self.hints;
    uint64_t two = hints->two[class], rest = two >> 32;
    hints->two[class] = rest;
    hints->some ^= (uint64_t)(rest == 0) << class;
    return (uint32_t)two - 1;
}

#endif // RINGZERO_FRAMES_HINT_H
