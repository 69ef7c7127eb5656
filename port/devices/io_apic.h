// The I/O APICs: which interrupt of the machine goes to which vector of which CPU.
#ifndef RINGZERO_DEVICES_IO_APIC_H
#define RINGZERO_DEVICES_IO_APIC_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/irq.h"

// Finds them in ACPI's tables and masks all their inputs. Wants the local APIC on.
void io_apic_init(void);

// Routes an ISA interrupt (0 to 15) to this CPU and this handler. False: no I/O APIC takes it.
bool io_apic_install_isa(unsigned isa_irq, irq_handler_t handler, void *context);

// Routes a global interrupt (ACPI 6.5, 5.2.13) to a vector of this CPU's: high is active, an edge interrupts.
// False: no I/O APIC takes it, or it goes somewhere.
bool io_apic_install(uint32_t global, uint8_t vector);
// It goes nowhere any more.
void io_apic_uninstall(uint32_t global);

#endif
