// RDSEED, or else RDRAND, or else the clock.
#include <string.h>

#include "cpu/io.h"
#include "cpu/random.h"
#include "devices/random.h"

// SDM 1 7.3.17: ten failures in a row mean that RDRAND is broken. RDSEED may well be drained.
#define RETRIES 10

static bool seed64(uint64_t *value) {
    if (cpu_has_rdseed()) {
        for (int i = 0; i < RETRIES; ++i) {
            if (cpu_rdseed(value)) {
                return true;
            }
            cpu_pause();
        }
    }
    if (cpu_has_rdrand()) {
        for (int i = 0; i < RETRIES; ++i) {
            if (cpu_rdrand(value)) {
                return true;
            }
        }
    }
    return false;
}

// splitmix64 over a state that each reading of the TSC has gone into.
static uint64_t clock64(void) {
    static uint64_t state;
    state = (state ^ cpu_tsc()) + 0x9e3779b97f4a7c15;
    uint64_t value = state;
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

bool random_fill(void *buf, size_t size) {
    bool good = true;
    uint8_t *to = buf;
    while (size > 0) {
        uint64_t value;
        if (!seed64(&value)) {
            value = clock64();
            good = false;
        }
        size_t part = size < sizeof(value) ? size : sizeof(value);
        memcpy(to, &value, part);
        to += part;
        size -= part;
    }
    return good;
}

uint64_t random_seed(void) {
    uint64_t value;
    random_fill(&value, sizeof(value));
    return value;
}
