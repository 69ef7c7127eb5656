// The map: which frame has which bit. Private to port/frames/.
#ifndef RINGZERO_FRAMES_MAP_H
#define RINGZERO_FRAMES_MAP_H

#include "frames_state.h"

const struct segment *frames_segment(uint64_t frame);   // Ready ones only; NULL if there is none.
uint64_t frames_addr(struct cpu *c, size_t word);       // The address of bit 0 of a word.
const struct segment *frames_find_segment_of_bit(uint64_t bit);
uint64_t frames_valid(size_t word);                     // Which bits of a word are frames,
void frames_valid_line(size_t slot, uint64_t *valid);   // and of a chunk's words.
size_t frames_slot_from(uint64_t frame);                // Of the first frame not below this one.
void frames_carve(uint64_t start, uint64_t end);        // Take frames out of the regions.
bool frames_more(size_t groups);                        // Make so many more ready. Locked.
uint64_t frames_owned(uint64_t start, uint64_t end);    // How many frames in [start, end).

static inline const struct segment *frames_segment_of_bit(uint64_t bit) {
    // Mostly that of the last call.
    const struct segment *last = &self.segments[GET(&self.last_segment)];
    return LIKELY((bit | 511) - last->bit < last->total) ? last : frames_find_segment_of_bit(bit);
}

// The frame that has this bit.
static inline uint64_t frames_frame(uint64_t bit) {
    const struct segment *s = frames_segment_of_bit(bit);
    return s->first - s->bit + bit;
}

// The bit of the frame at `addr`; false if nothing is there.
static inline bool locate(uint64_t addr, uint64_t *bit) {
    uint64_t frame = frame_of(addr);
    const struct near *near = near_segment(frame);
    if (LIKELY(frame - near->first < GET(&near->count))) {
        *bit = frame + near->offset;
        return true;
    }
    const struct segment *s = frames_segment(frame);
    if (s == NULL) {
        return false;
    }
    *bit = frame - s->first + s->bit;
    return true;
}

#endif // RINGZERO_FRAMES_MAP_H
