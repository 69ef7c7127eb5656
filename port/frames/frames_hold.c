// The word and the unit that a CPU takes frames from, and how it gives them back.
#include "frames_chunk.h"
#include "frames_hold.h"
#include "frames_lock.h"
#include "frames_mixed.h"
#include "frames_state.h"
#include "frames_tree.h"

// --- With several CPUs ----------------------------------------------------------------------

uint64_t *frames_bits_of(unsigned kind, size_t index) {
    return kind == WORD ? &self.bits[index] : &self.groups[index / GROUP_UNITS].is[IDLE];
}

bool frames_claim(struct hold *hold, unsigned kind, size_t index) {
    uint8_t bit = (uint8_t)(1u << index % 8);
    if (__atomic_fetch_or(claims_of(kind, index), bit, __ATOMIC_SEQ_CST) & bit) {
        return false;
    }
    __atomic_store_n(&hold->turn, hold->turn + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&hold->index, index, __ATOMIC_RELEASE);
    return true;
}

void frames_claimed(struct hold *hold, unsigned kind, uint64_t mask, uint64_t addr) {
    __atomic_store_n(&hold->mask, mask, __ATOMIC_RELEASE);
    __atomic_store_n(&hold->turn, hold->turn + 1, __ATOMIC_RELEASE);
    if (mask) {
        PUT(&hold->addr, addr);
    } else {
        frames_unclaim(hold, kind);
    }
}

uint64_t frames_claim_free(struct hold *hold, unsigned kind, size_t index, uint64_t valid,
    uint64_t addr) {
    if (!frames_claim(hold, kind, index)) {
        return 0;
    }
    uint64_t mask = __atomic_fetch_and(frames_bits_of(kind, index), ~valid, __ATOMIC_SEQ_CST) & valid;
    frames_claimed(hold, kind, mask, addr);
    return mask;
}

void frames_unclaim(struct hold *hold, unsigned kind) {
    size_t index = hold->index;
    uint8_t bit = (uint8_t)(1u << index % 8);
    __atomic_fetch_and(claims_of(kind, index), (uint8_t) ~bit, __ATOMIC_SEQ_CST);
    PUT(&hold->index, NONE);
    PUT(&hold->addr, NOWHERE);
}

bool frames_hand_back(struct cpu *c, unsigned kind) {
    struct hold *hold = &c->hold[kind];
    size_t index = hold->index;
    uint64_t mask = hold->mask;
    if (index == NONE) {
        return false;
    }
    // Until all is in one place again, nobody can say that these are not free.
    __atomic_store_n(&hold->turn, hold->turn + 1, __ATOMIC_SEQ_CST);
    PUT(&hold->mask, 0);
    uint64_t now = mask ? mask | word_or(frames_bits_of(kind, index), mask) : 0;
    __atomic_store_n(&hold->turn, hold->turn + 1, __ATOMIC_RELEASE);
    if (kind == UNIT) {
        frames_summarize(IDLE, index / GROUP_UNITS);
    } else if (mask) {
        frames_mark(SOME, index / LINE_WORDS);
    }
    frames_unclaim(hold, kind);
    if (kind == WORD && now == ALL) {
        frames_settle(index / LINE_WORDS);
    }
    return mask != 0;
}

bool frames_put_own(struct cpu *c, unsigned kind, size_t index, uint64_t mask,
    frames_status_t *status) {
    struct hold *hold = &c->hold[kind];
    if (GET(&hold->index) != index) {
        return false;
    }
    enter(c);
    bool mine = hold->index == index;
    if (mine) {
        *status = put_held(hold, frames_bits_of(kind, index), mask);
    }
    leave(c);
    return mine;
}

bool frames_held(unsigned kind, size_t index, uint64_t mask) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        const struct hold *hold = &self.cpu[i].hold[kind];
        while (__atomic_load_n(&hold->index, __ATOMIC_ACQUIRE) == index) {
            // Only an index and a mask of the same claim say something.
            uint32_t turn = __atomic_load_n(&hold->turn, __ATOMIC_ACQUIRE);
            size_t index_now = __atomic_load_n(&hold->index, __ATOMIC_ACQUIRE);
            uint64_t mask_now = __atomic_load_n(&hold->mask, __ATOMIC_ACQUIRE);
            if (index_now == index && GET(&hold->turn) == turn && turn % 2 == 0) {
                if (mask_now & mask) {
                    return true;
                }
                break;
            }
        }
    }
    return false;
}

// --- With one CPU ---------------------------------------------------------------------------

void frames_aim(size_t word, uint64_t valid, uint64_t addr) {
    struct cpu *c = &self.one;
    c->take = &self.bits[word];
    c->hold[WORD].mask = valid;
    c->hold[WORD].index = word;
    c->hold[WORD].addr = addr;
    self.give = (struct give) { addr, &self.bits[word] };
    if (UNLIKELY(is(KERNEL, word / LINE_WORDS) && frames_kernel_mask(word))) {
        frames_guard_word(word / LINE_WORDS);
    }
}

void frames_guard_word(size_t slot) {
    size_t word = self.one.hold[WORD].index;
    if (word != NONE && word / LINE_WORDS == slot) {
        self.give = (struct give) { NOWHERE, &frames_all_free };
    }
}

void frames_aim_nowhere(struct cpu *c) {
    c->take = &frames_nothing;
    c->hold[WORD].index = NONE;
    c->hold[WORD].addr = NOWHERE;
    self.give = (struct give) { NOWHERE, &frames_all_free };
}

// The current chunk need not be marked for the frames of the current word. It must be when other
// frames come from there next, or when somebody looks for it.
void frames_leave_word(struct cpu *c) {
    size_t word = c->hold[WORD].index;
    if (word != NONE) {
        bool any = (*c->take & c->hold[WORD].mask) != 0;
        frames_aim_nowhere(c);
        if (any) {
            frames_mark(SOME, word / LINE_WORDS);
            frames_settle(word / LINE_WORDS);
        }
    }
}
