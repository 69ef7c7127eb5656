// Single frames, by the word that has their bits. Private to port/frames/.
#ifndef RINGZERO_FRAMES_WORD_H
#define RINGZERO_FRAMES_WORD_H

#include "frames_state.h"

frames_status_t frames_put(size_t word, uint64_t mask);     // Free frames of one word.
bool frames_take(size_t word, uint64_t mask);       // Allocate exactly these frames, or none.
void frames_retake(size_t word, uint64_t mask);     // Undo frames_put() of one frame. Entered.
frames_status_t frames_nowhere(void);               // Why there is nothing at an address.

#endif // RINGZERO_FRAMES_WORD_H
