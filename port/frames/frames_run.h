// Ranges of frames, and memory for the allocator itself. Private to port/frames/.
#ifndef RINGZERO_FRAMES_RUN_H
#define RINGZERO_FRAMES_RUN_H

#include "frames_state.h"

uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below);
// Locked, and closed: memory for the allocator's own data, or NULL. It is no longer in the map.
void *frames_take_metadata(uint64_t bytes);
frames_status_t frames_free_locked(uint64_t frame, uint64_t count);

// A part of a range of frames that lies in one chunk.
struct part {
    size_t slot;
    unsigned from, to;      // Frames in the chunk.
};

// The part at `frame`, which is ready, at most up to `end`. False if nothing is there.
bool frames_part(uint64_t frame, uint64_t end, struct part *part);
uint64_t frames_part_mask(const struct part *part, unsigned k);     // Of frames in its word k.

static inline bool is_whole(const struct part *part) {
    return part->from == 0 && part->to == 512;
}

static inline void set_fact(unsigned fact, size_t slot) {
    word_or(&self.groups[slot / GROUP_SLOTS].is[fact], UINT64_C(1) << slot % GROUP_SLOTS);
}

static inline void clear_fact(unsigned fact, size_t slot) {
    word_clear(&self.groups[slot / GROUP_SLOTS].is[fact], UINT64_C(1) << slot % GROUP_SLOTS);
}

#endif // RINGZERO_FRAMES_RUN_H
