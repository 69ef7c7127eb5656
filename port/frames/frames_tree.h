// The facts `partial` and `free` of every chunk, and their summaries. Private to port/frames/.
#ifndef RINGZERO_FRAMES_TREE_H
#define RINGZERO_FRAMES_TREE_H

#include "frames_state.h"

void frames_mark(unsigned fact, size_t slot);           // Set `partial` or `free`.
bool frames_unmark(unsigned fact, size_t slot);         // Clear it; whether it was set.
void frames_summarize(unsigned fact, size_t group);
size_t frames_find(unsigned fact, size_t low, size_t high);

#endif // RINGZERO_FRAMES_TREE_H
