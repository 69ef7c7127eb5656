// Where the next word comes from, and how chunks become lines and whole again. Private to port/frames/.
#ifndef RINGZERO_FRAMES_REFILL_H
#define RINGZERO_FRAMES_REFILL_H

#include "frames_state.h"

bool frames_refill(struct cpu *c);          // Entered; give it a word to take from.
// Search the zones [low, high) from the best one on, with several CPUs first without `any`, where
// others take from. Entered, or with the lock: only then can more of the map be made ready, so
// without it a failure means "try again with the lock".
bool frames_search_zones(struct cpu *c, bool locked,
    bool (*search)(struct cpu *c, size_t low, size_t high, bool any));
size_t frames_start(const struct cpu *c, size_t low, size_t high);  // Where it begins to search.
void frames_split(size_t slot);             // Turn an idle chunk into a line of free frames.
void frames_quiet(size_t slot);             // Clear `some` if nothing is free.
void frames_settle(size_t slot);            // Make the chunk idle if all of it is free.
void frames_aim(size_t word, uint64_t valid, uint64_t addr);  // With one CPU: they come from here,
void frames_guard_word(size_t slot);        // which is in this chunk: frees must look closer,
void frames_leave_word(struct cpu *c);      // or from elsewhere next.

#endif // RINGZERO_FRAMES_REFILL_H
