// A bound for each chunk's longest run of free frames.
#include "frames_bound.h"
#include "frames_state.h"

static uint64_t *summary(unsigned class, size_t group) {
    return &self.bound_sums[group / 64 * CLASSES + class];
}

// The bound comes first: who clears the summary looks at the bounds afterwards.
static void put_bound(size_t slot, unsigned bound) {
    if (self.shared) {
        __atomic_store_n(&self.bounds[slot], (uint8_t)bound, __ATOMIC_SEQ_CST);
    } else {
        self.bounds[slot] = (uint8_t)bound;
    }
    size_t group = slot / GROUP_SLOTS;
    uint64_t mask = UINT64_C(1) << group % 64, *sum = summary(frames_class_of(bound), group);
    if (bound && !(GET(sum) & mask)) {
        word_or(sum, mask);
    }
}

NOINLINE void frames_start_unknown(size_t group, uint64_t unknown) {
    if (group % 64 == 0) {
        for (unsigned class = 0; class < CLASSES; ++class) {
            PUT(summary(class, group), 0);
        }
    }
    for (uint64_t w = unknown; w; w &= w - 1) {
        PUT(&self.bounds[group * GROUP_SLOTS + lowest(w)], UNKNOWN);
    }
    if (unknown) {
        word_or(summary(0, group), UINT64_C(1) << group % 64);
    }
}

NOINLINE void frames_forget_bound(size_t slot) {
    struct group *group = &self.groups[slot / GROUP_SLOTS];
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    if (self.shared) {
        word_or(&group->plain, mask);
    } else {
        group->plain |= mask & group->is[PARTIAL] & ~group->is[KERNEL];
    }
    put_bound(slot, UNKNOWN);
}

void frames_watch(size_t slot) {
    word_clear(&self.groups[slot / GROUP_SLOTS].plain, UINT64_C(1) << slot % GROUP_SLOTS);
}

void frames_set_bound(size_t slot, unsigned length) {
    bool huge = is(HUGE, slot);
    unsigned bound = frames_bound_of(length < RUN_LIMIT ? length : RUN_LIMIT);
    if (bound != GET(&self.bounds[slot])) {
        put_bound(slot, bound);
    }
    // With several CPUs, a free that has come meanwhile may have forgotten the bound before it was set.
    if (self.shared && (is_plain(slot) || is(HUGE, slot) != huge)) {
        frames_forget_bound(slot);
    }
}

// The free frames at the beginning of a line, and at its end.
static unsigned head_of(size_t slot) {
    uint64_t w[LINE_WORDS];
    frames_read_line(slot, w);
    unsigned k = 0;
    while (k < LINE_WORDS && w[k] == ALL) {
        ++k;
    }
    return k * 64 + (k < LINE_WORDS ? lowest(~w[k]) : 0);
}

static unsigned tail_of(size_t slot) {
    uint64_t w[LINE_WORDS];
    frames_read_line(slot, w);
    unsigned k = LINE_WORDS;
    while (k > 0 && w[k - 1] == ALL) {
        --k;
    }
    return (LINE_WORDS - k) * 64 + (k > 0 ? (unsigned)__builtin_clzll(~w[k - 1]) : 0);
}

unsigned frames_head_after(const struct segment *s, size_t slot) {
    size_t next = slot + 1;
    return next < self.ready && (uint64_t)next * 512 < s->bit + s->total && !is(HUGE, next)
           ? head_of(next) : 0;
}

unsigned frames_tail_before(const struct segment *s, size_t slot) {
    return (uint64_t)slot * 512 > s->bit && !is(HUGE, slot - 1) ? tail_of(slot - 1) : 0;
}

void frames_raise_bound(size_t slot, unsigned length) {
    unsigned bound = GET(&self.bounds[slot]);
    length = length < RUN_LIMIT ? length : RUN_LIMIT;
    if (bound != UNKNOWN && bound < frames_bound_of(length)) {
        frames_set_bound(slot, length);
    }
}

// Which slots of a group have a bound in [least, high]; *any: whether one has a bound in [low, high].
static inline uint64_t in_range(size_t group, unsigned least, unsigned low, unsigned high, int *any) {
    typedef uint8_t bytes __attribute__((vector_size(16)));
    typedef char chars __attribute__((vector_size(16)));
    typedef uint64_t pair __attribute__((vector_size(16)));
    const uint64_t *words = (const uint64_t *)(const void *)&self.bounds[group * GROUP_SLOTS];
    bytes of_class = { 0 }, from = of_class + (uint8_t)least, from_any = of_class + (uint8_t)low;
    bytes span = of_class + (uint8_t)(high - least), span_any = of_class + (uint8_t)(high - low);
    uint64_t found = 0;
    FRAMES_COUNT_WORDS(GROUP_SLOTS / 8);
    for (unsigned i = 0; i < 4; ++i) {
        bytes b = (bytes)(pair) { GET(&words[2 * i]), GET(&words[2 * i + 1]) };
        of_class |= (bytes)(b - from_any <= span_any);
        chars good = (chars)(b - from <= span);
        found |= (uint64_t)(uint16_t)__builtin_ia32_pmovmskb128(good) << 16 * i;
    }
    *any = __builtin_ia32_pmovmskb128((chars)of_class);
    return found;
}

size_t frames_find_bound(unsigned class, unsigned least, size_t low, size_t high) {
    unsigned from = class ? frames_class_start(class) : UNKNOWN;
    unsigned to = class == 0 || class == CLASSES - 1 ? UNKNOWN - (class != 0)
        : frames_class_start(class + 1) - 1;
    least = least > from ? least : from;
    high = high < self.ready ? high : self.ready;
    for (size_t group = low / GROUP_SLOTS; group * GROUP_SLOTS < high;) {
        uint64_t *sum = summary(class, group), w = GET(sum) >> group % 64;
        FRAMES_COUNT_WORDS(1);
        if (w == 0) {
            group = group / 64 * 64 + 64;
            continue;
        }
        group += lowest(w);
        if (group * GROUP_SLOTS >= high) {
            break;
        }
        int any;
        uint64_t found = in_range(group, least, from, to, &any);
        if (UNLIKELY(!any)) {
            word_clear(sum, UINT64_C(1) << group % 64);
            if (self.shared) {
                found = in_range(group, least, from, to, &any);
                if (any) {
                    word_or(sum, UINT64_C(1) << group % 64);
                }
            }
        }
        size_t first = group * GROUP_SLOTS;
        found &= low > first ? ALL << (low - first) : ALL;
        if (found) {
            size_t slot = first + lowest(found);
            return slot < high ? slot : NONE;
        }
        ++group;
    }
    return NONE;
}
