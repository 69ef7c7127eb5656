// Single frames, by the word that has their bits. Private to port/frames/.
#ifndef RINGZERO_FRAMES_WORD_H
#define RINGZERO_FRAMES_WORD_H

#include "frames_mixed.h"
#include "frames_reservation.h"
#include "frames_state.h"

frames_status_t frames_put(size_t word, uint64_t mask);     // Free frames of one word.
bool frames_take(size_t word, uint64_t mask);       // Allocate exactly these frames, or none.
void frames_retake(size_t word, uint64_t mask);     // Undo frames_put() of one frame. Entered.
frames_status_t frames_nowhere(void);               // Why there is nothing at an address.

// Whether a free of these frames of a word is a good one. `w` is the word, read before the rest: who
// claims the frames or shuts the chunk changes it.
static inline bool frames_can_add(size_t word, uint64_t mask, uint64_t w) {
    size_t slot = word / LINE_WORDS;
    return !(w & mask)
           && !(UNLIKELY(is_guarded(slot))
               && (is_huge(slot) || (is(KERNEL, slot) && (frames_kernel_mask(word) & mask))))
           && !(self.shared && UNLIKELY(is_claimed(WORD, word)) && frames_is_reserved(WORD, word, mask));
}

static inline bool frames_is_allocated(size_t word, uint64_t mask) {
    return frames_can_add(word, mask, __atomic_load_n(&self.bits[word], __ATOMIC_ACQUIRE));
}

// A word without free frames looks the same before a CPU gives up what it has of it and after the chunk
// has been made whole or another CPU has it. Who has just freed frames of such a word asks whether they
// were free already, which undoes it.
bool frames_undo_second_free(size_t word, uint64_t mask);

static inline bool frames_came_twice(size_t word, uint64_t mask, uint64_t w) {
    return w == 0 && UNLIKELY(is_guarded(word / LINE_WORDS) || is_claimed(WORD, word))
           && frames_undo_second_free(word, mask);
}

// Free them in the bitmap, which is not all that a free does; or false.
static inline bool frames_add(size_t word, uint64_t mask) {
    uint64_t *p = &self.bits[word], w;
    do {
        w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
        if (!frames_can_add(word, mask, w)) {
            return false;
        }
        FRAMES_PREEMPTION(FRAMES_BEFORE_ADD);
    } while (UNLIKELY(!word_swap(p, w, w | mask)));
    return !(self.shared && frames_came_twice(word, mask, w));
}

// Frames of a chunk that may have had none are in the bitmap.
void frames_line_has_first(size_t slot);

// The parts of a free that are called last. The word is full,
frames_status_t frames_word_is_full(size_t word);
// has frames again,
frames_status_t frames_word_has_more(size_t word, uint64_t mask);
// has no free frames yet, or is one of a chunk that a free must look at closer: with one CPU, where
// `addr` is the address of the word's bit 0, and with several.
frames_status_t frames_put_first(size_t word, uint64_t mask, uint64_t addr);
frames_status_t frames_put_shared_slowly(size_t word, uint64_t mask);

// With several CPUs: free frames where nobody has claimed the word and nobody else changes it now.
static inline frames_status_t put_shared(size_t word, uint64_t mask) {
    size_t slot = word / LINE_WORDS;
    uint64_t *p = &self.bits[word], w = __atomic_load_n(p, __ATOMIC_ACQUIRE);
    if (UNLIKELY(w & mask)) {
        return FRAMES_BAD_FREE;
    }
    FRAMES_PREEMPTION(FRAMES_BEFORE_CLAIMS);
    if (UNLIKELY(is_guarded(slot) || is_claimed(WORD, word))) {
        return frames_put_shared_slowly(word, mask);
    }
    FRAMES_PREEMPTION(FRAMES_BEFORE_ADD);
    if (UNLIKELY(!__atomic_compare_exchange_n(p, &w, w | mask, false, __ATOMIC_SEQ_CST,
        __ATOMIC_RELAXED))) {
        return frames_put_shared_slowly(word, mask);
    }
    if (UNLIKELY(frames_came_twice(word, mask, w))) {
        return FRAMES_BAD_FREE;
    }
    return UNLIKELY(!is_partial_and_plain(slot) || (w | mask) == ALL) ? frames_word_has_more(word, mask)
        : FRAMES_OK;
}

#endif // RINGZERO_FRAMES_WORD_H
