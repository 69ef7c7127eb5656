// A bound for each chunk's longest run of free frames.
#include "frames_bound.h"
#include "frames_state.h"

void frames_start_bounds(size_t group, uint64_t unknown) {
    uint64_t *words = (uint64_t *)(void *)&self.bounds[group * GROUP_SLOTS];
    #pragma GCC unroll 8
    for (unsigned i = 0; i < GROUP_SLOTS / 8; ++i) {
        words[i] = 0;
    }
    PUT(&self.group_bounds[group], unknown ? UNKNOWN : 0);
    for (; unknown; unknown &= unknown - 1) {
        PUT(&self.bounds[group * GROUP_SLOTS + lowest(unknown)], UNKNOWN);
    }
}

// Whether that has changed it. With several CPUs, others raise it, too.
static inline bool raise_byte(uint8_t *p, unsigned bound) {
    uint8_t old = __atomic_load_n(p, __ATOMIC_SEQ_CST);
    while (old < bound) {
        if (!self.shared) {
            *p = (uint8_t)bound;
            return true;
        }
        if (__atomic_compare_exchange_n(p, &old, (uint8_t)bound, false, __ATOMIC_SEQ_CST,
            __ATOMIC_SEQ_CST)) {
            return true;
        }
    }
    return false;
}

static inline void raise(size_t slot, unsigned length) {
    unsigned bound = frames_bound_of(length < RUN_LIMIT ? length : RUN_LIMIT);
    if (raise_byte(&self.bounds[slot], bound)) {
        raise_byte(&self.group_bounds[slot / GROUP_SLOTS], bound);
    }
}

NOINLINE void frames_raise_bound(size_t slot, unsigned length) {
    raise(slot, length);
}

NOINLINE void frames_forget_bound(size_t slot) {
    struct group *group = &self.groups[slot / GROUP_SLOTS];
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    if (self.shared) {
        word_or(&group->plain, mask);
    } else {
        group->plain |= mask & group->is[PARTIAL] & ~group->is[KERNEL];
    }
    __atomic_store_n(&self.bounds[slot], UNKNOWN, __ATOMIC_SEQ_CST);
    raise_byte(&self.group_bounds[slot / GROUP_SLOTS], UNKNOWN);
}

unsigned frames_head(const uint64_t *line) {
    return frames_free_until(line, 0);
}

static inline bool is_line_after(const struct segment *s, size_t slot) {
    size_t next = slot + 1;
    return next < self.ready && (uint64_t)next * 512 < s->bit + s->total && !is(HUGE, next);
}

static inline bool is_line_before(const struct segment *s, size_t slot) {
    return (uint64_t)slot * 512 > s->bit && !is(HUGE, slot - 1);
}

unsigned frames_head_after(const struct segment *s, size_t slot) {
    if (!is_line_after(s, slot)) {
        return 0;
    }
    if (LIKELY(!is(EDGE, slot + 1))) {
        FRAMES_COUNT_WORDS(LINE_WORDS);
        return frames_free_until(line_of(slot + 1), 0);
    }
    uint64_t w[LINE_WORDS];
    frames_read_line(slot + 1, w);
    return frames_free_until(w, 0);
}

unsigned frames_tail_before(const struct segment *s, size_t slot) {
    uint64_t w[LINE_WORDS];
    if (!is_line_before(s, slot)) {
        return 0;
    }
    frames_read_line(slot - 1, w);
    return 512 - frames_free_since(w, 512);
}

// A run at the border of a line.
static NOINLINE void note_border(size_t slot, unsigned from, unsigned to) {
    const struct segment *s = frames_segment_of_bit((uint64_t)slot * 512);
    unsigned length = to - from;
    if (to == 512 && is_line_after(s, slot)) {
        length += frames_free_until(line_of(slot + 1), 0);
    }
    if (from == 0 && is_line_before(s, slot)) {
        unsigned before = 512 - frames_free_since(line_of(slot - 1), 512);
        if (before) {
            raise(slot - 1, before + length);
        }
    }
    raise(slot, length);
}

// The frames of others look free here, and make a bound too large: nobody looks at the regions in a
// free, because they may just change.
static inline void note_run(size_t slot, unsigned from, unsigned to) {
    if (from == 0 || to == 512) {
        note_border(slot, from, to);
    } else {
        raise(slot, to - from);
    }
}

NOINLINE void frames_note_free(size_t slot, unsigned from, unsigned to) {
    if (__atomic_load_n(&self.bounds[slot], __ATOMIC_SEQ_CST) != UNKNOWN) {
        struct run_of_line run = frames_run_around(slot, from, to);
        note_run(slot, run.from, run.to);
    }
}

