#include <limits.h>
#include <string.h>

#include "py/cstack.h"
#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mphal.h"
#include "py/runtime.h"

#include "boot/handoff.h"
#include "boot/percpu.h"
#include "cpu/ask.h"
#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/libc.h"
#include "cpu/local_apic.h"
#include "cpu/timer.h"
#include "devices/screen.h"
#include "firmware/madt.h"
#include "frames/frames.h"
#include "memory/space.h"
#include "mpy/calls.h"
#include "mpy/collect.h"
#include "mpy/cpus.h"
#include "mpy/filesystem.h"
#include "mpy/heap.h"
#include "mpy/holding.h"
#include "mpy/interrupt.h"
#include "mpy/message.h"
#include "mpy/modcalls.h"
#include "mpy/modmachine.h"
#include "mpy/modpages.h"
#include "mpy/modsync.h"
#include "mpy/native.h"
#include "mpy/network.h"
#include "mpy/thread.h"
#include "mpy/tls.h"
#include "panic.h"

enum {
    LOW_END = 0x100000,     // where a CPU can begin
    XAPIC_ID_MAX = 254,
    HEAP_FRAMES = 64,       // that an interpreter begins with
    REST_FRAMES = 1024,     // to which its heap may grow before it is collected when it has nothing to do
};
#define INIT_NS UINT64_C(10000000)   // SDM 3A 8.4.4.1
#define NOTICE_NS UINT64_C(1000000000)
#define END_NS  UINT64_C(60000000000)   // what it has may be much, and the host busy

SHARED static bool used;
SHARED static unsigned limit = CPUS_MAX;

typedef struct {
    uint32_t ids[CPUS_MAX]; // of those that are to be started; in the end, of those that do not start
    unsigned count;
    unsigned wide;          // how many of them have ids that take x2APIC
    bool has_x2apic;
    // Those that are left out: beyond CPUS_MAX, for want of memory, and why none is started at all.
    unsigned too_many;
    unsigned no_memory;
    const char *problem;
} found_t;

void cpus_set_limit(unsigned count) {
    limit = count;
}

// --- On the others --------------------------------------------------------------------------

// It has an interpreter, in which the program can be ended.
static bool running;
// By the CPU's number: its interpreter is to end, and how often it has.
SHARED static uint32_t end_asked[CPUS_MAX];
SHARED static uint32_t ended_count[CPUS_MAX];
SHARED static bool all_end; // and no interpreter begins

static bool is_to_end(void) {
    return __atomic_exchange_n(&end_asked[cpus_number], 0, __ATOMIC_SEQ_CST);
}

static void has_ended(void) {
    __atomic_add_fetch(&ended_count[cpus_number], 1, __ATOMIC_SEQ_CST);
}

static void on_interrupt(void *context) {
    ask_answer();
    calls_interrupt(context);
    // On the way there, and back, it sees to it itself.
    if (running && is_to_end()) {
        interrupt_end();
    }
}

// Whatever it had, wherever it was left.
static void free_interpreter(uint64_t heap) {
    thread_end_others();
    calls_reset();
    message_reset();
    pages_close_all();
    sync_reset();
    mp_hal_reset_console();
    machine_deinit();
    native_free();
    // The rest of the heap.
    paging_page_t page;
    while (space_next(SPACE_HEAP, &page) && page.va < SPACE_HEAP_END) {
        uint64_t count = page.size / PAGING_SIZE;
        if (space_unmap(page.va, count, PAGING_OWN) != PAGING_OK
            || frames_free_kernel(page.addr, count) != FRAMES_OK) {
            panic("an interpreter's frames were not its own");
        }
    }
    if (frames_free_kernel(heap, HEAP_FRAMES) != FRAMES_OK) {
        panic("an interpreter's heap was not its own");
    }
}

// Garbage here is memory that no other CPU can have, and maybe nothing comes that would collect it.
static void collect_at_rest(size_t *settled) {
    if (heap_frames() <= 2 * *settled + REST_FRAMES || !MP_STATE_MEM(gc_auto_collect_enabled)) {
        return;
    }
    nlr_buf_t nlr;
    if (nlr_push(&nlr) == 0) {
        gc_collect();
        nlr_pop();
    }
    *settled = heap_frames();
}

static void run_interpreter(uint64_t heap) {
    mp_cstack_init_with_top(stack_top, stack_top - stack_bottom);
    heap_reset();
    native_reset();
    collect_reset();
    filesystem_reset();
    tls_reset();
    gc_init((void *)heap, (void *)(heap + HEAP_FRAMES * FRAMES_SIZE));
    mp_init();
    network_init();
    running = true;
    if (is_to_end()) {
        interrupt_end();
    }
    size_t settled = 0;
    for (;;) {
        mp_handle_pending(false);
        if (!modcalls_serve()) {
            collect_at_rest(&settled);
            mp_hal_wait(ULONG_MAX);
        }
    }
}

static message_t *has_no_memory(const message_t *call, bool *raised) {
    (void)call;
    *raised = true;
    return NULL;
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
    for (;;) {
        if (is_to_end()) {
            has_ended();
        }
        if (!calls_busy(cpus_number) || __atomic_load_n(&all_end, __ATOMIC_SEQ_CST)) {
            irq_wait();
            continue;
        }
        uint64_t heap = frames_alloc_kernel(HEAP_FRAMES, FRAMES_SIZE, 0);
        if (frames_failed(heap)) {
            calls_serve(has_no_memory);
            continue;
        }
        nlr_buf_t nlr;
        if (nlr_push(&nlr) == 0) {
            interrupt_set_end(&nlr);
            run_interpreter(heap);
        } else if (nlr.ret_val != NULL) {
            nlr_jump_fail(nlr.ret_val);
        }
        running = false;
        interrupt_set_end(NULL);
        free_interpreter(heap);
        has_ended();
    }
}

