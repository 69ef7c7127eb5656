// The facts `partial` and `free` of every chunk, and the two levels of summaries above them.
//
// A set bit has its summaries set as well. They are cleared late, by the search that finds nothing
// below, which then looks once more: whoever sets a bit meanwhile is either seen, or sees the
// summary cleared and sets it again.
#include "frames_bound.h"
#include "frames_state.h"
#include "frames_tree.h"

static void mark_word(uint64_t *word, uint64_t mask) {
    if (!(GET(word) & mask)) {
        word_or(word, mask);
    }
}

void frames_summarize(unsigned fact, size_t group) {
    if (GET(&self.groups[group].is[fact])) {
        mark_word(&self.sum1[fact][group / 64], UINT64_C(1) << group % 64);
        mark_word(&self.sum2[fact][group / 4096], UINT64_C(1) << group / 64 % 64);
    }
}

void frames_mark(unsigned fact, size_t slot) {
    size_t group = slot / GROUP_SLOTS;
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    mark_word(&self.groups[group].is[fact], mask);
    if (fact == PARTIAL && !self.shared) {
        if (self.bounds[slot] == UNKNOWN) {
            self.groups[group].plain |= mask & ~self.groups[group].is[KERNEL];
        }
    }
    mark_word(&self.sum1[fact][group / 64], UINT64_C(1) << group % 64);
    mark_word(&self.sum2[fact][group / 4096], UINT64_C(1) << group / 64 % 64);
}

bool frames_unmark(unsigned fact, size_t slot) {
    uint64_t mask = UINT64_C(1) << slot % GROUP_SLOTS;
    uint64_t *word = &self.groups[slot / GROUP_SLOTS].is[fact];
    if (fact == PARTIAL && !self.shared) {
        self.groups[slot / GROUP_SLOTS].plain &= ~mask;
    }
    return (GET(word) & mask) && (word_clear(word, mask) & mask);
}

// The bits of *word from `from` on.
static inline uint64_t rest(const uint64_t *word, size_t from) {
    FRAMES_COUNT_WORDS(1);
    return GET(word) & ALL << from;
}

// The first set group from `group` on, or NONE.
static size_t next_group(unsigned fact, size_t group) {
    uint64_t *sum1 = self.sum1[fact], *sum2 = self.sum2[fact];
    size_t i = group / 64;
    if (i >= self.sum1_words) {
        return NONE;
    }
    uint64_t w = rest(&sum1[i], group % 64);
    if (w) {
        return i * 64 + lowest(w);
    }
    ++i;
    for (size_t j = i / 64; j < self.sum2_words; ++j) {
        for (w = rest(&sum2[j], j == i / 64 ? i % 64 : 0); w; w &= w - 1) {
            size_t k = j * 64 + lowest(w);
            uint64_t found = GET(&sum1[k]);
            FRAMES_COUNT_WORDS(1);
            if (found) {
                return k * 64 + lowest(found);
            }
            word_clear(&sum2[j], w & -w);
            if (GET(&sum1[k])) {
                mark_word(&sum2[j], w & -w);
            }
        }
    }
    return NONE;
}

// The first slot in [low, high) of which the fact holds, or NONE.
size_t frames_find(unsigned fact, size_t low, size_t high) {
    size_t ready = __atomic_load_n(&self.ready, __ATOMIC_ACQUIRE);
    high = high < ready ? high : ready;
    if (low >= high) {
        return NONE;
    }
    size_t group = low / GROUP_SLOTS;
    uint64_t w = rest(&self.groups[group].is[fact], low % GROUP_SLOTS);
    while (w == 0) {
        group = next_group(fact, group + 1);
        if (group == NONE || group * GROUP_SLOTS >= high) {
            return NONE;
        }
        w = GET(&self.groups[group].is[fact]);
        FRAMES_COUNT_WORDS(1);
        if (w == 0) {
            uint64_t mask = UINT64_C(1) << group % 64;
            word_clear(&self.sum1[fact][group / 64], mask);
            w = GET(&self.groups[group].is[fact]);
            if (w) {
                frames_summarize(fact, group);
            }
        }
    }
    size_t slot = group * GROUP_SLOTS + lowest(w);
    return slot < high ? slot : NONE;
}
