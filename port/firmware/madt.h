// ACPI's multiple APIC description table: which CPUs there are. ACPI specification 6.4, chapter 5.2.12.
#ifndef RINGZERO_FIRMWARE_MADT_H
#define RINGZERO_FIRMWARE_MADT_H

#include <stdint.h>

// Calls function with the APIC id of each CPU that firmware has enabled, in the table's order; for one that has
// two entries, twice. Without a table it is not called.
void madt_cpus(void (*function)(void *context, uint32_t apic_id), void *context);

#endif
