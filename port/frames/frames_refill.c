// Where a CPU's next word comes from, and how chunks become lines and whole again.
#include "frames_bound.h"
#include "frames_chunk.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_quiesce.h"
#include "frames_refill.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_zone.h"

// A CPU whose words have fewer frames than this, on average, needs more room.
#define POOR (12u * 256u)

// --- One word -------------------------------------------------------------------------------

// With one CPU: let `take` point at this word if it has frames.
static bool use_word(struct cpu *c, size_t word) {
    uint64_t valid = is(EDGE, word / LINE_WORDS) ? frames_valid(word) : ALL;
    if ((self.bits[word] & valid) == 0) {
        return false;
    }
    frames_use_word(word, valid, frames_addr(c, word));
    return true;
}

// With several CPUs: claim the word.
static bool claim_word(struct cpu *c, size_t word) {
    struct reservation *r = &c->reservation[WORD];
    uint64_t w = GET(&self.bits[word]);
    if (w == 0) {
        return false;
    }
    size_t slot = word / LINE_WORDS;
    uint64_t valid = is(EDGE, slot) ? frames_valid(word) : ALL;
    uint64_t single = w & valid & -(w & valid);
    if ((w == single || is(KERNEL, slot)) && single) {
        // A single frame needs no claim, because the caller takes it at once.
        if (!word_swap(&self.bits[word], w, w ^ single)) {
            return false;
        }
        w = single;
        PUT(&r->mask, w);
        PUT(&r->addr, frames_addr(c, word));
    } else {
        w = frames_claim_free(r, WORD, word, valid, frames_addr(c, word));
        if (w && UNLIKELY(is(KERNEL, slot))) {
            // Its first frames here have just come: who gives to a claim would not see them.
            frames_release(c, WORD);
            return false;
        }
    }
    c->yield = (uint16_t)(c->yield - c->yield / 64 + 4 * ones(w));
    return w != 0;
}

// The first word with frames from the k-th of a line on.
static inline bool get_word_of(struct cpu *c, size_t slot, size_t k) {
    const uint64_t *line = line_of(slot);
    FRAMES_COUNT_WORDS(LINE_WORDS - k);
    for (; k < LINE_WORDS; ++k) {
        size_t word = slot * LINE_WORDS + k;
        if (GET(&line[k]) && (self.shared ? claim_word(c, word) : use_word(c, word))) {
            return true;
        }
    }
    return false;
}

// --- A search -------------------------------------------------------------------------------

// Where a search may look with several CPUs: a CPU has a chunk of its own, as long as others are
// free, in a group of its own, as long as those have enough.
enum { MINE, UNCLAIMED, ANY };

static bool search_chunks(struct cpu *c, size_t low, size_t high, unsigned where) {
    for (size_t slot; (slot = frames_find(PARTIAL, low, high)) != NONE; low = slot + 1) {
        if (self.shared) {
            if (where == MINE && is_foreign(c, slot)) {
                slot |= GROUP_SLOTS - 1;
                continue;
            }
            if (where != ANY && GET(&self.claims[slot])) {
                continue;
            }
            own(c, slot);
        }
        if (get_word_of(c, slot, 0)) {
            c->cursor = slot;
            return true;
        }
        frames_clear_partial(slot);
    }
    return false;
}

// From there on and around.
static bool search_partial(struct cpu *c, size_t low, size_t high, unsigned where) {
    size_t cursor = frames_start(c, low, high);
    size_t first = cursor > low ? frames_find(PARTIAL, low, high) : low;
    if (first == NONE) {
        return false;
    }
    size_t from = first > cursor ? first : cursor;
    // After a round that gave little, another CPU's group comes next.
    if (where == MINE && (search_chunks(c, from, high, MINE)
                          || (first < cursor && c->yield >= POOR
                              && search_chunks(c, first, cursor, MINE)))) {
        return true;
    }
    where = where == MINE ? UNCLAIMED : where;
    return search_chunks(c, from, high, where)
           || (first < cursor && search_chunks(c, first, cursor, where));
}

// Turn one free chunk into a line. With several CPUs another one can be faster.
static bool search_free(struct cpu *c, size_t low, size_t high) {
    size_t slot;
    do {
        while ((slot = frames_find(FREE, low, high)) != NONE) {
            if (slot < c->cursor && c->cursor < high) {
                size_t next = frames_find(FREE, c->cursor, high);
                slot = next != NONE ? next : slot;
            }
            if (frames_unmark(FREE, slot)) {
                frames_split(slot);
                c->cursor = slot;
                return true;
            }
        }
    } while (self.shared && frames_release(c, UNIT));
    return false;
}

static bool search_words(struct cpu *c, size_t low, size_t high, bool any) {
    PUT(&c->zone_low, low);
    PUT(&c->zone_end, high);
    do {
        if (search_partial(c, low, high, any ? ANY : MINE)) {
            return true;
        }
    } while (search_free(c, low, high));
    return false;
}

// Find the next word, in the best zone that has one. Entered, or with the lock.
static bool refill(struct cpu *c, bool locked) {
    size_t word = c->reservation[WORD].index;
    if (word != NONE) {
        size_t slot = word / LINE_WORDS;
        if (self.shared) {
            frames_unclaim(&c->reservation[WORD], WORD);
        } else {
            frames_use_no_word(c);
            ++word;
        }
        if (is(PARTIAL, slot)) {
            if (get_word_of(c, slot, word - slot * LINE_WORDS)) {
                return true;
            }
            frames_clear_partial(slot);
        }
        c->cursor = slot + 1;
    }
    return frames_search_zones(c, locked, search_words);
}

bool frames_refill(struct cpu *c) {
    if (!self.shared) {
        return refill(c, true);
    }
    if (refill(c, false)) {
        return true;
    }
    leave(c);
    frames_lock();
    bool found = refill(c, true);
    if (!found) {
        // All that is left is what other CPUs have reserved.
        frames_quiesce();
        for (size_t group = 0; group * GROUP_SLOTS < self.ready; ++group) {
            frames_summarize(PARTIAL, group);
            frames_summarize(FREE, group);
        }
        found = refill(c, true);
        frames_resume();
    }
    // Nobody can quiesce this CPU before the lock is free, and then it is seen to be busy.
    PUT(&c->busy, 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    frames_unlock();
    return found;
}
