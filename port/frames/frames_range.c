// Ranges of frames: how they are walked over, taken and freed.
#include "frames_bound.h"
#include "frames_hint.h"
#include "frames_line.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_range.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"
#include "frames_zone.h"

// --- Walking over a range of addresses ------------------------------------------------------

bool frames_part(uint64_t frame, uint64_t end, struct part *part) {
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

// One part of a free in a line, with several CPUs or where a free must look closer. Without `commit`, only
// say whether it is one.
static bool put_words(const struct part *part, bool commit) {
    for (unsigned k = part->from / 64; k <= (part->to - 1) / 64; ++k) {
        size_t word = part->slot * LINE_WORDS + k;
        uint64_t mask = frames_part_mask(part, k);
        if (commit ? !put_word(word, mask) : !frames_is_allocated(word, mask)) {
            return false;
        }
    }
    return true;
}

// With several CPUs: both at once, in a line that is not guarded and of which nobody has claimed anything.
static bool put_line_shared(size_t slot, unsigned from, unsigned to) {
    struct line_part part;
    if (!frames_read_part(&part, line_of(slot), from, to, false)) {
        return false;
    }
    // As in frames_can_add(), the words have been read before the rest.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (UNLIKELY(is_guarded(slot) || GET(&self.claims[slot]))) {
        const struct part words = { slot, from, to };
        return put_words(&words, false) && put_words(&words, true);
    }
    FRAMES_PREEMPTION(FRAMES_BEFORE_ADD);
    size_t first = slot * LINE_WORDS;
    unsigned end = (to - 1) / 64;
    for (unsigned k = from / 64; k <= end; ++k) {
        uint64_t mask = frames_mask_of(&part, k), w = frames_word_of(&part, k);
        if (UNLIKELY(!shared_word_swap(&self.bits[first + k], w, w | mask)) ? !put_word(first + k, mask)
            : frames_came_twice(first + k, mask, w)) {
            return false;
        }
    }
    return true;
}

// Frames of a line have become free, and with others beside them they are this run.
static ALWAYS_INLINE void note_run(size_t slot, struct run_of_line run) {
    if (UNLIKELY(!is(PARTIAL, slot))) {
        frames_line_has_first(slot);
    }
    bool full = run.to - run.from == 512;
    if (UNLIKELY(full)) {
        frames_word_is_full(slot * LINE_WORDS);
    }
    if (LIKELY(!is(HUGE, slot))) {
        if (LIKELY(!is(EDGE, slot) && !full)) {
            frames_hint(slot, run.from, run.to - run.from);
        }
        frames_note_run(slot, run.from, run.to);
    }
}

// One part of a free in a line. Without `commit`, only say whether it is one.
static bool put_line(const struct part *part, bool commit) {
    uint64_t *line = line_of(part->slot);
    struct line_part read;
    bool good;
    if (UNLIKELY(self.shared || is_guarded(part->slot))) {
        good = put_words(part, commit);
    } else if (commit) {
        good = frames_flip(line, part->from, part->to, false);
    } else {
        good = frames_read_part(&read, line, part->from, part->to, false);
    }
    if (commit && good) {
        note_run(part->slot, frames_run_around(part->slot, part->from, part->to));
    }
    return good;
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
    bool good = frames_put_range(frame, end, false) && frames_put_range(frame, end, true);
    return good ? FRAMES_OK : FRAMES_BAD_FREE;
}

static NOINLINE frames_status_t free_line_shared(size_t slot, unsigned from, unsigned to) {
    frames_lock();
    bool good = put_line_shared(slot, from, to);
    if (LIKELY(good)) {
        note_run(slot, frames_run_around(slot, from, to));
    }
    frames_unlock();
    return good ? FRAMES_OK : FRAMES_BAD_FREE;
}

frames_status_t frames_free_line(size_t slot, unsigned from, unsigned to) {
    if (UNLIKELY(self.shared)) {
        return free_line_shared(slot, from, to);
    }
    // Before the change, so that it does not wait for that.
    struct run_of_line run = frames_run_around(slot, from, to);
    if (UNLIKELY(!frames_flip(line_of(slot), from, to, false))) {
        return FRAMES_BAD_FREE;
    }
    note_run(slot, run);
    return FRAMES_OK;
}

// --- Take -----------------------------------------------------------------------------------

// Some of its words have not been there any more: undo that of those before the k-th.
static bool put_back(const struct part *part, unsigned k) {
    while (k-- > part->from / 64) {
        frames_put(part->slot * LINE_WORDS + k, frames_part_mask(part, k));
    }
    return false;
}

bool frames_take_part(const struct part *part) {
    if (is_whole(part) && frames_unmark(FREE, part->slot)) {
        return true;
    }
    for (unsigned k = part->from / 64; k <= (part->to - 1) / 64; ++k) {
        if (!frames_take(part->slot * LINE_WORDS + k, frames_part_mask(part, k))) {
            return put_back(part, k);
        }
    }
    return true;
}

bool frames_take_shared(size_t slot, unsigned from, unsigned to) {
    const struct part part = { slot, from, to };
    struct line_part read;
    bool good = frames_read_part(&read, line_of(slot), from, to, true);
    // As in frames_take(), the words have been read before this.
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
    if (UNLIKELY(!good || is(HUGE, slot))) {
        return false;
    }
    FRAMES_PREEMPTION(FRAMES_BEFORE_TAKE);
    size_t first = slot * LINE_WORDS;
    unsigned end = (to - 1) / 64;
    for (unsigned k = from / 64; k <= end; ++k) {
        uint64_t mask = frames_mask_of(&read, k), w = frames_word_of(&read, k);
        if (UNLIKELY(!shared_word_swap(&self.bits[first + k], w, w & ~mask) && !frames_take(first + k, mask))) {
            return put_back(&part, k);
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
