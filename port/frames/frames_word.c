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
    frames_note_free_alone(slot);
    if (is(PARTIAL, slot)) {
        return (w | mask) == ALL ? frames_word_is_full(word) : FRAMES_OK;
    }
    struct cpu *c = &self.one;
    if (slot >= c->zone_low && (*c->take == 0 || slot >= c->zone_end) && (w | mask) != ALL) {
        // With nothing at hand, or in a better zone, take from here next: no search, and the
        // frame is still warm.
        frames_leave_word(c);
        frames_use_word(word, UNLIKELY(is(EDGE, slot)) ? frames_valid(word) : ALL, addr);
        if (UNLIKELY(slot >= c->zone_end)) {
            frames_enter_zone(c, slot);
        }
        return FRAMES_OK;
    }
    frames_mark(PARTIAL, slot);
    frames_prefer(slot);
    if ((w | mask) == ALL) {
        frames_merge(slot);
    }
    return FRAMES_OK;
}

// The frames are in the bitmap.
NOINLINE frames_status_t frames_word_has_more(size_t word) {
    size_t slot = word / LINE_WORDS;
    frames_note_free_shared(slot);
    if (!is(PARTIAL, slot)) {
        frames_mark(PARTIAL, slot);
        if (UNLIKELY(is_huge(slot))) {
            // Somebody else has made the chunk whole meanwhile.
            frames_clear_partial(slot);
        }
        frames_prefer(slot);
    }
    if (GET(&self.bits[word]) == ALL) {
        frames_merge(slot);
    }
    return FRAMES_OK;
}

NOINLINE frames_status_t frames_put_shared_slowly(size_t word, uint64_t mask) {
    struct cpu *c = &self.cpu[frames_cpu()];
    frames_status_t status;
    if (frames_put_own(c, WORD, word, mask, &status)) {
        return status;
    }
    uint64_t *p = &self.bits[word], w;
    do {
        // The word before the rest: who claims these frames or shuts the chunk changes it.
        w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        if ((w & mask) || is_huge(word / LINE_WORDS)
            || (is(KERNEL, word / LINE_WORDS) && (frames_kernel_mask(word) & mask))
            || (is_claimed(WORD, word) && frames_is_reserved(WORD, word, mask))) {
            return FRAMES_BAD_FREE;
        }
    } while (!word_swap(p, w, w | mask));
    return frames_word_has_more(word);
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
        if (is(FREE, slot) && frames_unmark(FREE, slot)) {
            frames_split(slot);
        }
        uint64_t w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        bool huge = is_huge(slot);
        if (huge ? !is(FREE, slot) : (w & mask) != mask) {
            return false;
        }
        if (!huge && word_swap(p, w, w & ~mask)) {
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
