// Where MicroPython asks something else of a port from one version to the next. Everything else is
// the same from 1.25 to 1.29.
#ifndef RINGZERO_MPY_VERSIONS_H
#define RINGZERO_MPY_VERSIONS_H

#include "py/mpconfig.h"

#define VERSION_SINCE(minor) (MICROPY_VERSION >= MICROPY_MAKE_VERSION(1, minor, 0))

// Since 1.26 dates are counted from 1600 on; before, from any year on.
#define VERSION_DATES_FROM_1600     (VERSION_SINCE(26))

// Since 1.26 the compiler computes what it cannot fold when the program runs, whatever it raises.
#define VERSION_FOLDING_CATCHES     (VERSION_SINCE(26))

// Since 1.27 mp_time_localtime_get() fills in a structure; before, it returns a tuple.
#define VERSION_LOCALTIME_IN_STRUCT (VERSION_SINCE(27))

// In 1.27 mp_handle_pending() is inline, and calls another.
#define VERSION_PENDING_INTERNAL    (VERSION_SINCE(27) && !VERSION_SINCE(28))

// Since 1.28 os.urandom() and what Mbed TLS begins with are upstream's, and take bytes from mp_hal_get_random().
#define VERSION_URANDOM_UPSTREAM    (VERSION_SINCE(28))

// Since 1.29 the id of a watchdog is an object.
#define VERSION_WDT_ID_OBJECT       (VERSION_SINCE(29))

// Since 1.29 the collector keeps the bounds of all areas.
#define VERSION_GC_BOUNDS           (VERSION_SINCE(29))

#endif
