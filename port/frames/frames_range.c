// Ranges of frames: how they are walked over, taken and freed.
#include "frames_map.h"
#include "frames_range.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"
#include "frames_zone.h"

// --- Walking over a range of addresses ------------------------------------------------------

static inline bool get_part(uint64_t frame, uint64_t end, struct part *part) {
    uint64_t bit, stop;
    const struct near *near = near_segment(frame);
    if (LIKELY(frame - near->first < GET(&near->count))) {
        bit = frame + near->offset;
        stop = near->first + GET(&near->count);
    } else {
        const struct segment *s = frames_segment(frame);
        if (s == NULL) {
            return false;
        }
        bit = frame - s->first + s->bit;
        stop = s->first + s->count;
    }
    stop = stop < end ? stop : end;
    part->slot = (size_t)(bit / 512);
    part->from = (unsigned)(bit % 512);
    part->to = stop - frame < 512 - part->from ? part->from + (unsigned)(stop - frame) : 512;
    return true;
}

bool frames_part(uint64_t frame, uint64_t end, struct part *part) {
    return get_part(frame, end, part);
}

// --- Free -----------------------------------------------------------------------------------

// One part of a free that is a chunk or more.
static bool put_chunk(const struct part *part, bool commit) {
    if (is(FREE, part->slot) || !is_whole(part)
        || frames_is_reserved(UNIT, part->slot / UNIT_SLOTS, UINT64_C(1) << part->slot % GROUP_SLOTS)) {
        return false;
    }
    if (commit) {
        frames_mark(FREE, part->slot);
        frames_prefer(part->slot);
    }
    return true;
}

// Into this CPU's reservation, where that is, so that they are the next to be allocated.
static inline bool put_word(size_t word, uint64_t mask) {
    frames_status_t status;
    if (self.shared && UNLIKELY(is_claimed(WORD, word))
        && frames_put_own(&self.cpu[frames_cpu()], WORD, word, mask, &status)) {
        return status == FRAMES_OK;
    }
    return frames_add(word, mask);
}

// One part of a free in a line. Without `commit`, only say whether it is one.
static ALWAYS_INLINE bool put_line(const struct part *part, bool commit) {
    size_t slot = part->slot, word = slot * LINE_WORDS;
    unsigned k = part->from / 64, last = (part->to - 1) / 64;
    uint64_t mask = ALL << part->from % 64, end = ALL >> (63 - (part->to - 1) % 64);
    if (UNLIKELY(self.shared || is_guarded(slot))) {
        for (; k <= last; ++k, mask = ALL) {
            mask &= k == last ? end : ALL;
            if (commit ? !put_word(word + k, mask) : !frames_is_allocated(word + k, mask)) {
                return false;
            }
        }
    } else if (commit) {
        for (; k < last; ++k, mask = ALL) {
            self.bits[word + k] |= mask;
        }
        self.bits[word + k] |= mask & end;
    } else {
        uint64_t any = 0;
        for (; k < last; ++k, mask = ALL) {
            any |= self.bits[word + k] & mask;
        }
        if (any | (self.bits[word + k] & mask & end)) {
            return false;
        }
    }
    if (commit) {
        frames_line_has_more(slot, part->from, part->to);
    }
    return true;
}

// One part of a free. Without `commit`, only say whether it is one.
static bool put_part(const struct part *part, bool commit) {
    return is_huge(part->slot) ? put_chunk(part, commit) : put_line(part, commit);
}

bool frames_put_range(uint64_t frame, uint64_t end, bool commit) {
    while (frame < end) {
        struct part part;
        if (!frames_part(frame, end, &part)) {
            return false;
        }
        uint64_t stop = frame + (part.to - part.from);
        if (is(HUGE, part.slot) && is(EDGE, part.slot)) {
            // Part of a allocated 1 GiB frame, or the kernel's.
            stop = frame + FRAMES_1G;
            if (frame % FRAMES_1G || stop > end || is(KERNEL, part.slot)) {
                return false;
            }
            for (size_t i = 0; commit && i < FRAMES_1G / 512; ++i) {
                clear_fact(EDGE, part.slot + i);
                frames_mark(FREE, part.slot + i);
                frames_prefer(part.slot + i);
            }
        } else if (!put_part(&part, commit)) {
            return false;
        }
        frame = stop;
    }
    return true;
}

frames_status_t frames_free_range(uint64_t frame, uint64_t count) {
    uint64_t end = frame + count;
    struct part part;
    bool good;
    if (LIKELY(get_part(frame, end, &part) && part.to - part.from == count && !is(HUGE, part.slot))) {
        // Most are in one line.
        good = put_line(&part, false) && put_line(&part, true);
    } else {
        good = frames_put_range(frame, end, false) && frames_put_range(frame, end, true);
    }
    return good ? FRAMES_OK : FRAMES_BAD_FREE;
}

// --- Take -----------------------------------------------------------------------------------

bool frames_take_part(const struct part *part) {
    if (is_whole(part) && frames_unmark(FREE, part->slot)) {
        return true;
    }
    for (unsigned k = part->from / 64; k <= (part->to - 1) / 64; ++k) {
        if (!frames_take(part->slot * LINE_WORDS + k, frames_part_mask(part, k))) {
            while (k-- > part->from / 64) {
                frames_put(part->slot * LINE_WORDS + k, frames_part_mask(part, k));
            }
            return false;
        }
    }
    return true;
}

void frames_untake_part(const struct part *part) {
    put_part(part, true);
}

bool frames_take_range(uint64_t frame, uint64_t count) {
    uint64_t end = frame + count;
    struct part part;
    bool huge = true;
    for (uint64_t at = frame; at < end; at += part.to - part.from) {
        if (!frames_part(at, end, &part) || !frames_take_part(&part)) {
            frames_put_range(frame, at, true);
            return false;
        }
        huge &= is(HUGE, part.slot);
    }
    if (huge && count == FRAMES_1G && frame % FRAMES_1G == 0 && frames_part(frame, end, &part)) {
        for (size_t i = 0; i < FRAMES_1G / 512; ++i) {
            set_fact(EDGE, part.slot + i);
        }
    }
    return true;
}
