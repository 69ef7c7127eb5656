#include <stdbool.h>
#include <stddef.h>

#include "cpu/io.h"
#include "cpu/mtrr.h"

enum {
    CPUID1_EDX_MTRR = 1 << 12,
    // SDM 4 table 2-2.
    MSR_CAP = 0xfe,
    CAP_COUNT = 0xff,
    CAP_FIXED = 1 << 8,
    MSR_VARIABLE = 0x200, // base and mask of each
    MSR_DEFAULT = 0x2ff,
    DEFAULT_ENABLE = 1 << 11,
    // SDM 3A 2.5.
    CR0_NW = 1 << 29,
    CR0_CD = 1 << 30,

    VARIABLE_MAX = 32, // no CPU has more than 10
};

static const uint32_t fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f };
enum { FIXED = sizeof(fixed) / sizeof(fixed[0]), KEPT_MAX = FIXED + 2 * VARIABLE_MAX };

// The default type, and the others in the order of number().
static uint64_t kept_default, kept[KEPT_MAX];

// How many there are beside the default type.
static size_t count(void) {
    if (!(cpu_cpuid(1, 0).edx & CPUID1_EDX_MTRR)) {
        return 0;
    }
    size_t variable = cpu_rdmsr(MSR_CAP) & CAP_COUNT;
    return FIXED + 2 * (variable < VARIABLE_MAX ? variable : VARIABLE_MAX);
}

static uint32_t number(size_t i) {
    return i < FIXED ? fixed[i] : MSR_VARIABLE + (uint32_t)(i - FIXED);
}

static bool is_there(size_t i) {
    return i >= FIXED || cpu_rdmsr(MSR_CAP) & CAP_FIXED;
}

void mtrr_save(void) {
    size_t all = count();
    for (size_t i = 0; i < all; ++i) {
        kept[i] = is_there(i) ? cpu_rdmsr(number(i)) : 0;
    }
    kept_default = all > 0 ? cpu_rdmsr(MSR_DEFAULT) : 0;
}

static bool differ(size_t all) {
    for (size_t i = 0; i < all; ++i) {
        if (is_there(i) && cpu_rdmsr(number(i)) != kept[i]) {
            return true;
        }
    }
    return all > 0 && cpu_rdmsr(MSR_DEFAULT) != kept_default;
}

// SDM 3A 12.11.7.2.
void mtrr_load(void) {
    size_t all = count();
    if (!differ(all)) {
        return;
    }
    uint64_t cr0 = cpu_cr0();
    cpu_set_cr0((cr0 | CR0_CD) & ~(uint64_t)CR0_NW);
    cpu_wbinvd();
    cpu_set_cr3(cpu_cr3());
    cpu_wrmsr(MSR_DEFAULT, kept_default & ~(uint64_t)DEFAULT_ENABLE);
    for (size_t i = 0; i < all; ++i) {
        if (is_there(i)) {
            cpu_wrmsr(number(i), kept[i]);
        }
    }
    cpu_wrmsr(MSR_DEFAULT, kept_default);
    cpu_wbinvd();
    cpu_set_cr3(cpu_cr3());
    cpu_set_cr0(cr0);
}
