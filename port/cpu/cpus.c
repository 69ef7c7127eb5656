#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/local_apic.h"
#include "cpu/lock.h"
#include "cpu/mtrr.h"
#include "cpu/trap.h"

enum {
    VECTOR_NMI = 2,
    TSC_ROUNDS = 5,
    MSR_TSC = 0x10,
    STOP_LOOKS = 20000000,  // seconds, whatever the CPU
};
// SDM 3A 8.4.4.1.
#define SIPI_NS   UINT64_C(200000)
#define START_NS  UINT64_C(1000000000)

PERCPU unsigned cpus_number;
unsigned cpus_count = 1;
uint32_t cpus_epoch = 1;
cpu_t cpus[CPUS_MAX];

static void (*entry_function)(void);
static trap_handler_t next_nmi_handler;

// Read by the boot code: the page tables of the CPU that is being started.
extern uint64_t cpus_start_root;
uint64_t cpus_start_root;

// The start of one CPU at a time: what it has come to, and the measurement of its TSC's offset.
static volatile uint32_t arrived, round_asked, round_answered, joined;
static volatile uint64_t their_tsc;
static volatile int64_t their_offset;

static lock_t ask_lock;
static void (*ask_function)(void *);
static void *ask_context;
static uint32_t panicking; // 1 + the number of the CPU that does
static volatile bool stopping;

static bool on_nmi(trap_frame_t *frame) {
    cpu_t *self = &cpus[cpus_number];
    uint32_t who = __atomic_load_n(&panicking, __ATOMIC_ACQUIRE);
    if ((stopping && cpus_number != 0) || (who != 0 && who != cpus_number + 1)) {
        __atomic_store_n(&self->parked, 1, __ATOMIC_RELEASE);
        cpu_halt();
    }
    if (__atomic_load_n(&self->asked, __ATOMIC_ACQUIRE)) {
        ask_function(ask_context);
        __atomic_store_n(&self->asked, 0, __ATOMIC_RELEASE);
        return true;
    }
    // Asked by a CPU that has been stopped since.
    return stopping || (next_nmi_handler != 0 && next_nmi_handler(frame));
}

void cpus_init(void) {
    cpus[0].memory = percpu_load;
    cpus[0].apic_id = local_apic_id();
    if (next_nmi_handler == 0) {
        next_nmi_handler = trap_set_handler(VECTOR_NMI, on_nmi);
    }
}

void cpus_set_entry(void (*entry)(void)) {
    entry_function = entry;
}

void cpus_reset(uint32_t apic_id) {
    local_apic_send(apic_id, LOCAL_APIC_INIT);
}

static bool wait_for(volatile uint32_t *flag, uint32_t value, uint64_t ns) {
    uint64_t end = clock_ns() + ns;
    while (*flag != value) {
        if (clock_ns() > end) {
            return *flag == value;
        }
        cpu_pause();
    }
    return true;
}

// How far the other CPU's TSC is ahead, by the round that took least time; 0: no farther than that tells.
static bool measure_tsc(void) {
    uint64_t best = UINT64_MAX;
    int64_t offset = 0;
    for (uint32_t i = 1; i <= TSC_ROUNDS; ++i) {
        uint64_t state = cpu_irq_save();
        uint64_t before = cpu_tsc();
        round_asked = i;
        bool answered = wait_for(&round_answered, i, START_NS);
        uint64_t width = cpu_tsc() - before;
        cpu_irq_restore(state);
        if (!answered) {
            return false;
        }
        if (width < best) {
            best = width;
            offset = (int64_t)(their_tsc - (before + width / 2));
        }
    }
    bool differs = offset > (int64_t)best || -offset > (int64_t)best;
    their_offset = differs ? offset : 0;
    round_asked = TSC_ROUNDS + 1;
    return true;
}

