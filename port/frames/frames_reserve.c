// Taking memory out of the map, and memory for the allocator's own data.
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_quiesce.h"
#include "frames_range.h"
#include "frames_reserve.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_word.h"

// Call `act` for each word of what the allocator has ready of [start, end), with the mask of its
// frames there, until one says no. Returns where that was, or `end`.
static uint64_t each_word(uint64_t start, uint64_t end, bool (*act)(size_t word, uint64_t mask)) {
    for (size_t i = 0; i < self.segment_count; ++i) {
        const struct segment *s = &self.segments[i];
        uint64_t stop = s->first + s->count < end ? s->first + s->count : end;
        uint64_t at = s->first > start ? s->first : start;
        while (at < stop) {
            struct part part;
            frames_part(at, stop, &part);
            unsigned k = part.from / 64;
            size_t word = part.slot * LINE_WORDS + k;
            unsigned next = k * 64 + 64 < part.to ? k * 64 + 64 : part.to;
            uint64_t mask = frames_part_mask(&part, k) & frames_valid(word);
            if (mask && !act(word, mask)) {
                return at;
            }
            at += next - part.from;
        }
    }
    return end;
}

static bool give_back(size_t word, uint64_t mask) {
    return frames_put(word, mask) == FRAMES_OK;
}

// The frames are nobody's now: their bits look free for ever, so that freeing them fails.
static bool disown(size_t word, uint64_t mask) {
    set_fact(EDGE, word / LINE_WORDS);
    word_or(&self.bits[word], mask);
    return true;
}

// Take frames that are allocated to the caller, or not ready yet, out of the map.
static void remove_range(uint64_t start, uint64_t end) {
    // The order matters: each_word() asks the regions which frames are left.
    each_word(start, end, disown);
    frames_carve(start, end);
}

// Frames for the allocator's own data. They are in the map until remove_range().
static void *take_metadata(uint64_t bytes, uint64_t *frame) {
    uint64_t count = bytes / FRAMES_SIZE, addr = frames_search_locked(count, 1, 0);
    if (frames_failed(addr)) {
        return NULL;
    }
    *frame = addr / FRAMES_SIZE;
    void *base = self.reach(addr, bytes);
    if (base == NULL) {
        frames_put_range(*frame, *frame + count, true);
        return NULL;
    }
    self.metadata += bytes;
    self.metadata_frames += count;
    return base;
}

// Let the list of regions have room for two more.
static bool make_room(void) {
    if (self.region_room - self.region_count >= 2) {
        return true;
    }
    uint64_t bytes = round_up((self.region_count + 4) * 2 * sizeof(struct region), FRAMES_SIZE);
    uint64_t frame;
    struct region *regions = take_metadata(bytes, &frame);
    if (regions == NULL) {
        return false;
    }
    for (size_t i = 0; i < self.region_count; ++i) {
        regions[i] = self.regions[i];
    }
    self.regions = regions;
    self.region_room = (size_t)(bytes / sizeof(struct region));
    remove_range(frame, frame + bytes / FRAMES_SIZE);
    return true;
}

void *frames_take_metadata(uint64_t bytes) {
    uint64_t frame;
    void *base = make_room() ? take_metadata(bytes, &frame) : NULL;
    if (base) {
        remove_range(frame, frame + bytes / FRAMES_SIZE);
    }
    return base;
}

frames_status_t frames_reserve(uint64_t start, uint64_t end) {
    FRAMES_ASSERT_CONTEXT();
    frames_status_t status = frames_not_ready();
    if (status != FRAMES_OK) {
        return status;
    }
    if (start >= end) {
        return start == end ? FRAMES_OK : FRAMES_BAD_ARGUMENT;
    }
    start /= FRAMES_SIZE;
    end = end / FRAMES_SIZE + (end % FRAMES_SIZE != 0);
    frames_lock();
    // Who takes frames looks at the regions: nobody may while they change.
    frames_quiesce();
    uint64_t at = each_word(start, end, frames_take);
    if (at < end) {
        status = FRAMES_IN_USE;
    } else if (!make_room()) {
        status = FRAMES_NO_MEMORY;
    }
    if (status == FRAMES_OK) {
        self.reserved += frames_owned(start, end);
        remove_range(start, end);
    } else {
        each_word(start, at, give_back);
    }
    frames_resume();
    frames_unlock();
    return status;
}
