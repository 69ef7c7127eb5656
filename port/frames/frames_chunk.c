// How chunks become lines and whole again.
#include "frames_bound.h"
#include "frames_chunk.h"
#include "frames_state.h"
#include "frames_tree.h"

static inline bool line_is_full(const uint64_t *line) {
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        if (GET(&line[k]) != ALL) {
            return false;
        }
    }
    return true;
}

// Whether the chunk has free frames that nobody has claimed.
static bool line_has(size_t slot) {
    uint64_t w[LINE_WORDS], any = 0;
    frames_read_line(slot, w);
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        any |= w[k];
    }
    return any != 0;
}

// Clear `partial`, if it is set, when nothing is free. Another CPU's free either sees it cleared and
// sets it again, or is seen here.
void frames_clear_partial(size_t slot) {
    if (is(PARTIAL, slot) && !line_has(slot)) {
        frames_unmark(PARTIAL, slot);
        if (self.shared && line_has(slot)) {
            frames_mark(PARTIAL, slot);
        }
    }
}

// With several CPUs: make a chunk huge that is free as a whole. False if it is not, or somebody has
// claims.
static bool make_huge(size_t slot) {
    uint64_t *line = line_of(slot);
    uint64_t *facts = &self.groups[slot / GROUP_SLOTS].is[HUGE];
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    // A CPU that still has a claim here would take its own frees for good ones.
    uint8_t none = 0;
    if (!__atomic_compare_exchange_n(&self.claims[slot], &none, ALL_CLAIMS, false,
        __ATOMIC_SEQ_CST, __ATOMIC_RELAXED)) {
        return false;
    }
    // From here on a free waits for how this ends. Take all of the line, so that it is ours alone.
    word_or(facts, mask);
    unsigned k = 0;
    while (k < LINE_WORDS && word_swap(&line[k], ALL, 0)) {
        ++k;
    }
    bool good = k == LINE_WORDS;
    if (good) {
        frames_unmark(PARTIAL, slot);
    } else {
        while (k-- > 0) {
            word_or(&line[k], ALL);
        }
        word_clear(facts, mask);
        if (!is_plain(slot)) {
            frames_forget_bound(slot);
        }
        frames_mark(PARTIAL, slot);
    }
    __atomic_store_n(&self.claims[slot], 0, __ATOMIC_SEQ_CST);
    return good;
}

void frames_merge(size_t slot) {
    // Who has freed the last frame while another CPU was at it has left it to that one.
    while (!is(EDGE, slot) && !is(HUGE, slot) && line_is_full(line_of(slot))) {
        if (!self.shared) {
            frames_unmark(PARTIAL, slot);
            word_or(&self.groups[slot / GROUP_SLOTS].is[HUGE], UINT64_C(1) << slot % GROUP_SLOTS);
        } else if (__atomic_load_n(&self.claims[slot], __ATOMIC_SEQ_CST)) {
            return;
        } else if (!make_huge(slot)) {
            continue;
        }
        PUT(&self.bounds[slot], 0);
        frames_mark(FREE, slot);
        prefer_2m(this_cpu(), slot);
        return;
    }
}

// The chunk was free, and the caller has unmarked that.
void frames_split(size_t slot) {
    uint64_t *line = line_of(slot);
    for (unsigned k = 0; k < LINE_WORDS; ++k) {
        PUT(&line[k], ALL);
    }
    word_clear(&self.groups[slot / GROUP_SLOTS].is[HUGE], UINT64_C(1) << slot % GROUP_SLOTS);
    frames_forget_bound(slot);
    frames_mark(PARTIAL, slot);
}
