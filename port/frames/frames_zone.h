// Which zone frames come from, and the search over zones. Private to port/frames/.
#ifndef RINGZERO_FRAMES_ZONE_H
#define RINGZERO_FRAMES_ZONE_H

#include "frames_state.h"

void frames_drop(struct cpu *c);            // Give up the word that frames come from.
void frames_prefer(size_t slot);            // Something became free in this chunk.
size_t frames_zone_end(size_t slot);        // The end of the zone of a slot.
void frames_enter_zone(struct cpu *c, size_t slot); // The word is in a better zone now.
size_t frames_start(const struct cpu *c, size_t low, size_t high);  // Where it begins to search.

// Search the zones [low, high) from the best one on, with several CPUs first without `any`, where
// others take from. Entered, or with the lock: only then can more of the map be made ready, so
// without it a failure means "try again with the lock".
bool frames_search_zones(struct cpu *c, bool locked,
    bool (*search)(struct cpu *c, size_t low, size_t high, bool any));

#endif // RINGZERO_FRAMES_ZONE_H
