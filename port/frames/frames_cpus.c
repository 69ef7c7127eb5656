// The lock, and what each CPU has for itself: its claims, and how others take them back.
#include "frames_cpus.h"
#include "frames_refill.h"
#include "frames_state.h"
#include "frames_tree.h"

uint64_t frames_nothing;
uint64_t frames_all_free = ALL;
struct state frames_state = FRAMES_STATE_START;

frames_status_t frames_not_ready(void) {
    while (!__atomic_load_n(&self.ready_to_use, __ATOMIC_ACQUIRE)) {
        if (frames_cpu() == 0) {
            return FRAMES_NO_MAP;
        }
        frames_cpu_wait();
    }
    return FRAMES_OK;
}

void frames_lock(void) {
    if (self.shared) {
        uint32_t ticket = __atomic_fetch_add(&self.ticket, 1, __ATOMIC_RELAXED);
        while (__atomic_load_n(&self.serving, __ATOMIC_ACQUIRE) != ticket) {
            frames_cpu_wait();
        }
    }
}

void frames_unlock(void) {
    if (self.shared) {
        __atomic_store_n(&self.serving, self.serving + 1, __ATOMIC_RELEASE);
    }
}

NOINLINE void frames_enter_slowly(struct cpu *c) {
    do {
        leave(c);
        while (GET(&c->closed)) {
            frames_cpu_wait();
        }
    } while (!try_enter(c));
}

// --- Claims ---------------------------------------------------------------------------------

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

// --- Zones ----------------------------------------------------------------------------------

void frames_drop(struct cpu *c) {
    size_t word = c->hold[WORD].index;
    PUT(&c->zone_low, NONE);
    PUT(&c->zone_end, NONE);
    if (word == NONE) {
        return;
    }
    if (self.shared) {
        frames_hand_back(c, WORD);
    } else {
        frames_leave_word(c);
    }
    frames_settle(word / LINE_WORDS);
}

// Frames in a better zone than the current one: come back there at once.
void frames_prefer(size_t slot) {
    struct cpu *c = this_cpu();
    if (slot >= GET(&c->zone_end)) {
        frames_enter(c);
        frames_drop(c);
        frames_leave(c);
    }
    prefer_2m(c, slot);
}

size_t frames_zone_end(size_t slot) {
    unsigned zone = 1;
    while (self.zone_slot[zone] <= slot) {
        ++zone;
    }
    return self.zone_slot[zone];
}

void frames_enter_zone(struct cpu *c, size_t slot) {
    while (slot >= GET(&c->zone_end)) {
        PUT(&c->zone_low, c->zone_end);
        PUT(&c->zone_end, frames_zone_end(c->zone_low));
        prefer_2m(c, slot);
    }
}

// --- All CPUs -------------------------------------------------------------------------------

// With one CPU: mark what only the current word knows of.
void frames_expose(void) {
    struct cpu *c = &self.one;
    if (c->hold[WORD].index != NONE && (*c->take & c->hold[WORD].mask)) {
        frames_mark(SOME, c->hold[WORD].index / LINE_WORDS);
    }
}

void frames_close(void) {
    if (!self.shared) {
        frames_drop(&self.one);
        return;
    }
    for (unsigned i = 0; i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].closed, 1, __ATOMIC_SEQ_CST);
    }
    frames_cpus_sync();
    for (unsigned i = 0; i < self.cpus; ++i) {
        while (__atomic_load_n(&self.cpu[i].busy, __ATOMIC_ACQUIRE)) {
            frames_cpu_wait();
        }
        frames_drop(&self.cpu[i]);
        frames_hand_back(&self.cpu[i], UNIT);
    }
}

void frames_open(void) {
    for (unsigned i = 0; self.shared && i < self.cpus; ++i) {
        __atomic_store_n(&self.cpu[i].closed, 0, __ATOMIC_RELEASE);
    }
}
