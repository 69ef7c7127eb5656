// The search for contiguous frames.
#include "frames_bound.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_quiesce.h"
#include "frames_range.h"
#include "frames_reservation.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_tree.h"

// So many chunks without a bound are looked at before the best of the others is chosen.
#define LOOKS (4u)

// What a search looks for, in frames; and the run of free frames that a walk has come to.
struct run {
    uint64_t count, align, limit;
    uint64_t start, end;
};

// Where [start, end) has room for it, or NOWHERE.
static inline uint64_t fit(const struct run *run, uint64_t start, uint64_t end) {
    end = end < run->limit ? end : run->limit;
    uint64_t at = round_up(start, run->align);
    return at < end && end - at >= run->count ? at : NOWHERE;
}

// --- One chunk ------------------------------------------------------------------------------

struct line {
    uint64_t base;          // Its first frame.
    uint64_t at;            // Where the shortest run that has room has it, or NOWHERE.
    unsigned from, length;  // That run.
    unsigned longest, second;
    unsigned head, tail;    // The runs at its ends.
};

static ALWAYS_INLINE void add_run(const struct run *run, struct line *line, unsigned from,
    unsigned length) {
    if (from == 0) {
        line->head = length;
    }
    if (length > line->longest) {
        line->second = line->longest;
        line->longest = length;
    } else if (length > line->second) {
        line->second = length;
    }
    if (length >= run->count && (line->at == NOWHERE || length < line->length)) {
        uint64_t at = fit(run, line->base + from, line->base + from + length);
        if (at != NOWHERE) {
            line->at = at;
            line->from = from;
            line->length = length;
        }
    }
}

static void scan_line(const struct run *run, size_t slot, struct line *line) {
    uint64_t words[LINE_WORDS];
    frames_read_line(slot, words);
    unsigned open = 0;      // How long the run is that goes on into the next word.
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        uint64_t w = words[k];
        unsigned base = k * 64;
        if (w == ALL) {
            open += 64;
            continue;
        }
        if (open) {
            unsigned more = lowest(~w);
            add_run(run, line, base - open, open + more);
            w &= w + 1;
            open = 0;
        }
        while (w) {
            unsigned from = lowest(w);
            uint64_t rest = w + (UINT64_C(1) << from);
            if (rest == 0) {
                open = 64 - from;
                break;
            }
            add_run(run, line, base + from, lowest(rest) - from);
            w &= rest;
        }
    }
    if (open) {
        add_run(run, line, 512 - open, open);
    }
    line->tail = open;
}

// Take it from the last `tail` frames of one line and the first `head` of the next.
static uint64_t take_between(const struct run *run, size_t slot, uint64_t border, unsigned tail,
    unsigned head) {
    uint64_t at = fit(run, border - tail, border + head);
    if (at == NOWHERE || at >= border || at + run->count <= border) {
        return NOWHERE;
    }
    struct part first = { slot, (unsigned)(at + 512 - border), 512 };
    struct part second = { slot + 1, 0, (unsigned)(at + run->count - border) };
    if (!frames_take_part(&first)) {
        return NOWHERE;
    }
    if (!frames_take_part(&second)) {
        frames_untake_part(&first);
        return NOWHERE;
    }
    return at;
}

