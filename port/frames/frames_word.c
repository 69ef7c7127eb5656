// Single frames, by the word that has their bits.
#include "frames_bound.h"
#include "frames_chunk.h"
#include "frames_lock.h"
#include "frames_map.h"
#include "frames_mixed.h"
#include "frames_reservation.h"
#include "frames_state.h"
#include "frames_tree.h"
#include "frames_word.h"
#include "frames_zone.h"

frames_status_t frames_nowhere(void) {
    frames_status_t status = frames_not_ready();
    return status == FRAMES_OK ? FRAMES_BAD_FREE : status;
}

// Returns FRAMES_OK, so that a free can end with it.
NOINLINE frames_status_t frames_word_is_full(size_t word) {
    // The chunk that frames are taken from stays a line: it would be split again at once.
    if (word / LINE_WORDS != self.one.reservation[WORD].index / LINE_WORDS) {
        frames_merge(word / LINE_WORDS);
    }
    return FRAMES_OK;
}

// With one CPU: the chunk has no free frames yet, its line is not in use, or the kernel has frames.
// `addr` is the address of the word's bit 0.
NOINLINE frames_status_t frames_put_first(size_t word, uint64_t mask, uint64_t addr) {
    size_t slot = word / LINE_WORDS;
    uint64_t w = self.bits[word];
    // The line is not read while the chunk is huge: it may hold garbage.
    if (is(HUGE, slot) || (w & mask)
        || (is(KERNEL, slot) && (frames_kernel_mask(word) & mask))) {
        return FRAMES_BAD_FREE;
    }
    self.bits[word] = w | mask;
    struct cpu *c = &self.one;
    if (!is(PARTIAL, slot) && slot >= c->zone_low && (*c->take == 0 || slot >= c->zone_end)
        && (w | mask) != ALL) {
        // With nothing at hand, or in a better zone, take from here next: no search, and the
        // frame is still warm.
        frames_leave_word(c);
        frames_use_word(word, UNLIKELY(is(EDGE, slot)) ? frames_valid(word) : ALL, addr);
        if (UNLIKELY(slot >= c->zone_end)) {
            frames_enter_zone(c, slot);
        }
        return FRAMES_OK;
    }
    return frames_word_has_more(word, mask);
}

NOINLINE void frames_line_has_first(size_t slot) {
    frames_mark(PARTIAL, slot);
    if (UNLIKELY(is_huge(slot))) {
        // Somebody else has made the chunk whole meanwhile.
        frames_clear_partial(slot);
    }
    frames_prefer(slot);
}

// The frames are in the bitmap.
static void line_has_more(size_t slot, unsigned from, unsigned to) {
    if (UNLIKELY(!is(PARTIAL, slot))) {
        frames_line_has_first(slot);
    }
    const uint64_t *line = line_of(slot);
    if (UNLIKELY(GET(&line[from / 64]) == ALL && GET(&line[(to - 1) / 64]) == ALL)) {
        frames_word_is_full(slot * LINE_WORDS);
    }
    if (LIKELY(!is(HUGE, slot))) {
        frames_note_free(slot, from, to);
    }
}

NOINLINE frames_status_t frames_word_has_more(size_t word, uint64_t mask) {
    unsigned base = word % LINE_WORDS * 64;
    line_has_more(word / LINE_WORDS, base + lowest(mask),
        base + 64 - (unsigned)__builtin_clzll(mask));
    return FRAMES_OK;
}

// Whether a chunk that is whole, or a CPU, has these frames.
static bool are_elsewhere(size_t word, uint64_t mask) {
    return is_huge(word / LINE_WORDS) || frames_is_reserved(WORD, word, mask);
}

NOINLINE bool frames_undo_second_free(size_t word, uint64_t mask) {
    if (!are_elsewhere(word, mask) || !word_swap(&self.bits[word], mask, 0)) {
        return false;       // Moved on from the word that this free has changed: it was a good one.
    }
    if (are_elsewhere(word, mask)) {
        return true;
    }
    word_or(&self.bits[word], mask);
    return false;
}

NOINLINE frames_status_t frames_put_shared_slowly(size_t word, uint64_t mask) {
    struct cpu *c = &self.cpu[frames_cpu()];
    frames_status_t status;
    if (frames_put_own(c, WORD, word, mask, &status)) {
        return status;
    }
    return frames_add(word, mask) ? frames_word_has_more(word, mask) : FRAMES_BAD_FREE;
}

frames_status_t frames_put(size_t word, uint64_t mask) {
    if (self.shared) {
        return put_shared(word, mask);
    }
    if (!is_plain(word / LINE_WORDS)) {
        return frames_put_first(word, mask, frames_frame((uint64_t)word * 64) * FRAMES_SIZE);
    }
    uint64_t w = self.bits[word];
    if (w & mask) {
        return FRAMES_BAD_FREE;
    }
    self.bits[word] = w | mask;
    if ((w | mask) == ALL) {
        frames_word_is_full(word);
    }
    return FRAMES_OK;
}

bool frames_take(size_t word, uint64_t mask) {
    size_t slot = word / LINE_WORDS;
    uint64_t *p = &self.bits[word];
    for (;;) {
        uint64_t w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        if (UNLIKELY(is(HUGE, slot))) {
            if (frames_unmark(FREE, slot)) {
                frames_split(slot);
            } else if (is_huge(slot) && !is(FREE, slot)) {
                return false;
            }
        } else if ((w & mask) != mask) {
            return false;
        } else if (word_swap(p, w, w & ~mask)) {
            return true;
        }
    }
}

// Undo frames_put() of one frame, wherever it has gone. Entered.
void frames_retake(size_t word, uint64_t mask) {
    struct cpu *c = this_cpu();
    struct reservation *r = &c->reservation[WORD];
    if (self.shared && r->index == word && (r->mask & mask)) {
        PUT(&r->mask, r->mask & ~mask);
    } else {
        frames_take(word, mask);
    }
}
