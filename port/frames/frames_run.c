// The search for contiguous frames.
#include "frames_bound.h"
#include "frames_chunk.h"
#include "frames_hint.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_quiesce.h"
#include "frames_range.h"
#include "frames_reservation.h"
#include "frames_run.h"
#include "frames_state.h"
#include "frames_tree.h"

// So many times the chunk that seems to fit best is looked at.
#define LOOKS (4u)
// And so many hints are followed.
#define HINT_TRIES (4u)

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
    unsigned from, length;  // The shortest run that has room; without one, `length` is 0.
    unsigned longest, second;
    unsigned tail;          // The run at its end.
};

// Which run of a line has room cannot be foreseen, so there are few branches. `words` are the line, and
// `top` is where the limit is, in frames of it.
static ALWAYS_INLINE struct line scan_line(const struct run *run, const uint64_t *words, unsigned top) {
    // Where runs begin and end, by turns.
    uint16_t border[512 + 8];
    size_t n = 0;
    uint64_t open = 0;
    #pragma GCC unroll 8
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        uint64_t w = words[k] ^ (words[k] << 1 | open);
        open = words[k] >> 63;
        // Most words have no more than two.
        #pragma GCC unroll 2
        for (unsigned i = 0; i < 2; ++i) {
            border[n] = (uint16_t)(k * 64 + lowest(w | UINT64_C(1) << 63));
            n += w != 0;
            w &= w - 1;
        }
        for (; UNLIKELY(w); w &= w - 1) {
            border[n++] = (uint16_t)(k * 64 + lowest(w));
        }
    }
    static const uint16_t ends[8] = { 512, 512, 512, 512, 512, 512, 512, 512 };
    __builtin_memcpy(&border[n], ends, sizeof(ends));
    unsigned best = UINT32_MAX, longest = 0, second = 0;
    unsigned count = (unsigned)run->count, mask = (unsigned)run->align - 1;
    for (size_t i = 0; i < n; i += 8) {
        #pragma GCC unroll 4
        for (size_t k = i; k < i + 8; k += 2) {
            unsigned from = border[k], to = border[k + 1], length = to - from;
            // All ones, if it has no room.
            unsigned end = to < top ? to : top;
            unsigned key = (length << 16 | from)
                | (unsigned)((int)(end - count - ((from + mask) & ~mask)) >> 31);
            best = key < best ? key : best;
            unsigned less = length < longest ? length : longest;
            longest = length > longest ? length : longest;
            second = less > second ? less : second;
        }
    }
    bool found = best != UINT32_MAX;
    unsigned tail = open ? 512 - border[n - 1] : 0;
    return (struct line) { best & 0xffff, found ? best >> 16 : 0, longest, second, tail };
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

// The rest of a look, where the chunk has had a bound and the run is longer than half a chunk: it has the
// frames in the middle, or those at the end. Shorter ones may be beside it, so that this makes a bound too
// large.
static uint64_t look_for_long(const struct run *run, size_t slot, const struct segment *s, uint64_t base) {
    const uint64_t *line = line_of(slot);
    FRAMES_COUNT_WORDS(LINE_WORDS);
    unsigned from = frames_free_since(line, 256), to = frames_free_until(line, 256);
    unsigned longest = from > 512 - to ? from : 512 - to, count = (unsigned)run->count;
    uint64_t at = fit(run, base + from, base + to);
    if (at != NOWHERE && frames_take_from_line(slot, from, from + count)) {
        from += count;
        frames_hint(slot, from, to - from);
    } else {
        at = NOWHERE;
    }
    longest = to - from > longest ? to - from : longest;
    unsigned tail = 512 - frames_free_since(line, 512), after = tail ? frames_head_after(s, slot) : 0;
    if (at == NOWHERE && after) {
        at = take_between(run, slot, base + 512, tail, after);
        after = at == NOWHERE ? after : 0;
    }
    frames_end_bound(slot, tail + after > longest ? tail + after : longest);
    return at;
}

