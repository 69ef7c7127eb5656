// ACPI's power management timer, as a counter to measure time with.
#ifndef RINGZERO_DEVICES_PM_TIMER_H
#define RINGZERO_DEVICES_PM_TIMER_H

#include "cpu/clock.h"

// False: ACPI names none.
bool pm_timer_find_reference(clock_reference_t *reference);

#endif
