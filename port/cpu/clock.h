// Time since the kernel's start, from the time stamp counter.
#ifndef RINGZERO_CPU_CLOCK_H
#define RINGZERO_CPU_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// A counter of known rate.
typedef struct {
    const char *name;
    uint64_t (*read)(void);
    uint64_t mask;      // it wraps here
    uint64_t period_fs;
    bool once;          // it counts for us no longer than until the first measurement
} clock_reference_t;

// False: there is no such counter.
typedef bool (*clock_finder_t)(clock_reference_t *reference);

// Takes the first of these references that is there and counts to measure the TSC's rate with. They
// stay the clock's. Where apic says so, the local APIC is on and its timer is measured, too.
void clock_init(const clock_finder_t *references, size_t count, bool apic);

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
