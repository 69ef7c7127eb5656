// Where the next word comes from. Private to port/frames/.
#ifndef RINGZERO_FRAMES_REFILL_H
#define RINGZERO_FRAMES_REFILL_H

#include "frames_state.h"

bool frames_refill(struct cpu *c);          // Entered; give it a word to take from.

#endif // RINGZERO_FRAMES_REFILL_H
