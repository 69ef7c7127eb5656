#include <stdbool.h>
#include <string.h>

#include "firmware/acpi.h"
#include "cpu/apic.h"
#include "cpu/clock.h"
#include "cpu/io.h"

enum {
    NS_IN_MS = 1000000,
    MEASURE_MIN_NS = NS_IN_MS,
    MEASURE_MAX_NS = 2000000000,
    MEASURE_GROWTH = 8,
    SAMPLES = 5,
    GUESS_HZ = 1000000000,

    // SDM 2A CPUID.
    CPUID_1_ECX_HYPERVISOR = 1 << 31,
    CPUID_TSC = 0x15,
    CPUID_FREQUENCY = 0x16,
    // What KVM and others have agreed on: EAX is the TSC's rate in kHz.
    CPUID_HYPERVISOR = 0x40000000,
    CPUID_HYPERVISOR_TIMING = 0x40000010,

    // IA-PC HPET specification 1.0a, 2.3 and 3.2.4.
    HPET_ADDR = 44,
    HPET_TABLE_SIZE = 56,
    HPET_CAPABILITIES = 0x00,
    HPET_CONFIGURATION = 0x10,
    HPET_COUNTER = 0xf0,
    HPET_ENABLE = 1,
    HPET_PERIOD_FS_MAX = 100000000,

    // 8254 data sheet: counter 0 in mode 2 runs without a gate.
    PIT_COUNTER = 0x40,
    PIT_CONTROL = 0x43,
    PIT_MODE_2 = 0x34,
    PIT_LATCH = 0x00,
};
#define FS_IN_NS            UINT64_C(1000000)
#define PM_TIMER_PERIOD_FS  UINT64_C(279365114) // ACPI 4.8.2.1: 3.579545 MHz, 24 bits
#define PM_TIMER_MASK       UINT64_C(0xffffff)
#define PIT_PERIOD_FS       UINT64_C(838095110) // 1.193182 MHz
// QEMU's and KVM's local APIC timer counts ns; divided by 16.
#define APIC_PERIOD_FS      UINT64_C(16000000)

// A counter of known rate.
typedef struct {
    const char *name;
    uint64_t (*read)(void);
    uint64_t mask;      // it wraps here
    uint64_t period_fs;
} reference_t;

typedef struct {
    uint64_t tsc;
    uint64_t count;
} sample_t;

static reference_t reference = { .name = "guess" };
static sample_t start;
static volatile uint32_t *hpet;
static uint16_t pm_timer_port;
static uint64_t tsc_hz;
static bool has_apic;
static uint64_t apic_ticks_per_ms;

// ns = base_ns + (tsc - base_tsc) * scale / 2^32
static uint64_t base_tsc, base_ns, scale;
// Changes with them: an interrupt may do it in the middle of clock_ns().
static volatile uint32_t version;

static uint64_t hpet_read(void) {
    return hpet[HPET_COUNTER / 4];
}

static uint64_t pm_timer_read(void) {
    return io_in32(pm_timer_port) & PM_TIMER_MASK;
}

static uint64_t pit_read(void) {
    io_out8(PIT_CONTROL, PIT_LATCH);
    uint16_t count = io_in8(PIT_COUNTER);
    count |= io_in8(PIT_COUNTER) << 8;
    return (uint16_t)-count;
}

static uint64_t apic_read(void) {
    return UINT32_MAX - apic_timer_count();
}

static bool find_hpet(void) {
    const uint8_t *table = acpi_find("HPET", HPET_TABLE_SIZE);
    uint64_t addr = 0;
    if (table != 0) {
        memcpy(&addr, table + HPET_ADDR, sizeof(addr));
    }
    if (addr == 0 || addr >= UINT64_C(1) << 32) {
        return false;
    }
    hpet = (volatile uint32_t *)addr;
    uint32_t period_fs = hpet[HPET_CAPABILITIES / 4 + 1];
    if (period_fs == 0 || period_fs > HPET_PERIOD_FS_MAX) {
        return false;
    }
    hpet[HPET_CONFIGURATION / 4] |= HPET_ENABLE;
    reference = (reference_t) { "hpet", hpet_read, UINT32_MAX, period_fs };
    return true;
}

