// The high precision event timer, as a counter to measure time with.
#ifndef RINGZERO_DEVICES_HPET_H
#define RINGZERO_DEVICES_HPET_H

#include "cpu/clock.h"

// Starts its counter. False: ACPI names none, or its rate makes no sense.
bool hpet_find_reference(clock_reference_t *reference);

#endif
