#include "boot/handoff.h"

// Written by _start before .bss is used for anything else.
handoff_t handoff;