// Look at a chunk, and give it a bound. If there is room in its line, or at the ends of it together
// with its neighbours, take that. Where that is, or NOWHERE.
static uint64_t look(const struct run *run, size_t slot) {
    if (is(HUGE, slot)) {
        frames_watch(slot);
        frames_set_bound(slot, 0);
        return NOWHERE;
    }
    // With one CPU: its frees, too, are to be noticed.
    frames_guard_word(slot);
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    struct line line = { .base = s->first - s->bit + (uint64_t)slot * 512, .at = NOWHERE };
    bool is_new = GET(&self.bounds[slot]) == UNKNOWN;
    if (is_new) {
        frames_watch(slot);
    }
    scan_line(run, slot, &line);
    // Over the ends.
    unsigned over = line.tail ? frames_head_after(s, slot) : 0;
    uint64_t at = NOWHERE;
    if (over) {
        if (line.at == NOWHERE) {
            at = take_between(run, slot, line.base + 512, line.tail, over);
        }
        over += line.tail;
    }
    if (is_new && line.head) {
        unsigned before = frames_tail_before(s, slot);
        if (before && line.at == NOWHERE && at == NOWHERE) {
            at = take_between(run, slot - 1, line.base, before, line.head);
        }
        if (before) {
            frames_raise_bound(slot - 1, before + line.head);
        }
    }
    unsigned longest = line.longest;
    if (line.at != NOWHERE) {
        unsigned from = (unsigned)(line.at - line.base);
        struct part part = { slot, from, from + (unsigned)run->count };
        if (frames_take_part(&part)) {
            at = line.at;
            unsigned before = from - line.from, after = line.length - before - (unsigned)run->count;
            longest = line.length == line.longest ? line.second : line.longest;
            longest = before > longest ? before : longest;
            longest = after > longest ? after : longest;
        }
    }
    longest = over > longest ? over : longest;
    frames_set_bound(slot, longest);
    return at;
}

// --- All chunks: runs that begin in one and end at most in the next -------------------------

// At most `looks` chunks of the class in [low, high).
static uint64_t look_at(const struct run *run, unsigned class, size_t low, size_t high, size_t looks) {
    unsigned least = class ? frames_bound_of((unsigned)run->count) : UNKNOWN;
    for (; looks > 0; --looks, ++low) {
        low = frames_find_bound(class, least, low, high);
        if (low == NONE) {
            break;
        }
        uint64_t at = look(run, low);
        if (at != NOWHERE) {
            return at;
        }
    }
    return NOWHERE;
}

static uint64_t break_free(const struct run *run, size_t low, size_t high) {
    for (size_t slot = low; (slot = frames_find(FREE, slot, high)) != NONE; ++slot) {
        const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
        uint64_t base = s->first - s->bit + (uint64_t)slot * 512;
        uint64_t at = fit(run, base, base + 512);
        if (at != NOWHERE) {
            unsigned from = (unsigned)(at - base);
            struct part part = { slot, from, from + (unsigned)run->count };
            if (frames_take_part(&part)) {
                return at;
            }
        }
    }
    return NOWHERE;
}

// The highest zone that has one; there the chunk that fits best, before a free one.
static uint64_t search_bounds(const struct run *run) {
    size_t end = run->limit > UINT64_MAX / FRAMES_SIZE - 1 ? self.slots : frames_slot_from(run->limit) + 1;
    for (unsigned zone = ZONES; zone-- > 0;) {
        size_t low = self.zone_slot[zone], high = self.zone_slot[zone + 1];
        high = high < end ? high : end;
        if (low >= high) {
            continue;
        }
        uint64_t at = look_at(run, 0, low, high, LOOKS);
        unsigned class = frames_class_of(frames_bound_of((unsigned)run->count));
        for (; at == NOWHERE && class < CLASSES; ++class) {
            at = look_at(run, class, low, high, high - low);
        }
        if (at == NOWHERE) {
            at = look_at(run, 0, low, high, high - low);
        }
        while (at == NOWHERE) {
            at = break_free(run, low, high);
            if (at != NOWHERE || self.ready >= high || !frames_more(1)) {
                break;
            }
            at = look_at(run, 0, low, high, high - low);
        }
        if (at != NOWHERE) {
            return at;
        }
    }
    return NOWHERE;
}

// --- All runs -------------------------------------------------------------------------------

// Add frames; true if there is room now. They come in rising order.
static bool extend(struct run *run, uint64_t start, uint64_t end) {
    if (start != run->end) {
        run->start = start;
    }
    run->end = end;
    return fit(run, run->start, end) != NOWHERE;
}

