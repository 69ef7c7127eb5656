// The other CPUs, as Python has them.
#ifndef RINGZERO_MPY_CPUS_H
#define RINGZERO_MPY_CPUS_H

#include <stdbool.h>

// Starts them at the first call; what does not come up is left out, with a message. Not for callbacks.
void cpus_use(void);

// Whether that has nothing more to do: there may have been no memory for it.
bool cpus_are_used(void);

// From the command line: never more than so many.
void cpus_set_limit(unsigned count);

// Ends what another CPU does and gives back what its interpreter has: the next thing that it is to do
// begins with a new one. False: it has not let go within a second, because it has interrupts off.
bool cpus_reset_interpreter(unsigned number);

// At a soft reset, and before the machine's end: stops them, whatever they do. False: one has had interrupts
// off for a second and was stopped in the middle of anything, so that frames are not to be touched any more.
bool cpus_end(void);

#endif