NOINLINE void frames_note_run_slowly(size_t slot, unsigned from, unsigned to) {
    if (GET(&self.bounds[slot]) != UNKNOWN) {
        note_run(slot, from, to);
    }
}

// --- Search -----------------------------------------------------------------------------------

typedef uint8_t bytes __attribute__((vector_size(16), may_alias));
typedef char chars __attribute__((vector_size(16)));
typedef uint64_t pair __attribute__((vector_size(16)));

// Others may change some of them meanwhile: no byte is torn.
static inline __attribute__((no_sanitize("thread"))) bytes sixteen(const uint8_t *p) {
    return *(const bytes *)p;
}

// Byte by byte; compilers have no name in common for it.
static inline bytes smaller(bytes a, bytes b) {
    #ifdef __clang__
    return __builtin_elementwise_min(a, b);
    #else
    return (bytes)__builtin_ia32_pminub128((chars)a, (chars)b);
    #endif
}

static inline bytes all_of(unsigned value) {
    bytes none = { 0 };
    return none + (uint8_t)value;
}

// Which of 64 bytes are at least `least`, or just that.
static ALWAYS_INLINE uint64_t compare(const uint8_t *p, unsigned least, bool equal) {
    uint64_t found = 0;
    FRAMES_COUNT_WORDS(8);
    #pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
        bytes v = sixteen(p + 16 * i);
        chars good = (chars)((equal ? v : smaller(v, all_of(least))) == all_of(least));
        found |= (uint64_t)(uint16_t)__builtin_ia32_pmovmskb128(good) << 16 * i;
    }
    return found;
}

// How far the smallest of 64 bytes that is at least `least` lies above it. If there is none, further
// than a byte can.
static inline unsigned smallest_above(const uint8_t *p, unsigned least) {
    bytes v = all_of(UINT8_MAX);
    FRAMES_COUNT_WORDS(8);
    #pragma GCC unroll 4
    for (unsigned i = 0; i < 4; ++i) {
        v = smaller(v, sixteen(p + 16 * i) - all_of(least));
    }
    pair upper = { ((pair)v)[1], 0 };
    v = smaller(v, (bytes)upper);
    #pragma GCC unroll 3
    for (unsigned shift = 32; shift >= 8; shift /= 2) {
        v = smaller(v, (bytes)((pair)v >> shift));
    }
    return v[0];
}

// Which of the groups from `group` on, up to a multiple of 64 and to `end`, may have a bound of at least
// `least`, from bit 0 on.
static inline uint64_t groups_with(unsigned least, size_t group, size_t end) {
    uint64_t w = compare(&self.group_bounds[group & ~(size_t)63], least, false) >> group % 64;
    return end - group < 64 ? w & ~(ALL << (end - group)) : w;
}

// A group has no bound of at least `least`: remember that.
static NOINLINE void lower_group(size_t group, unsigned least) {
    uint8_t *p = &self.group_bounds[group];
    if (!self.shared) {
        *p = (uint8_t)(least - 1);
        return;
    }
    // Who raises a bound now either is seen or raises this again.
    __atomic_store_n(p, least - 1, __ATOMIC_SEQ_CST);
    if (compare(&self.bounds[group * GROUP_SLOTS], least, false)) {
        raise_byte(p, UNKNOWN);
    }
}

// Of a group's slots, which begin with `first`, those in [low, high): some are.
static inline uint64_t slots_between(size_t first, size_t low, size_t high) {
    size_t skip = low > first ? low - first : 0;
    size_t count = high - first < GROUP_SLOTS ? high - first : GROUP_SLOTS;
    return ALL << skip & ALL >> (GROUP_SLOTS - count);
}

size_t frames_find_bound(unsigned least, bool best, size_t low, size_t high) {
    high = high < self.ready ? high : self.ready;
    size_t end = (high + GROUP_SLOTS - 1) / GROUP_SLOTS;
    for (size_t from = low / GROUP_SLOTS; from < end; from = (from | 63) + 1) {
        for (uint64_t some = groups_with(least, from, end); some; some &= some - 1) {
            size_t group = from + lowest(some), first = group * GROUP_SLOTS;
            const uint8_t *p = &self.bounds[first];
            unsigned above = best ? smallest_above(p, least) : 0;
            uint64_t w = above > UNKNOWN - least ? 0 : compare(p, least + above, best);
            if (UNLIKELY(w == 0)) {
                lower_group(group, least);
                continue;
            }
            uint64_t zone = slots_between(first, low, high);
            if (UNLIKELY((w & zone) == 0)) {
                // A zone ends in this group.
                w = compare(p, least, false);
            }
            w &= zone;
            if (LIKELY(w)) {
                return first + lowest(w);
            }
        }
    }
    return NONE;
}
