// Ranges of frames: how they are walked over, taken and freed. Private to port/frames/.
#ifndef RINGZERO_FRAMES_RANGE_H
#define RINGZERO_FRAMES_RANGE_H

#include "frames_line.h"
#include "frames_state.h"

// A part of a range of frames that lies in one chunk.
struct part {
    size_t slot;
    unsigned from, to;      // Frames in the chunk.
};

// The part at `frame`, which is ready, at most up to `end`. False if nothing is there.
bool frames_part(uint64_t frame, uint64_t end, struct part *part);

// The mask of its frames in word k of the line, which has some. Without branches: they would be
// foreseen badly.
static inline uint64_t frames_part_mask(const struct part *part, unsigned k) {
    unsigned last = part->to - 1;
    uint64_t not_first = -(uint64_t)(k != part->from / 64), not_last = -(uint64_t)(k != last / 64);
    return (ALL << part->from % 64 | not_first) & (ALL >> (63 - last % 64) | not_last);
}

static inline bool is_whole(const struct part *part) {
    return part->from == 0 && part->to == 512;
}

static inline void set_fact(unsigned fact, size_t slot) {
    word_or(&self.groups[slot / GROUP_SLOTS].is[fact], UINT64_C(1) << slot % GROUP_SLOTS);
}

static inline void clear_fact(unsigned fact, size_t slot) {
    word_clear(&self.groups[slot / GROUP_SLOTS].is[fact], UINT64_C(1) << slot % GROUP_SLOTS);
}

// Locked. Without `commit`, only say whether all of it is allocated; with it, free that.
bool frames_put_range(uint64_t frame, uint64_t end, bool commit);
frames_status_t frames_free_range(uint64_t frame, uint64_t count);  // Both, one after the other.
// Not locked. The same for frames of a line that is not guarded.
frames_status_t frames_free_line(size_t slot, unsigned from, unsigned to);
// Take one part, or nothing of it: a whole free chunk stays huge; and undo that.
bool frames_take_part(const struct part *part);
void frames_untake_part(const struct part *part);

// Take frames if the chunk is a line and they are free.
bool frames_take_shared(size_t slot, unsigned from, unsigned to);
static inline bool frames_take_from_line(size_t slot, unsigned from, unsigned to) {
    FRAMES_COUNT_WORDS(LINE_WORDS);
    if (UNLIKELY(self.shared)) {
        return frames_take_shared(slot, from, to);
    }
    return !is(HUGE, slot) && frames_flip(line_of(slot), from, to, true);
}

// Take frames that have been seen to be free. With several CPUs somebody else can be faster; then
// nothing is taken.
bool frames_take_range(uint64_t frame, uint64_t count);

#endif // RINGZERO_FRAMES_RANGE_H
