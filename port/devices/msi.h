// Message signalled interrupts (SDM 3A 10.11): a device interrupts a CPU by a write to memory.
#ifndef RINGZERO_DEVICES_MSI_H
#define RINGZERO_DEVICES_MSI_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/irq.h"

typedef struct {
    uint64_t addr;
    uint32_t data;
} msi_t;

// A vector of this CPU's, which calls this handler. 0: there is none left.
uint8_t msi_vector(irq_handler_t handler, void *context);
// What a device is to write where for that vector on this CPU. False: there is no way to name the CPU.
bool msi_message(uint8_t vector, msi_t *message);
// Nobody has a vector any more.
void msi_reset(void);

#endif
