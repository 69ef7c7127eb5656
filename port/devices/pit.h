// The 8254 timer of a PC, as a counter to measure time with.
#ifndef RINGZERO_DEVICES_PIT_H
#define RINGZERO_DEVICES_PIT_H

#include "cpu/clock.h"

// Starts its counter 0. False: there is none.
bool pit_find_reference(clock_reference_t *reference);

#endif