bool cpus_start(uint32_t apic_id, char *memory, uint64_t root, uint64_t trampoline) {
    unsigned number = cpus_count;
    cpus[number] = (cpu_t) { .memory = memory, .apic_id = apic_id };
    *CPUS_OF(number, cpus_number) = number;
    cpus_start_root = root;
    arrived = round_asked = round_answered = joined = 0;
    mtrr_save();
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    local_apic_send(apic_id, LOCAL_APIC_START | trampoline >> 12);
    if (!wait_for(&arrived, 1, SIPI_NS)) {
        local_apic_send(apic_id, LOCAL_APIC_START | trampoline >> 12);
    }
    if (wait_for(&arrived, 1, START_NS) && measure_tsc() && wait_for(&joined, 1, START_NS)) {
        __atomic_store_n(&cpus_count, number + 1, __ATOMIC_SEQ_CST);
        return true;
    }
    cpus_reset(apic_id);
    return false;
}

void cpus_join(void) {
    arrived = 1;
    for (uint32_t i = 1; i <= TSC_ROUNDS; ++i) {
        while (round_asked != i) {
            cpu_pause();
        }
        their_tsc = cpu_tsc();
        round_answered = i;
    }
    while (round_asked != TSC_ROUNDS + 1) {
        cpu_pause();
    }
    if (their_offset != 0) {
        cpu_wrmsr(MSR_TSC, cpu_tsc() - their_offset);
    }
    mtrr_load();
    unsigned number = cpus_number;
    joined = 1;
    while (__atomic_load_n(&cpus_count, __ATOMIC_ACQUIRE) <= number) {
        cpu_pause();
    }
}

void cpus_enter(void) {
    entry_function();
    cpu_halt();
}

void cpus_run_on_others(void (*function)(void *), void *context) {
    lock_take(&ask_lock);
    ask_function = function;
    ask_context = context;
    for (unsigned i = 0; i < cpus_count; ++i) {
        if (i != cpus_number) {
            __atomic_store_n(&cpus[i].asked, 1, __ATOMIC_SEQ_CST);
            local_apic_send(cpus[i].apic_id, LOCAL_APIC_NMI);
        }
    }
    for (unsigned i = 0; i < cpus_count; ++i) {
        while (__atomic_load_n(&cpus[i].asked, __ATOMIC_ACQUIRE) && i != cpus_number) {
            cpu_pause();
        }
    }
    lock_release(&ask_lock);
}

static void pass_barrier(void *context) {
    (void)context;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

void cpus_barrier(void) {
    if (cpus_count > 1) {
        cpus_run_on_others(pass_barrier, 0);
    }
}

void cpus_interrupt(unsigned number) {
    local_apic_send(cpus[number].apic_id, IRQ_VECTOR_CPUS);
}

static void stop_others(void) {
    for (unsigned i = 0; i < cpus_count; ++i) {
        if (i != cpus_number) {
            local_apic_send(cpus[i].apic_id, LOCAL_APIC_NMI);
        }
    }
    // A panic may have come in the middle of the clock.
    unsigned left = STOP_LOOKS;
    for (unsigned i = 0; i < cpus_count; ++i) {
        while (i != cpus_number && !__atomic_load_n(&cpus[i].parked, __ATOMIC_ACQUIRE) && left > 0) {
            --left;
            cpu_pause();
        }
    }
}

bool cpus_panic(void) {
    uint32_t none = 0;
    if (!__atomic_compare_exchange_n(&panicking, &none, cpus_number + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        return none == cpus_number + 1;
    }
    if (cpus_count > 1) {
        stop_others();
        cpus_count = 1;
    }
    return true;
}

void cpus_stop(void) {
    if (cpus_count == 1) {
        return;
    }
    stopping = true;
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    stop_others();
    for (unsigned i = 1; i < cpus_count; ++i) {
        cpus_reset(cpus[i].apic_id);
    }
    cpus_count = 1;
    cpus[0].asked = 0;
    ++cpus_epoch;
    stopping = false;
}
