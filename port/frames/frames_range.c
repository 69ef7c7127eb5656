// Ranges of frames: how they are walked over, taken and freed.
#include "frames_map.h"
#include "frames_mixed.h"
#include "frames_range.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"
#include "frames_zone.h"

// --- Walking over a range of addresses ------------------------------------------------------

uint64_t frames_part_mask(const struct part *part, unsigned k) {
    unsigned from = part->from > k * 64 ? part->from - k * 64 : 0;
    unsigned to = part->to < k * 64 ? 0 : part->to - k * 64;
    to = to < 64 ? to : 64;
    return from < to ? ALL >> (64 - (to - from)) << from : 0;
}

bool frames_part(uint64_t frame, uint64_t end, struct part *part) {
    const struct segment *s = frames_segment(frame);
    if (s == NULL) {
        return false;
    }
    uint64_t bit = frame - s->first + s->bit;
    uint64_t stop = s->first + s->count;
    stop = stop < end ? stop : end;
    part->slot = (size_t)(bit / 512);
    part->from = (unsigned)(bit % 512);
    part->to = stop - frame < 512 - part->from ? part->from + (unsigned)(stop - frame) : 512;
    return true;
}

// --- Free -----------------------------------------------------------------------------------

// One part of a free. Without `commit`, only say whether it is one.
static bool put_part(const struct part *part, bool commit) {
    if (is_huge(part->slot)) {
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
    for (unsigned k = part->from / 64; k * 64 < part->to; ++k) {
        size_t word = part->slot * LINE_WORDS + k;
        uint64_t mask = frames_part_mask(part, k);
        if (commit) {
            if (frames_put(word, mask) != FRAMES_OK) {
                return false;
            }
        } else if ((GET(&self.bits[word]) & mask) || frames_is_reserved(WORD, word, mask)
                   || (is(KERNEL, part->slot) && (frames_kernel_mask(word) & mask))) {
            return false;
        }
    }
    return true;
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
    bool good = frames_put_range(frame, frame + count, false) && frames_put_range(frame, frame + count, true);
    return good ? FRAMES_OK : FRAMES_BAD_FREE;
}

// --- Take -----------------------------------------------------------------------------------

bool frames_take_part(const struct part *part) {
    if (is_whole(part) && frames_unmark(FREE, part->slot)) {
        return true;
    }
    for (unsigned k = part->from / 64; k * 64 < part->to; ++k) {
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
