#include <limits.h>
#include <string.h>

#include "py/cstack.h"
#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"

#include "boot/handoff.h"
#include "boot/percpu.h"
#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/libc.h"
#include "cpu/local_apic.h"
#include "cpu/timer.h"
#include "firmware/madt.h"
#include "frames/frames.h"
#include "memory/space.h"
#include "mpy/calls.h"
#include "mpy/collect.h"
#include "mpy/cpus.h"
#include "mpy/filesystem.h"
#include "mpy/heap.h"
#include "mpy/interrupt.h"
#include "mpy/modcalls.h"
#include "mpy/native.h"
#include "mpy/thread.h"

enum {
    INIT_MS = 10,           // SDM 3A 8.4.4.1
    LOW_END = 0x100000,     // where a CPU can begin
    XAPIC_ID_MAX = 254,
    FIRST_HEAP = 16,        // frames, from which a heap grows
};

SHARED static bool used;
static char *first_heap;    // this CPU's
SHARED static unsigned limit = CPUS_MAX;

typedef struct {
    uint32_t ids[CPUS_MAX];
    unsigned count;
    unsigned left_out;
    bool wide; // some have names that take x2APIC
} found_t;

void cpus_set_limit(unsigned count) {
    limit = count;
}

// A fresh one: calls are all that it does.
static _Noreturn void run_interpreter(void) {
    mp_cstack_init_with_top(stack_top, stack_top - stack_bottom);
    heap_reset();
    native_reset();
    collect_reset();
    filesystem_reset();
    gc_init(first_heap, first_heap + FIRST_HEAP * FRAMES_SIZE);
    mp_init();
    for (;;) {
        mp_handle_pending(false);
        if (!modcalls_serve()) {
            mp_hal_wait(ULONG_MAX);
        }
    }
}

static void enter(void) {
    space_cpu_init();
    libc_init();
    irq_join();
    timer_init();
    thread_end_others();
    interrupt_join();
    cpus_join();
    cpu_irq_on();
    run_interpreter();
}

static void note(void *context, uint32_t id) {
    found_t *found = context;
    bool known = id == local_apic_id();
    for (unsigned i = 0; i < found->count; ++i) {
        known |= found->ids[i] == id;
    }
    if (known) {
        return;
    }
    if (found->count + 1 >= CPUS_MAX) {
        found->left_out++;
        return;
    }
    found->ids[found->count++] = id;
    found->wide |= id > XAPIC_ID_MAX;
}

static void start_all(const found_t *found, uint64_t trampoline) {
    memcpy((void *)trampoline, cpus_trampoline, cpus_trampoline_end - cpus_trampoline);
    cpus_init();
    cpus_set_entry(enter);
    irq_set_handler(IRQ_VECTOR_CPUS, calls_interrupt, NULL);
    for (unsigned i = 0; i < found->count; ++i) {
        cpus_reset(found->ids[i]);
    }
    mp_hal_delay_ms(INIT_MS);
    for (unsigned i = 0; i < found->count; ++i) {
        space_cpu_t cpu;
        uint64_t heap = frames_alloc_kernel(FIRST_HEAP, FRAMES_SIZE, 0);
        if (frames_failed(heap) || !space_add_cpu(&cpu)) {
            if (!frames_failed(heap)) {
                frames_free_kernel(heap, FIRST_HEAP);
            }
            mp_printf(&mp_plat_print, "cpus: no memory for more than %u of %u\n", cpus_count, found->count + 1);
            return;
        }
        *(uint64_t *)(cpu.memory + ((char *)&first_heap - percpu_start)) = heap;
        if (!cpus_start(found->ids[i], cpu.memory, cpu.root, trampoline)) {
            mp_printf(&mp_plat_print, "cpus: the one with APIC id %u does not start\n", (unsigned)found->ids[i]);
            space_remove_cpu(&cpu);
            frames_free_kernel(heap, FIRST_HEAP);
        }
    }
}

void cpus_use(void) {
    if (used || !mp_hal_has_timer()) {
        return;
    }
    used = true;
    found_t found = { 0 };
    madt_cpus(note, &found);
    if (found.left_out > 0) {
        mp_printf(&mp_plat_print, "cpus: %u more than %u are left out\n", found.left_out, CPUS_MAX);
    }
    found.count = MIN(found.count, limit - 1);
    if (found.wide && !local_apic_use_x2apic()) {
        mp_printf(&mp_plat_print, "cpus: no x2APIC for APIC ids above %u: none is started\n", XAPIC_ID_MAX);
        return;
    }
    if (found.count == 0) {
        return;
    }
    // It is measured once, for all.
    clock_apic_ticks(0);
    uint64_t trampoline = frames_alloc_kernel(1, FRAMES_SIZE, LOW_END);
    if (frames_failed(trampoline)) {
        mp_printf(&mp_plat_print, "cpus: no frame below 1 MiB to start others from\n");
    } else if (frames_share(1 + found.count) != FRAMES_OK) {
        mp_printf(&mp_plat_print, "cpus: no memory to share with others\n");
    } else {
        start_all(&found, trampoline);
    }
    if (!frames_failed(trampoline)) {
        frames_free_kernel(trampoline, 1);
    }
}

void cpus_end(void) {
    cpus_stop();
    used = false;
}
