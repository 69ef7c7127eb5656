#include "cpu/clock.h"
#include "cpu/io.h"
#include "cpu/local_apic.h"

enum {
    NS_IN_MS = 1000000,
    MEASURE_MIN_NS = NS_IN_MS,
    MEASURE_MAX_NS = 2000000000,
    MEASURE_GROWTH = 8,
    SAMPLES = 5,
    GUESS_HZ = 1000000000,
    // No CPU with long mode is as slow, none as fast.
    HZ_MIN = 10000000,
    // A reference that has not come on after as many samples stands still; so many in all take less
    // than a second, and far more than MEASURE_MIN_NS.
    STILL_SAMPLES = 2000,
    SAMPLES_MAX = 100000,

    // SDM 2A CPUID.
    CPUID_1_ECX_HYPERVISOR = 1 << 31,
    CPUID_TSC = 0x15,
    CPUID_FREQUENCY = 0x16,
    // What KVM and others have agreed on: EAX is the TSC's rate in kHz.
    CPUID_HYPERVISOR = 0x40000000,
    CPUID_HYPERVISOR_TIMING = 0x40000010,
};
#define FS_IN_NS UINT64_C(1000000)
#define HZ_MAX UINT64_C(100000000000)

typedef struct {
    uint64_t tsc;
    uint64_t count;
} sample_t;

static const clock_finder_t *finders; // those that have not been asked yet
static size_t finder_count;
static clock_reference_t reference;
static sample_t start;
static uint64_t tsc_hz;
static bool has_apic;
static uint64_t apic_ticks_per_ms;

// ns = base_ns + (tsc - base_tsc) * scale / 2^32
static uint64_t base_tsc, base_ns, scale;
// Odd while they change: an interrupt may do it in the middle of clock_ns(), and another CPU at any time.
static uint32_t version;

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

// 0: no time has gone by.
static uint64_t hz_between(const sample_t *from, const sample_t *to) {
    uint64_t ns = ns_between(from, to);
    return ns != 0 ? (unsigned __int128)(to->tsc - from->tsc) * 1000000000 / ns : 0;
}

// Goes on from the present time with another rate.
static void set_rate(uint64_t hz) {
    uint64_t state = cpu_irq_save();
    __atomic_store_n(&version, version + 1, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    uint64_t tsc = cpu_tsc();
    if (scale != 0) {
        base_ns += (unsigned __int128)(tsc - base_tsc) * scale >> 32;
        base_tsc = tsc;
    }
    tsc_hz = hz;
    scale = (UINT64_C(1000000000) << 32) / hz;
    __atomic_store_n(&version, version + 1, __ATOMIC_RELEASE);
    cpu_irq_restore(state);
}

// Takes the next reference that is there, or else a rate from elsewhere.
static void next_reference(void) {
    while (finder_count > 0) {
        finder_count--;
        if ((*finders++)(&reference)) {
            start = take_sample();
            return;
        }
    }
    uint32_t mhz = cpu_cpuid(0, 0).eax >= CPUID_FREQUENCY ? cpu_cpuid(CPUID_FREQUENCY, 0).eax & 0xffff : 0;
    // The marketing department's figure, where there is one.
    reference = (clock_reference_t) { .name = mhz != 0 ? "cpuid" : "guess" };
    set_rate(mhz != 0 ? mhz * UINT64_C(1000000) : GUESS_HZ);
}

void clock_init(const clock_finder_t *references, size_t count, bool apic) {
    base_tsc = cpu_tsc();
    has_apic = apic;
    if (has_apic) {
        local_apic_timer_start(UINT32_MAX);
    }
    uint64_t hz = cpuid_hz();
    if (hz != 0) {
        reference.name = "cpuid";
        set_rate(hz);
    } else {
        finders = references;
        finder_count = count;
        next_reference();
    }
}

// The TSC's rate by the reference; 0: it does not count, or makes no sense.
static uint64_t measured_hz(void) {
    if (reference.mask == UINT16_MAX) {
        // It may have gone round since.
        start = take_sample();
    }
    uint64_t last = start.count;
    unsigned still = 0;
    for (unsigned i = 0; i < SAMPLES_MAX && still < STILL_SAMPLES; ++i) {
        sample_t now = take_sample();
        if (ns_between(&start, &now) >= MEASURE_MIN_NS) {
            uint64_t hz = hz_between(&start, &now);
            return hz >= HZ_MIN && hz <= HZ_MAX ? hz : 0;
        }
        still = now.count == last ? still + 1 : 0;
        last = now.count;
    }
    return 0;
}

static void measure(void) {
    uint64_t state = cpu_irq_save();
    while (scale == 0) {
        uint64_t hz = measured_hz();
        if (hz != 0) {
            set_rate(hz);
        } else {
            next_reference();
        }
    }
    cpu_irq_restore(state);
}

// Starts the APIC's timer over and sees how far it comes in a while.
static void measure_apic(void) {
    uint64_t state = cpu_irq_save();
    uint32_t count = local_apic_timer_count();
    uint64_t ns = clock_ns();
    if (count == 0) {
        local_apic_timer_start(UINT32_MAX);
        uint64_t from = ns;
        do {
            count = local_apic_timer_count();
            ns = clock_ns() - from;
        } while (ns < MEASURE_MIN_NS);
    }
    local_apic_timer_start(0);
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
        before = __atomic_load_n(&version, __ATOMIC_ACQUIRE);
        ns = base_ns + (uint64_t)((unsigned __int128)(cpu_tsc() - base_tsc) * scale >> 32);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
    } while (before % 2 != 0 || before != __atomic_load_n(&version, __ATOMIC_RELAXED));
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
    if (reference.read == 0 || reference.once) {
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
