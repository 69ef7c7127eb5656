#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/io.h"
#include "cpu/timer.h"
#include "devices/dma.h"
#include "devices/io_apic.h"
#include "devices/msi.h"

#define STOP_NS UINT64_C(1000000000)
#define TICK_NS UINT64_C(10000000)

typedef struct entry {
    dma_device_t how;
    struct entry *next; // that interrupts by the same vector
    uint32_t causes;
    unsigned waiter;    // the number of a CPU, + 1
    void (*function)(void *);
    void *context;
    bool interrupts;
    bool messages;
    uint32_t input;     // of an I/O APIC, + 1
    bool stopped;
} entry_t;

static entry_t entries[DMA_DEVICES_MAX];
static unsigned count;

static uint32_t read32(uint64_t va) {
    return *(volatile uint32_t *)va;
}

static void write32(uint64_t va, uint32_t value) {
    *(volatile uint32_t *)va = value;
}

static void look_at(entry_t *entry) {
    const dma_device_t *how = &entry->how;
    if (how->cause != 0) {
        uint32_t cause = read32(how->cause);
        __atomic_fetch_or(&entry->causes, cause, __ATOMIC_RELAXED);
        write32(how->clear, cause);
    }
    if (how->summary != 0) {
        write32(how->summary, how->summary_value);
    }
    unsigned waiter = __atomic_load_n(&entry->waiter, __ATOMIC_RELAXED);
    if (waiter != 0 && waiter != cpus_number + 1) {
        cpus_interrupt(waiter - 1);
    }
    if (entry->function != 0) {
        entry->function(entry->context);
    }
}

static void on_interrupt(void *context) {
    for (entry_t *entry = context; entry != 0; entry = entry->next) {
        look_at(entry);
    }
}

int dma_add(const dma_device_t *device) {
    if (count == DMA_DEVICES_MAX) {
        return -1;
    }
    entries[count] = (entry_t) { .how = *device };
    return count++;
}

bool dma_is(uint64_t number) {
    return number < count;
}

bool dma_use_msi(unsigned number, uint64_t *addr, uint32_t *data) {
    uint8_t vector = msi_vector(on_interrupt, &entries[number]);
    msi_t message;
    if (vector == 0 || !msi_message(vector, &message)) {
        return false;
    }
    *addr = message.addr;
    *data = message.data;
    entries[number].interrupts = entries[number].messages = true;
    return true;
}

void dma_share(unsigned number, unsigned with) {
    entries[number].next = entries[with].next;
    entries[number].interrupts = entries[with].interrupts;
    entries[number].messages = entries[with].messages;
    entries[with].next = &entries[number];
}

bool dma_use_input(unsigned number, uint32_t global) {
    for (unsigned i = 0; i < count; ++i) {
        if (i != number && entries[i].input == global + 1 && entries[i].interrupts) {
            dma_share(number, i);
            return true;
        }
    }
    uint8_t vector = msi_vector(on_interrupt, &entries[number]);
    entries[number].interrupts = vector != 0 && io_apic_install(global, vector);
    entries[number].input = entries[number].interrupts ? global + 1 : 0;
    return entries[number].interrupts;
}

bool dma_has_messages(unsigned number) {
    return entries[number].messages;
}

void dma_on_interrupt(unsigned number, void (*function)(void *context), void *context) {
    entries[number].context = context;
    __atomic_store_n(&entries[number].function, function, __ATOMIC_RELEASE);
}

void dma_look(unsigned number) {
    look_at(&entries[number]);
}

void dma_wait(unsigned number) {
    entry_t *entry = &entries[number];
    if (!entry->interrupts) {
        cpu_pause();
        return;
    }
    timer_entry_t tick = { 0 };
    timer_start(&tick, clock_ns() + TICK_NS);
    __atomic_store_n(&entry->waiter, cpus_number + 1, __ATOMIC_RELAXED);
    irq_wait();
    timer_stop(&tick);
}

uint32_t dma_causes(unsigned number) {
    return __atomic_exchange_n(&entries[number].causes, 0, __ATOMIC_RELAXED);
}

bool dma_is_gone(unsigned number) {
    const dma_device_t *how = &entries[number].how;
    if (how->alive == 0) {
        return false;
    }
    uint32_t value = read32(how->alive);
    return value == UINT32_MAX || (how->alive_mask != 0 && !(value & how->alive_mask));
}

bool dma_stop(unsigned number) {
    entry_t *entry = &entries[number];
    const dma_device_t *how = &entry->how;
    if (entry->stopped) {
        return true;
    }
    if (how->also != 0) {
        write32(how->also, 0);
    }
    if (how->stop_size == 1) {
        *(volatile uint8_t *)how->stop = how->stop_value;
    } else {
        write32(how->stop, how->stop_value);
    }
    uint64_t end = clock_ns() + STOP_NS;
    do {
        uint32_t state = how->stop_size == 1 ? *(volatile uint8_t *)how->stopped : read32(how->stopped);
        entry->stopped = !(state & how->stopped_mask) || dma_is_gone(number);
    } while (!entry->stopped && clock_ns() < end);
    return entry->stopped;
}

bool dma_is_stopped(unsigned number) {
    return entries[number].stopped;
}

void dma_reset(void) {
    for (unsigned i = 0; i < count; ++i) {
        dma_stop(i);
        if (entries[i].input != 0) {
            io_apic_uninstall(entries[i].input - 1);
        }
    }
    count = 0;
    msi_reset();
}
