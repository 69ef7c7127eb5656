// What runs on a CPU that has nothing else to do.
#ifndef RINGZERO_MPY_MODCALLS_H
#define RINGZERO_MPY_MODCALLS_H

#include <stdbool.h>

// Runs the first call that waits for this CPU, and gives its answer back, whatever it raises. False: there
// is none.
bool modcalls_serve(void);

#endif
