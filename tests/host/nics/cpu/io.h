// Interrupts of the program in nics_machine.c, in place of port/cpu/io.h.
#ifndef RINGZERO_CPU_IO_H
#define RINGZERO_CPU_IO_H

#include <stdint.h>

uint64_t cpu_irq_save(void);
void cpu_irq_restore(uint64_t state);

static inline void cpu_pause(void) {
}

#endif
