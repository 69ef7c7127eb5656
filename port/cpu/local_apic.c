#include <string.h>

#include "cpu/io.h"
#include "cpu/local_apic.h"

// SDM 3A 10.4.1, table 10-1: registers by their offset; x2APIC has them as MSRs (10.12.1.2).
enum {
    LOCAL_ID = 0x20,
    LOCAL_VERSION = 0x30,
    LOCAL_TPR = 0x80,
    LOCAL_EOI = 0xb0,
    LOCAL_SVR = 0xf0,
    LOCAL_ISR = 0x100,
    LOCAL_ESR = 0x280,
    LOCAL_COMMAND = 0x300,
    LOCAL_COMMAND_HIGH = 0x310,
    LOCAL_LVT_CMCI = 0x2f0,
    LOCAL_LVT_TIMER = 0x320,
    LOCAL_LVT_THERMAL = 0x330,
    LOCAL_LVT_COUNTER = 0x340,
    LOCAL_LVT_LINT0 = 0x350,
    LOCAL_LVT_LINT1 = 0x360,
    LOCAL_LVT_ERROR = 0x370,
    LOCAL_TIMER_START = 0x380,
    LOCAL_TIMER_COUNT = 0x390,
    LOCAL_TIMER_DIVIDE = 0x3e0,

    // The highest LVT entry, in bits 16 to 23 of the version: from these on there are such.
    LVT_MAX_COUNTER = 4,
    LVT_MAX_THERMAL = 5,
    LVT_MAX_CMCI = 6,

    SVR_ENABLE = 0x100,
    COMMAND_PENDING = 0x1000,
    COMMAND_ASSERT = 0x4000,
    LVT_NMI = 0x400,
    LVT_MASKED = 0x10000,
    DIVIDE_BY_16 = 0x3,

    MSR_APIC_BASE = 0x1b,
    MSR_X2APIC = 0x800,
    BASE_X2APIC = 1 << 10,
    BASE_ENABLE = 1 << 11,
    // SDM 2A CPUID.
    CPUID_1_EDX_APIC = 1 << 9,
    CPUID_1_ECX_X2APIC = 1 << 21,
    CPUID_1_ECX_HYPERVISOR = 1 << 31,
    CPUID_HYPERVISOR = 0x40000000,
};
// QEMU's and KVM's timer counts ns; divided by 16.
#define TIMER_PERIOD_FS UINT64_C(16000000)
#define BASE_ADDR_MASK UINT64_C(0x000ffffffffff000)

static volatile uint32_t *local;
static bool present, x2apic;

static uint32_t local_read(unsigned reg) {
    return x2apic ? (uint32_t)cpu_rdmsr(MSR_X2APIC + (reg >> 4)) : local[reg / 4];
}

static void local_write(unsigned reg, uint32_t value) {
    if (x2apic) {
        cpu_wrmsr(MSR_X2APIC + (reg >> 4), value);
    } else {
        local[reg / 4] = value;
    }
}

static void set_up(uint8_t spurious_vector, uint8_t error_vector) {
    local_write(LOCAL_SVR, SVR_ENABLE | spurious_vector);
    local_write(LOCAL_TPR, 0);
    // Firmware may have left any of these on, with vectors of its own.
    unsigned lvt_max = local_read(LOCAL_VERSION) >> 16 & 0xff;
    if (lvt_max >= LVT_MAX_COUNTER) {
        local_write(LOCAL_LVT_COUNTER, LVT_MASKED);
    }
    if (lvt_max >= LVT_MAX_THERMAL) {
        local_write(LOCAL_LVT_THERMAL, LVT_MASKED);
    }
    if (lvt_max >= LVT_MAX_CMCI) {
        local_write(LOCAL_LVT_CMCI, LVT_MASKED);
    }
    local_write(LOCAL_LVT_TIMER, LVT_MASKED);
    local_write(LOCAL_TIMER_DIVIDE, DIVIDE_BY_16);
    local_write(LOCAL_LVT_LINT0, LVT_MASKED);
    local_write(LOCAL_LVT_LINT1, LVT_NMI);
    local_write(LOCAL_LVT_ERROR, error_vector);
    local_write(LOCAL_ESR, 0);
    local_write(LOCAL_EOI, 0);
}

