// All CPUs stop, and give back what they have. Private to port/frames/.
#ifndef RINGZERO_FRAMES_QUIESCE_H
#define RINGZERO_FRAMES_QUIESCE_H

#include "frames_state.h"

void frames_quiesce(void);                  // Locked: stop every CPU and take back what it has,
void frames_expose(void);                   // Locked: show all free frames to a search.
void frames_resume(void);                   // and let them go on.

#endif // RINGZERO_FRAMES_QUIESCE_H
