// The part of the start that is Python.
#ifndef RINGZERO_MPY_START_H
#define RINGZERO_MPY_START_H

#include <stdbool.h>

// Runs what modules/README.md says of the start, from bootinfo.py to _boot.py. False: it has raised, and that
// is printed.
bool start_python(void);

#endif
