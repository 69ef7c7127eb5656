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

static const uint16_t fixed[] = { 0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f };
enum { FIXED = sizeof(fixed) / sizeof(fixed[0]) };

// The registers that there are, the one of the default type first.
static struct {
    uint32_t number;
    uint64_t value;
} kept[1 + FIXED + 2 * VARIABLE_MAX];
static size_t kept_count;

static void keep(uint32_t number) {
    kept[kept_count].number = number;
    kept[kept_count++].value = cpu_rdmsr(number);
}

void mtrr_save(void) {
    kept_count = 0;
    if (!(cpu_cpuid(1, 0).edx & CPUID1_EDX_MTRR)) {
        return;
    }
    uint64_t cap = cpu_rdmsr(MSR_CAP);
    keep(MSR_DEFAULT);
    for (size_t i = 0; i < FIXED && cap & CAP_FIXED; ++i) {
        keep(fixed[i]);
    }
    for (uint32_t i = 0; i < 2 * VARIABLE_MAX && i < 2 * (cap & CAP_COUNT); ++i) {
        keep(MSR_VARIABLE + i);
    }
}

static bool differ(void) {
    for (size_t i = 0; i < kept_count; ++i) {
        if (cpu_rdmsr(kept[i].number) != kept[i].value) {
            return true;
        }
    }
    return false;
}

// SDM 3A 12.11.7.2.
void mtrr_load(void) {
    if (!differ()) {
        return;
    }
    uint64_t cr0 = cpu_cr0();
    cpu_set_cr0((cr0 | CR0_CD) & ~(uint64_t)CR0_NW);
    cpu_wbinvd();
    cpu_set_cr3(cpu_cr3());
    cpu_wrmsr(MSR_DEFAULT, kept[0].value & ~(uint64_t)DEFAULT_ENABLE);
    for (size_t i = 1; i < kept_count; ++i) {
        cpu_wrmsr(kept[i].number, kept[i].value);
    }
    cpu_wrmsr(MSR_DEFAULT, kept[0].value);
    cpu_wbinvd();
    cpu_set_cr3(cpu_cr3());
    cpu_set_cr0(cr0);
}