// Look at a chunk, and give it a bound. If there is room in its line, or at the ends of it together
// with its neighbours, take that. Where that is, or NOWHERE.
static uint64_t look(const struct run *run, size_t slot) {
    bool is_new = GET(&self.bounds[slot]) == UNKNOWN;
    frames_start_bound(slot);
    if (UNLIKELY(is(HUGE, slot))) {
        frames_end_bound(slot, 0);
        return NOWHERE;
    }
    if (UNLIKELY(is_new)) {
        // With one CPU: its frees, too, are to be noticed.
        frames_guard_word(slot);
    }
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    uint64_t base = s->first - s->bit + (uint64_t)slot * 512, words[LINE_WORDS], at = NOWHERE;
    if (run->count > 256 && run->align == 1 && LIKELY(!is_new && !is(EDGE, slot))) {
        return look_for_long(run, slot, s, base);
    }
    frames_read_line(slot, words);
    uint64_t top = run->limit > base ? run->limit - base : 0;
    struct line line = scan_line(run, words, top < 512 ? (unsigned)top : 512);
    unsigned longest = line.longest, tail = line.tail;
    if (line.length) {
        unsigned from = (line.from + (unsigned)run->align - 1) & ~((unsigned)run->align - 1);
        unsigned to = from + (unsigned)run->count, end = line.from + line.length;
        if (LIKELY(frames_take_from_line(slot, from, to))) {
            // What is left of that run.
            longest = line.length == longest ? line.second : longest;
            longest = from - line.from > longest ? from - line.from : longest;
            longest = end - to > longest ? end - to : longest;
            tail = end == 512 ? end - to : tail;
            at = base + from;
            if (LIKELY(!is(EDGE, slot))) {
                frames_hint(slot, to, end - to);
            }
        }
    }
    if (tail) {
        unsigned after = frames_head_after(s, slot);
        unsigned both = tail + after;
        if (after && at == NOWHERE) {
            at = take_between(run, slot, base + 512, tail, after);
            if (at != NOWHERE) {
                // What is left here of that run.
                longest = tail == longest ? line.second : longest;
                both = (unsigned)(at - (base + 512 - tail));
            }
        }
        longest = both > longest ? both : longest;
    }
    if (UNLIKELY(is_new) && words[0] & 1) {
        unsigned before = frames_tail_before(s, slot), head = frames_head(words);
        if (before && at == NOWHERE) {
            at = take_between(run, slot - 1, base, before, head);
        }
        if (before) {
            frames_raise_bound(slot - 1, before + head);
        }
    }
    frames_end_bound(slot, longest);
    return at;
}

// --- All chunks: runs that begin in one and end at most in the next -------------------------

// The chunk that fits best, of those with a bound. If that is not right for it, all.
static uint64_t look_around(const struct run *run, size_t low, size_t high) {
    unsigned count = (unsigned)run->count, least = frames_bound_of(count), sure = frames_sure_bound(count);
    uint64_t at = NOWHERE;
    size_t slot;
    for (unsigned looks = 0; looks < LOOKS; ++looks) {
        slot = frames_find_bound(sure, true, low, high);
        if (slot == NONE) {
            break;
        }
        at = look(run, slot);
        if (LIKELY(at != NOWHERE)) {
            return at;
        }
    }
    for (slot = low; at == NOWHERE && (slot = frames_find_bound(least, false, slot, high)) != NONE; ++slot) {
        at = look(run, slot);
    }
    return at;
}

static uint64_t break_free(const struct run *run, size_t low, size_t high) {
    for (size_t slot = low; (slot = frames_find(FREE, slot, high)) != NONE; ++slot) {
        const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
        uint64_t base = s->first - s->bit + (uint64_t)slot * 512;
        if (fit(run, base, base + 512) != NOWHERE && frames_unmark(FREE, slot)) {
            frames_split(slot);
            uint64_t at = look(run, slot);
            if (at != NOWHERE) {
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
        uint64_t at;
        do {
            at = look_around(run, low, high);
            at = at == NOWHERE ? break_free(run, low, high) : at;
        } while (at == NOWHERE && self.ready < high && frames_more(1));
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
    frames_expose();
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
    if (count < 512 && align == 1 && below == 0) {
        frames_hint_is_best((unsigned)count);
    }
    return at * FRAMES_SIZE;
}

uint64_t frames_search(uint64_t count, uint64_t align, uint64_t below) {
    frames_lock();
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

// --- Hints ----------------------------------------------------------------------------------

// Where a hint is, or NOWHERE.
static ALWAYS_INLINE uint64_t take_hinted(unsigned count) {
    uint64_t some = frames_hints_for(count);
    for (unsigned tries = 0; some && tries < HINT_TRIES; ++tries) {
        size_t hint = frames_next_hint(lowest(some)), slot = self.hints.low + hint / 512;
        unsigned from = hint % 512, to = from + count;
        // Before the change, so that it does not wait for that.
        unsigned end = frames_free_until(line_of(slot), to);
        if (LIKELY(to <= 512 && !is(EDGE, slot) && frames_take_from_line(slot, from, to))) {
            frames_hint(slot, to, end - to);
            return frames_frame((uint64_t)slot * 512 + from);
        }
        some &= self.hints.some;
    }
    return NOWHERE;
}

uint64_t frames_search_hinted(unsigned count) {
    frames_lock();
    uint64_t at = take_hinted(count);
    frames_unlock();
    return LIKELY(at != NOWHERE) ? at * FRAMES_SIZE : frames_search(count, 1, 0);
}