bool local_apic_init(uint8_t spurious_vector, uint8_t error_vector) {
    if (!(cpu_cpuid(1, 0).edx & CPUID_1_EDX_APIC)) {
        return false;
    }
    uint64_t base = cpu_rdmsr(MSR_APIC_BASE);
    if (!(base & BASE_ENABLE)) {
        base |= BASE_ENABLE;
        cpu_wrmsr(MSR_APIC_BASE, base);
    }
    x2apic = base & BASE_X2APIC;
    if (!x2apic && (base & BASE_ADDR_MASK) >= UINT64_C(1) << 32) {
        return false;
    }
    local = (volatile uint32_t *)(base & BASE_ADDR_MASK);
    set_up(spurious_vector, error_vector);
    present = true;
    return true;
}

void local_apic_join(uint8_t spurious_vector, uint8_t error_vector) {
    // SDM 3A 10.12.5: x2APIC is switched on from the other mode, and not off again.
    uint64_t base = (cpu_rdmsr(MSR_APIC_BASE) & ~BASE_ADDR_MASK) | (uint64_t)local | BASE_ENABLE;
    cpu_wrmsr(MSR_APIC_BASE, base);
    if (x2apic) {
        cpu_wrmsr(MSR_APIC_BASE, base | BASE_X2APIC);
    }
    set_up(spurious_vector, error_vector);
}

bool local_apic_use_x2apic(void) {
    if (!x2apic && cpu_cpuid(1, 0).ecx & CPUID_1_ECX_X2APIC) {
        cpu_wrmsr(MSR_APIC_BASE, cpu_rdmsr(MSR_APIC_BASE) | BASE_X2APIC);
        x2apic = true;
    }
    return x2apic;
}

void local_apic_send(uint32_t id, uint32_t command) {
    command |= COMMAND_ASSERT;
    if (x2apic) {
        // SDM 3A 10.12.3: what is written before is seen before only with a fence.
        __asm__ volatile ("mfence; lfence" : : : "memory");
        cpu_wrmsr(MSR_X2APIC + (LOCAL_COMMAND >> 4), (uint64_t)id << 32 | command);
        return;
    }
    // An interrupt's handler may send in between.
    uint64_t state = cpu_irq_save();
    while (local_read(LOCAL_COMMAND) & COMMAND_PENDING) {
        cpu_pause();
    }
    local_write(LOCAL_COMMAND_HIGH, id << 24);
    local_write(LOCAL_COMMAND, command);
    cpu_irq_restore(state);
}

bool local_apic_in_service(uint8_t vector) {
    return local_read(LOCAL_ISR + (vector / 32) * 0x10) >> vector % 32 & 1;
}

void local_apic_eoi(void) {
    local_write(LOCAL_EOI, 0);
}

uint32_t local_apic_id(void) {
    return x2apic ? local_read(LOCAL_ID) : local_read(LOCAL_ID) >> 24;
}

void local_apic_timer_init(uint8_t vector) {
    local_write(LOCAL_LVT_TIMER, vector);
}

void local_apic_timer_start(uint32_t count) {
    local_write(LOCAL_TIMER_START, count);
}

uint32_t local_apic_timer_count(void) {
    return local_read(LOCAL_TIMER_COUNT);
}

static bool hypervisor_is(const char *name) {
    if (!(cpu_cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR)) {
        return false;
    }
    cpuid_t id = cpu_cpuid(CPUID_HYPERVISOR, 0);
    char text[12];
    memcpy(text, &id.ebx, 4);
    memcpy(text + 4, &id.ecx, 4);
    memcpy(text + 8, &id.edx, 4);
    return memcmp(text, name, sizeof(text)) == 0;
}

static uint64_t count_up(void) {
    return UINT32_MAX - local_apic_timer_count();
}

bool local_apic_find_reference(clock_reference_t *reference) {
    if (!present || !(hypervisor_is("TCGTCGTCGTCG") || hypervisor_is("KVMKVMKVM\0\0"))) {
        return false;
    }
    *reference = (clock_reference_t) { "apic", count_up, UINT32_MAX, TIMER_PERIOD_FS, true };
    return true;
}
