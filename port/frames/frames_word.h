// Single frames, by the word that has their bits. Private to port/frames/.
#ifndef RINGZERO_FRAMES_WORD_H
#define RINGZERO_FRAMES_WORD_H

#include "frames_state.h"

frames_status_t frames_put(size_t word, uint64_t mask);     // Free frames of one word.
bool frames_take(size_t word, uint64_t mask);       // Allocate exactly these frames, or none.
void frames_retake(size_t word, uint64_t mask);     // Undo frames_put() of one frame. Entered.
frames_status_t frames_nowhere(void);               // Why there is nothing at an address.

// The parts of a free that are called last. The word is full,
frames_status_t frames_word_is_full(size_t word);
// has frames again,
frames_status_t frames_word_has_more(size_t word);
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
    if (UNLIKELY(is_guarded(slot) || is_claimed(WORD, word)
        || !__atomic_compare_exchange_n(p, &w, w | mask, false, __ATOMIC_SEQ_CST,
            __ATOMIC_RELAXED))) {
        return frames_put_shared_slowly(word, mask);
    }
    return UNLIKELY(!is_partial_and_plain(slot) || (w | mask) == ALL) ? frames_word_has_more(word) : FRAMES_OK;
}

#endif // RINGZERO_FRAMES_WORD_H