static bool find_pm_timer(void) {
    const acpi_fadt_t *fadt = acpi_fadt();
    if (fadt == 0 || (fadt->flags & ACPI_FADT_HARDWARE_REDUCED)) {
        return false;
    }
    pm_timer_port = fadt->pm_timer;
    if (fadt->x_pm_timer.space == ACPI_SPACE_IO && fadt->x_pm_timer.addr != 0) {
        pm_timer_port = fadt->x_pm_timer.addr;
    }
    if (pm_timer_port == 0 || io_in32(pm_timer_port) == UINT32_MAX) {
        return false;
    }
    reference = (reference_t) { "pm timer", pm_timer_read, PM_TIMER_MASK, PM_TIMER_PERIOD_FS };
    return true;
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

static bool find_apic(void) {
    if (!has_apic || !(hypervisor_is("TCGTCGTCGTCG") || hypervisor_is("KVMKVMKVM\0\0"))) {
        return false;
    }
    reference = (reference_t) { "apic", apic_read, UINT32_MAX, APIC_PERIOD_FS };
    return true;
}

static bool find_pit(void) {
    io_out8(PIT_CONTROL, PIT_MODE_2);
    io_out8(PIT_COUNTER, 0);
    io_out8(PIT_COUNTER, 0);
    uint64_t first = pit_read();
    for (unsigned i = 0; i < 1000; ++i) {
        if (pit_read() != first) {
            reference = (reference_t) { "pit", pit_read, UINT16_MAX, PIT_PERIOD_FS };
            return true;
        }
    }
    return false;
}

// The rate as the CPU or the hypervisor has it, or 0.
static uint64_t cpuid_hz(void) {
    if (cpu_cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR
        && cpu_cpuid(CPUID_HYPERVISOR, 0).eax >= CPUID_HYPERVISOR_TIMING) {
        uint64_t khz = cpu_cpuid(CPUID_HYPERVISOR_TIMING, 0).eax;
        if (khz != 0) {
            return khz * 1000;
        }
    }
    if (cpu_cpuid(0, 0).eax >= CPUID_TSC) {
        cpuid_t ratio = cpu_cpuid(CPUID_TSC, 0);
        if (ratio.eax != 0 && ratio.ebx != 0 && ratio.ecx != 0) {
            return (uint64_t)ratio.ecx * ratio.ebx / ratio.eax;
        }
    }
    return 0;
}

// The one whose reading was interrupted least.
static sample_t take_sample(void) {
    sample_t best = {0};
    uint64_t best_width = UINT64_MAX;
    for (unsigned i = 0; i < SAMPLES; ++i) {
        uint64_t before = cpu_tsc();
        uint64_t count = reference.read();
        uint64_t width = cpu_tsc() - before;
        if (width < best_width) {
            best_width = width;
            best = (sample_t) { before + width / 2, count };
        }
    }
    return best;
}

static uint64_t ns_between(const sample_t *from, const sample_t *to) {
    uint64_t count = (to->count - from->count) & reference.mask;
    return (unsigned __int128)count * reference.period_fs / FS_IN_NS;
}

static uint64_t hz_between(const sample_t *from, const sample_t *to) {
    return (unsigned __int128)(to->tsc - from->tsc) * 1000000000 / ns_between(from, to);
}

// Goes on from the present time with another rate.
static void set_rate(uint64_t hz) {
    uint64_t state = cpu_irq_save();
    uint64_t tsc = cpu_tsc();
    if (scale != 0) {
        base_ns += (unsigned __int128)(tsc - base_tsc) * scale >> 32;
        base_tsc = tsc;
    }
    version++;
    tsc_hz = hz;
    scale = (UINT64_C(1000000000) << 32) / hz;
    cpu_irq_restore(state);
}

void clock_init(bool apic) {
    base_tsc = cpu_tsc();
    has_apic = apic;
    if (has_apic) {
        apic_timer_start(UINT32_MAX);
    }
    uint64_t hz = cpuid_hz();
    if (hz != 0) {
        reference.name = "cpuid";
        set_rate(hz);
    } else if (find_hpet() || find_pm_timer() || find_apic() || find_pit()) {
        start = take_sample();
    } else if (cpu_cpuid(0, 0).eax >= CPUID_FREQUENCY && (cpu_cpuid(CPUID_FREQUENCY, 0).eax & 0xffff) != 0) {
        // The marketing department's figure.
        reference.name = "cpuid";
        set_rate((cpu_cpuid(CPUID_FREQUENCY, 0).eax & 0xffff) * UINT64_C(1000000));
    } else {
        set_rate(GUESS_HZ);
    }
}

static void measure(void) {
    uint64_t state = cpu_irq_save();
    if (scale == 0) {
        if (reference.mask == UINT16_MAX) {
            // It may have gone round since.
            start = take_sample();
        }
        sample_t now;
        do {
            now = take_sample();
        } while (ns_between(&start, &now) < MEASURE_MIN_NS);
        set_rate(hz_between(&start, &now));
    }
    cpu_irq_restore(state);
}

// Starts the APIC's timer over and sees how far it comes in a while.
static void measure_apic(void) {
    uint64_t state = cpu_irq_save();
    uint32_t count = apic_timer_count();
    uint64_t ns = clock_ns();
    if (count == 0) {
        apic_timer_start(UINT32_MAX);
        uint64_t from = ns;
        do {
            count = apic_timer_count();
            ns = clock_ns() - from;
        } while (ns < MEASURE_MIN_NS);
    }
    apic_timer_start(0);
    apic_ticks_per_ms = (uint64_t)(UINT32_MAX - count) * NS_IN_MS / ns;
    if (apic_ticks_per_ms == 0) {
        apic_ticks_per_ms = 1;
    }
    cpu_irq_restore(state);
}

uint64_t clock_ns(void) {
    if (scale == 0) {
        measure();
    }
    uint64_t ns;
    uint32_t before;
    do {
        before = version;
        ns = base_ns + (uint64_t)((unsigned __int128)(cpu_tsc() - base_tsc) * scale >> 32);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
    } while (before != version);
    return ns;
}

uint64_t clock_tsc_hz(void) {
    clock_ns();
    return tsc_hz;
}

const char *clock_source(void) {
    return reference.name;
}

uint64_t clock_refine(void) {
    clock_ns();
    // The APIC's timer has other work from now on.
    if (reference.read == 0 || reference.read == apic_read) {
        return 0;
    }
    uint64_t max = reference.mask * reference.period_fs / FS_IN_NS / 2;
    max = max < MEASURE_MAX_NS ? max : MEASURE_MAX_NS;
    sample_t now = take_sample();
    uint64_t window = (unsigned __int128)(now.tsc - start.tsc) * 1000000000 / tsc_hz;
    if (window < max + max / 2) {
        uint64_t hz = hz_between(&start, &now);
        // Farther off than any measurement can be: the machine stood still meanwhile.
        if (hz > tsc_hz - tsc_hz / 64 && hz < tsc_hz + tsc_hz / 64) {
            set_rate(hz);
        }
    }
    if (window >= max) {
        return 0;
    }
    window *= MEASURE_GROWTH - 1;
    return window < max ? window : max;
}

uint32_t clock_apic_ticks(uint64_t ns) {
    if (apic_ticks_per_ms == 0) {
        measure_apic();
    }
    uint64_t max = UINT64_C(0xffffffff) * NS_IN_MS / apic_ticks_per_ms;
    if (ns > max) {
        return UINT32_MAX;
    }
    uint64_t ticks = ns * apic_ticks_per_ms / NS_IN_MS;
    return ticks > 0 ? ticks : 1;
}
