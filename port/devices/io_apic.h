// The I/O APICs: which interrupt of the machine goes to which vector of which CPU.
#ifndef RINGZERO_DEVICES_IO_APIC_H
#define RINGZERO_DEVICES_IO_APIC_H

#include <stdbool.h>

#include "cpu/irq.h"

// Finds them in ACPI's tables and masks all their inputs. Wants the local APIC on.
void io_apic_init(void);

// Routes an ISA interrupt (0 to 15) to this CPU and this handler. False: no I/O APIC takes it.
bool io_apic_install_isa(unsigned isa_irq, irq_handler_t handler, void *context);

#endif
