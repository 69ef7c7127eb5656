// The word and the unit that a CPU takes frames from, and how it gives them back.
#include "frames_bound.h"
#include "frames_chunk.h"
#include "frames_lock.h"
#include "frames_mixed.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"

// --- With several CPUs ----------------------------------------------------------------------

uint64_t *frames_bits_of(unsigned kind, size_t index) {
    return kind == WORD ? &self.bits[index] : &self.groups[index / GROUP_UNITS].is[FREE];
}

bool frames_claim(struct reservation *r, unsigned kind, size_t index) {
    uint8_t bit = (uint8_t)(1u << index % 8);
    if (__atomic_fetch_or(claims_of(kind, index), bit, __ATOMIC_SEQ_CST) & bit) {
        return false;
    }
    __atomic_store_n(&r->sequence, r->sequence + 1, __ATOMIC_RELEASE);
    __atomic_store_n(&r->index, index, __ATOMIC_RELEASE);
    return true;
}

void frames_claimed(struct reservation *r, unsigned kind, uint64_t mask, uint64_t addr) {
    __atomic_store_n(&r->mask, mask, __ATOMIC_RELEASE);
    __atomic_store_n(&r->sequence, r->sequence + 1, __ATOMIC_RELEASE);
    if (mask) {
        PUT(&r->addr, addr);
    } else {
        frames_unclaim(r, kind);
    }
}

uint64_t frames_claim_free(struct reservation *r, unsigned kind, size_t index, uint64_t valid,
    uint64_t addr) {
    if (!frames_claim(r, kind, index)) {
        return 0;
    }
    uint64_t mask = __atomic_fetch_and(frames_bits_of(kind, index), ~valid, __ATOMIC_SEQ_CST) & valid;
    frames_claimed(r, kind, mask, addr);
    return mask;
}

void frames_unclaim(struct reservation *r, unsigned kind) {
    size_t index = r->index;
    uint8_t bit = (uint8_t)(1u << index % 8);
    __atomic_fetch_and(claims_of(kind, index), (uint8_t) ~bit, __ATOMIC_SEQ_CST);
    PUT(&r->index, NONE);
    PUT(&r->addr, NOWHERE);
}

bool frames_release(struct cpu *c, unsigned kind) {
    struct reservation *r = &c->reservation[kind];
    size_t index = r->index;
    uint64_t mask = r->mask;
    if (index == NONE) {
        return false;
    }
    // Until all is in one place again, nobody can say that these are not free.
    __atomic_store_n(&r->sequence, r->sequence + 1, __ATOMIC_SEQ_CST);
    PUT(&r->mask, 0);
    uint64_t now = mask ? mask | word_or(frames_bits_of(kind, index), mask) : 0;
    __atomic_store_n(&r->sequence, r->sequence + 1, __ATOMIC_RELEASE);
    if (kind == UNIT) {
        frames_summarize(FREE, index / GROUP_UNITS);
    } else if (mask) {
        if (!is_plain(index / LINE_WORDS)) {
            frames_note_free_word(index, mask);
        }
        frames_mark(PARTIAL, index / LINE_WORDS);
    }
    frames_unclaim(r, kind);
    FRAMES_PREEMPTION(FRAMES_BEFORE_MERGE);
    if (kind == WORD && now == ALL) {
        frames_merge(index / LINE_WORDS);
    }
    return mask != 0;
}

bool frames_put_own(struct cpu *c, unsigned kind, size_t index, uint64_t mask,
    frames_status_t *status) {
    struct reservation *r = &c->reservation[kind];
    if (GET(&r->index) != index) {
        return false;
    }
    enter(c);
    bool mine = r->index == index;
    if (mine) {
        *status = put_reserved(r, frames_bits_of(kind, index), mask);
    }
    leave(c);
    return mine;
}

bool frames_is_reserved(unsigned kind, size_t index, uint64_t mask) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        const struct reservation *r = &self.cpu[i].reservation[kind];
        while (__atomic_load_n(&r->index, __ATOMIC_ACQUIRE) == index) {
            // Only an index and a mask of the same claim say something.
            uint32_t sequence = __atomic_load_n(&r->sequence, __ATOMIC_ACQUIRE);
            size_t index_now = __atomic_load_n(&r->index, __ATOMIC_ACQUIRE);
            uint64_t mask_now = __atomic_load_n(&r->mask, __ATOMIC_ACQUIRE);
            if (index_now == index && GET(&r->sequence) == sequence && sequence % 2 == 0) {
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

void frames_use_word(size_t word, uint64_t valid, uint64_t addr) {
    struct cpu *c = &self.one;
    frames_leave_bound(word / LINE_WORDS);      // Who frees to this word does not look.
    c->take = &self.bits[word];
    c->reservation[WORD].mask = valid;
    c->reservation[WORD].index = word;
    c->reservation[WORD].addr = addr;
    self.give = (struct give) { addr, &self.bits[word] };
    if (UNLIKELY(is(KERNEL, word / LINE_WORDS) && frames_kernel_mask(word))) {
        frames_guard_word(word / LINE_WORDS);
    }
}

void frames_guard_word(size_t slot) {
    size_t word = self.one.reservation[WORD].index;
    if (word != NONE && word / LINE_WORDS == slot) {
        self.give = (struct give) { NOWHERE, &frames_all_free };
    }
}

void frames_use_no_word(struct cpu *c) {
    c->take = &frames_nothing;
    c->reservation[WORD].index = NONE;
    c->reservation[WORD].addr = NOWHERE;
    self.give = (struct give) { NOWHERE, &frames_all_free };
}

// The current chunk need not be marked for the frames of the current word. It must be when other
// frames come from there next, or when somebody looks for it.
void frames_leave_word(struct cpu *c) {
    size_t word = c->reservation[WORD].index;
    if (word != NONE) {
        bool any = (*c->take & c->reservation[WORD].mask) != 0;
        frames_use_no_word(c);
        if (any) {
            frames_mark(PARTIAL, word / LINE_WORDS);
            frames_merge(word / LINE_WORDS);
        }
    }
}
