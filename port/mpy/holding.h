// For functions that take frames or give them back: no program is left in the middle of one (kernel.ld).
#ifndef RINGZERO_MPY_HOLDING_H
#define RINGZERO_MPY_HOLDING_H

#define HOLDING __attribute__((noinline, section(".holding")))

#endif