// --- Their start ----------------------------------------------------------------------------

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
        found->too_many++;
        return;
    }
    found->ids[found->count++] = id;
    found->wide += id > XAPIC_ID_MAX;
}

static void leave_out_wide(found_t *found) {
    unsigned count = 0;
    for (unsigned i = 0; i < found->count; ++i) {
        if (found->ids[i] <= XAPIC_ID_MAX) {
            found->ids[count++] = found->ids[i];
        }
    }
    found->count = count;
}

static void start_each(found_t *found, uint64_t trampoline) {
    memcpy((void *)trampoline, cpus_trampoline, cpus_trampoline_end - cpus_trampoline);
    cpus_init();
    ask_init();
    cpus_set_entry(enter);
    irq_set_handler(IRQ_VECTOR_CPUS, on_interrupt, 0);
    for (unsigned i = 0; i < found->count; ++i) {
        cpus_reset(found->ids[i]);
    }
    for (uint64_t end = clock_ns() + INIT_NS; clock_ns() < end;) {
        cpu_pause();
    }
    unsigned count = found->count;
    found->count = 0;
    for (unsigned i = 0; i < count; ++i) {
        space_cpu_t cpu;
        if (!space_add_cpu(&cpu)) {
            found->no_memory = count - i;
            return;
        }
        if (!cpus_start(found->ids[i], cpu.memory, cpu.root, trampoline)) {
            found->ids[found->count++] = found->ids[i];
            space_remove_cpu(&cpu);
        }
    }
}

// It is not left in the middle: it says nothing and looks for no Ctrl-C.
static HOLDING void start(found_t *found) {
    madt_cpus(note, found);
    found->has_x2apic = found->wide == 0 || local_apic_use_x2apic();
    if (!found->has_x2apic) {
        leave_out_wide(found);
    }
    found->count = MIN(found->count, limit - 1);
    if (found->count == 0) {
        return;
    }
    // It is measured once, for all.
    clock_apic_ticks(0);
    uint64_t trampoline = frames_alloc_kernel(1, FRAMES_SIZE, LOW_END);
    if (frames_failed(trampoline)) {
        found->problem = "no frame below 1 MiB to start others from";
    } else {
        if (frames_share(1 + found->count) != FRAMES_OK) {
            found->problem = "no memory to share with others";
        } else {
            start_each(found, trampoline);
        }
        frames_free_kernel(trampoline, 1);
    }
}

bool cpus_are_used(void) {
    return used || !mp_hal_has_timer();
}

void cpus_use(void) {
    if (cpus_are_used()) {
        return;
    }
    used = true;
    found_t found = { 0 };
    start(&found);
    if (found.too_many > 0) {
        mp_printf(&mp_plat_print, "cpus: %u more than %u are left out\n", found.too_many, CPUS_MAX);
    }
    if (!found.has_x2apic) {
        mp_printf(&mp_plat_print, "cpus: %u with APIC ids above %u are left out: there is no x2APIC\n",
            found.wide, XAPIC_ID_MAX);
    }
    if (found.problem != NULL) {
        mp_printf(&mp_plat_print, "cpus: %s\n", found.problem);
        // Nothing has been done: the next call may find more memory.
        used = false;
        return;
    }
    for (unsigned i = 0; i < found.count; ++i) {
        mp_printf(&mp_plat_print, "cpus: the one with APIC id %u does not start\n", (unsigned)found.ids[i]);
    }
    if (found.no_memory > 0) {
        mp_printf(&mp_plat_print, "cpus: no memory for %u more than %u\n", found.no_memory, cpus_count);
    }
}

static uint32_t ask_to_end(unsigned number) {
    uint32_t before = __atomic_load_n(&ended_count[number], __ATOMIC_SEQ_CST);
    __atomic_store_n(&end_asked[number], 1, __ATOMIC_SEQ_CST);
    cpus_interrupt(number);
    return before;
}

static bool end_is_awaited(unsigned number, uint32_t before, uint64_t start) {
    if (__atomic_load_n(&ended_count[number], __ATOMIC_SEQ_CST) != before) {
        return false;
    }
    uint64_t passed = clock_ns() - start;
    // One that has not noticed yet shall not later.
    if (passed >= END_NS
        || (passed >= NOTICE_NS && __atomic_exchange_n(&end_asked[number], 0, __ATOMIC_SEQ_CST))) {
        return false;
    }
    cpu_pause();
    return true;
}

bool cpus_reset_interpreter(unsigned number) {
    uint64_t start = clock_ns();
    uint32_t before = ask_to_end(number);
    while (end_is_awaited(number, before, start)) {
        mp_event_handle_nowait();
    }
    return __atomic_load_n(&ended_count[number], __ATOMIC_SEQ_CST) != before;
}

bool cpus_end(void) {
    uint32_t before[CPUS_MAX];
    __atomic_store_n(&all_end, true, __ATOMIC_SEQ_CST);
    uint64_t start = clock_ns();
    for (unsigned i = 1; i < cpus_count; ++i) {
        before[i] = ask_to_end(i);
    }
    bool done = true;
    for (unsigned i = 1; i < cpus_count; ++i) {
        while (end_is_awaited(i, before[i], start)) {
        }
        done &= __atomic_load_n(&ended_count[i], __ATOMIC_SEQ_CST) != before[i];
    }
    cpus_stop();
    used = all_end = false;
    memset(end_asked, 0, sizeof(end_asked));
    screen_take_over();
    mp_hal_take_line();
    return done;
}
