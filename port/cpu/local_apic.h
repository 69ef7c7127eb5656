// This CPU's local APIC: what takes interrupts and acknowledges them, and its timer.
#ifndef RINGZERO_CPU_LOCAL_APIC_H
#define RINGZERO_CPU_LOCAL_APIC_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/clock.h"

// Turns it on. False: there is none, and no interrupt will ever come.
bool local_apic_init(uint8_t spurious_vector, uint8_t error_vector);

// The same on a further CPU, whose APIC becomes what the first one's is.
void local_apic_join(uint8_t spurious_vector, uint8_t error_vector);
// Names of more than 8 bits take x2APIC, which must be on before another CPU is. False: there is none.
bool local_apic_use_x2apic(void);

// Sends a vector, or what follows, to the CPU of that name. SDM 3A 10.6.1: delivery mode, level assert.
enum {
    LOCAL_APIC_NMI = 0x4400,
    LOCAL_APIC_INIT = 0x4500,
    LOCAL_APIC_START = 0x4600, // with the page where the CPU is to begin
};
void local_apic_send(uint32_t id, uint32_t command);

// Whether this vector is being served and wants an EOI.
bool local_apic_in_service(uint8_t vector);
// Ends the service of the highest vector (SDM 3A 10.8.5).
void local_apic_eoi(void);

// Its name in messages and redirection entries: 8 bits, or 32 with x2APIC.
uint32_t local_apic_id(void);

// Its timer: 32 bits, counts down at a sixteenth of the APIC's rate. It can be read from
// local_apic_init() on; the interrupt at 0 comes from local_apic_timer_init() on.
void local_apic_timer_init(uint8_t vector);
// Starts it from count; 0 stops it.
void local_apic_timer_start(uint32_t count);
uint32_t local_apic_timer_count(void);

// The timer, which clock_init() has started, as a reference where its rate is known: under QEMU and
// KVM.
bool local_apic_find_reference(clock_reference_t *reference);

#endif
