// Time since the kernel's start, from the time stamp counter.
#ifndef RINGZERO_CPU_CLOCK_H
#define RINGZERO_CPU_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

// Looks at what the machine has to measure the TSC's rate with and takes the first sample. Wants
// acpi_init() before it and, where apic says so, the local APIC on.
void clock_init(bool apic);

// Nanoseconds since clock_init(), never backwards. The first call measures the rate, over the time
// that has gone by since then or one millisecond.
uint64_t clock_ns(void);

// Ticks of the TSC in a second.
uint64_t clock_tsc_hz(void);

// What the rate was measured with or taken from: "cpuid", "hpet", "pm timer", "pit", "apic", "guess".
const char *clock_source(void);

// Measures the rate again, over all the time since the last start of a measurement: the longer it
// is, the better. Returns the ns until the next call of it is due; 0: there is nothing to gain.
uint64_t clock_refine(void);

// The local APIC timer's ticks in ns, at most 2^32 - 1 and at least 1.
uint32_t clock_apic_ticks(uint64_t ns);

#endif
