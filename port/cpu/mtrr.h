// Memory type range registers (SDM 3A 12.11): what CPU 0 has of firmware, all CPUs have to have.
#ifndef RINGZERO_CPU_MTRR_H
#define RINGZERO_CPU_MTRR_H

// Keeps those of the CPU that runs this.
void mtrr_save(void);
// Gives this CPU those that were kept, where its own differ: firmware has not set them, or an INIT has
// cleared them, as QEMU's does. Interrupts are off. Its caches are written back and off meanwhile.
void mtrr_load(void);

#endif
