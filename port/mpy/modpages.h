// What the address space asks of page memory.
#ifndef RINGZERO_MPY_MODPAGES_H
#define RINGZERO_MPY_MODPAGES_H

#include <stdbool.h>
#include <stdint.h>

// Forgets all open Pages: their frames belong to nobody any more.
void pages_reset(void);

// Whether [addr, addr + count frames) lies in one open Pages.
bool pages_hold(uint64_t addr, uint64_t count);

#endif
