// Ranges of frames: how they are walked over, taken and freed.
#include "frames_bound.h"
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

// With one CPU: the length of the free run that [from, to) of a line is part of, and its ends.
static unsigned run_around(const uint64_t *w, unsigned *from, unsigned *to) {
    while (*from > 0) {
        uint64_t used = ~w[(*from - 1) / 64] << (63 - (*from - 1) % 64);
        unsigned free = used ? (unsigned)__builtin_clzll(used) : 64;
        unsigned room = (*from - 1) % 64 + 1;
        *from -= free < room ? free : room;
        if (free < room) {
            break;
        }
    }
    while (*to < 512) {
        uint64_t used = ~w[*to / 64] >> *to % 64;
        unsigned free = used ? lowest(used) : 64;
        unsigned room = 64 - *to % 64;
        *to += free < room ? free : room;
        if (free < room) {
            break;
        }
    }
    return *to - *from;
}

// With one CPU: a run in a line that has a bound keeps one. False if it is not such a run.
static bool put_in_line(uint64_t frame, uint64_t count, frames_status_t *status) {
    struct part part;
    if (self.shared || count >= 512 || !frames_part(frame, frame + count, &part)) {
        return false;
    }
    size_t slot = part.slot;
    const struct group *group = &self.groups[slot / GROUP_SLOTS];
    uint64_t usual = group->is[PARTIAL] & ~(group->is[HUGE] | group->is[KERNEL] | group->is[EDGE]);
    if (part.to - part.from != count || !(usual >> slot % GROUP_SLOTS & 1)
        || self.bounds[slot] == UNKNOWN) {
        return false;
    }
    uint64_t *line = line_of(slot);
    unsigned first = part.from / 64, last = (part.to - 1) / 64;
    uint64_t low = ALL << part.from % 64, high = ALL >> (63 - (part.to - 1) % 64);
    if (first == last) {
        low = high = low & high;
    }
    uint64_t free = (line[first] & low) | (line[last] & high);
    for (unsigned k = first + 1; k < last; ++k) {
        free |= line[k];
    }
    if (free) {
        *status = FRAMES_BAD_FREE;
        return true;
    }
    line[first] |= low;
    line[last] |= high;
    for (unsigned k = first + 1; k < last; ++k) {
        line[k] = ALL;
    }
    *status = FRAMES_OK;
    unsigned from = part.from, to = part.to, length = run_around(line, &from, &to);
    if (length == 512) {
        frames_word_is_full(slot * LINE_WORDS);
        if (is(HUGE, slot)) {
            return true;
        }
    }
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    if (from == 0) {
        unsigned before = frames_tail_before(s, slot);
        if (before) {
            frames_raise_bound(slot - 1, before + length);
        }
    }
    if (to == 512) {
        length += frames_head_after(s, slot);
    }
    frames_raise_bound(slot, length);
    return true;
}

frames_status_t frames_free_range(uint64_t frame, uint64_t count) {
    frames_status_t status;
    if (put_in_line(frame, count, &status)) {
        return status;
    }
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
