// The local APIC, the I/O APICs and the 8259 that they replace.
#ifndef RINGZERO_CPU_APIC_H
#define RINGZERO_CPU_APIC_H

#include <stdbool.h>
#include <stdint.h>

// Turns the 8259s off and the boot CPU's local APIC on. False: there is none, and no interrupt
// will ever come.
bool apic_init(uint8_t spurious_vector, uint8_t error_vector);

// Whether the local APIC waits for an acknowledgement of this vector.
bool apic_in_service(uint8_t vector);
void apic_acknowledge(void);

// Leads an ISA interrupt (0 to 15) to a vector of the boot CPU. False: no I/O APIC takes it.
bool apic_route(unsigned isa_irq, uint8_t vector);

// The local APIC's timer: 32 bits, counts down at a sixteenth of the APIC's rate. It can be read
// from apic_init() on; the interrupt at 0 comes from apic_timer_init() on.
void apic_timer_init(uint8_t vector);
// Starts it from count; 0 stops it.
void apic_timer_start(uint32_t count);
uint32_t apic_timer_count(void);

#endif
