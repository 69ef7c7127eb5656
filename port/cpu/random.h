// The CPU's random numbers.
#ifndef RINGZERO_CPU_RANDOM_H
#define RINGZERO_CPU_RANDOM_H

#include <cpuid.h>
#include <stdbool.h>
#include <stdint.h>

// SDM 2A CPUID: leaf 1 ecx bit 30 is RDRAND, leaf 7 ebx bit 18 is RDSEED.
static inline bool cpu_has_rdrand(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND);
}

static inline bool cpu_has_rdseed(void) {
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_RDSEED);
}

// Both fail when the CPU has run out of numbers for the moment.
static inline bool cpu_rdrand(uint64_t *value) {
    bool ok;
    __asm__ volatile ("rdrand %0" : "=r" (*value), "=@ccc" (ok));
    return ok;
}

static inline bool cpu_rdseed(uint64_t *value) {
    bool ok;
    __asm__ volatile ("rdseed %0" : "=r" (*value), "=@ccc" (ok));
    return ok;
}

#endif // RINGZERO_CPU_RANDOM_H