static bool extend_by_line(struct run *run, size_t slot, uint64_t base) {
    uint64_t words[LINE_WORDS];
    frames_read_line(slot, words);
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        for (uint64_t w = words[k]; w;) {
            unsigned from = lowest(w);
            uint64_t rest = w + (UINT64_C(1) << from);
            unsigned to = rest ? lowest(rest) : 64;
            if (extend(run, base + k * 64 + from, base + k * 64 + to)) {
                return true;
            }
            w &= rest;
        }
    }
    return false;
}

// Search chunks from `low` on for a run that begins below slot `high`.
static bool walk(struct run *run, size_t low, size_t high) {
    size_t partial = low, free = low;
    run->start = run->end = 0;
    for (size_t slot = low;; ++slot) {
        partial = partial != NONE && partial <= slot ? frames_find(PARTIAL, slot, self.slots) : partial;
        free = free != NONE && free <= slot ? frames_find(FREE, slot, self.slots) : free;
        size_t found = partial < free ? partial : free;
        if (found == NONE) {
            if (!frames_more(1)) {
                return false;
            }
            partial = free = slot;
            --slot;
            continue;
        }
        const struct segment *s = frames_segment_of_bit((uint64_t)found * 512);
        uint64_t base = s->first - s->bit + (uint64_t)found * 512;
        slot = found;
        uint64_t first = (int64_t)base > (int64_t)s->first ? base : s->first;
        // Beyond `high` only a run that has begun before it is of interest.
        if ((slot >= high && first != run->end) || first >= run->limit) {
            return false;
        }
        if (found == partial ? extend_by_line(run, slot, base) : extend(run, base, base + 512)) {
            return true;
        }
    }
}

static uint64_t walk_and_take(struct run *run, size_t low, size_t high) {
    while (low < high && walk(run, low, high)) {
        uint64_t at = fit(run, run->start, run->end);
        if (frames_take_range(at, run->count)) {
            return at;
        }
    }
    return NOWHERE;
}

static uint64_t walk_zones(struct run *run) {
    for (unsigned zone = ZONES; zone-- > 0;) {
        uint64_t at = walk_and_take(run, self.zone_slot[zone], self.zone_slot[zone + 1]);
        if (at != NOWHERE) {
            return at;
        }
    }
    return NOWHERE;
}

uint64_t frames_search_locked(uint64_t count, uint64_t align, uint64_t below) {
    struct run run = { count, align, below ? below / FRAMES_SIZE : UINT64_MAX / FRAMES_SIZE, 0, 0 };
    uint64_t at = NOWHERE;
    if (count >= 512 || align > 512) {
        at = walk_zones(&run);
    } else {
        at = search_bounds(&run);
        if (at == NOWHERE && below) {
            // A run from a line into a free chunk that is only in part below the limit.
            size_t end = frames_slot_from(run.limit);
            at = walk_and_take(&run, end > 1 ? end - 2 : 0, end + 1);
        }
        if (at == NOWHERE && self.zone_slot[1]) {
            // One from below 1 MiB, where a segment ends in the middle of a chunk.
            at = walk_and_take(&run, 0, self.zone_slot[1]);
        }
    }
    if (at == NOWHERE) {
        return FRAMES_FAILED(FRAMES_NO_MEMORY);
    }
    return at * FRAMES_SIZE;
}

uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below) {
    frames_lock();
    frames_expose();
    uint64_t addr = FRAMES_FAILED(FRAMES_NO_MEMORY);
    if (count < 512) {
        addr = frames_search_locked(count, align, below);
    }
    if (frames_failed(addr) && (self.shared || count >= 512)) {
        // With what the CPUs have reserved, and with whole chunks back in one piece.
        frames_quiesce();
        addr = frames_search_locked(count, align, below);
        frames_resume();
    }
    frames_unlock();
    return addr;
}
