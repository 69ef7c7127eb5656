#include <string.h>

#include "cpu/clock.h"
#include "cpu/io.h"
#include "devices/dma.h"
#include "devices/nic_driver.h"
#include "frames/frames.h"

#define TICK_NS UINT64_C(5000000)
#define CHECK_NS UINT64_C(100000000)

static nic_t *nics[NICS_MAX];
static unsigned count;
static void (*waker)(void);

static void wake(void) {
    if (waker != 0) {
        waker();
    }
}

static bool is_wanted(const nic_t *nic, const uint8_t *frame) {
    // IEEE 802.3, 3.2.3: the lowest bit of an address says that it is a group's.
    return nic->listening && (frame[0] & 1 || memcmp(frame, &nic->setup.mac, 6) == 0);
}

// Puts a frame that has come into the queue. The number of the buffer that the device gets for it.
static unsigned keep(nic_t *nic, unsigned buffer, size_t size) {
    if (size < NIC_FRAME_MIN || size > NIC_FRAME_MAX) {
        ++nic->stats.errors;
        return buffer;
    }
    if (nic->waiting == NIC_QUEUE || !is_wanted(nic, nic_buffer(nic, buffer) + nic->header)) {
        ++nic->stats.dropped;
        return buffer;
    }
    nic_slot_t *slot = &nic->slots[(nic->first + nic->waiting) % NIC_QUEUE];
    unsigned fresh = slot->buffer;
    *slot = (nic_slot_t) { buffer, size };
    ++nic->waiting;
    ++nic->stats.received;
    nic->stats.received_bytes += size;
    return fresh;
}

// Moves what has come, with interrupts off. No more than the device can have had when this began: what comes
// meanwhile interrupts again.
static void receive(nic_t *nic) {
    unsigned waiting = nic->waiting, taken = 0, buffer;
    size_t size;
    while (taken < NIC_RING && nic->driver->take(nic, &buffer, &size)) {
        nic->driver->give(nic, keep(nic, buffer, size));
        ++taken;
    }
    if (taken > 0) {
        nic->driver->given(nic);
    }
    if (nic->waiting != waiting) {
        wake();
    }
}

// In an interrupt of the device's, or when the timer looks whether it should have come.
static void on_interrupt(void *context) {
    nic_t *nic = context;
    uint64_t received = nic->stats.received;
    receive(nic);
    if (nic->stats.received != received) {
        nic->interrupts = !nic->ticking;
    }
}

static void look(nic_t *nic) {
    bool link = !nic->broken && !dma_is_gone(nic->setup.dma) && nic->driver->link(nic);
    if (link != nic->link) {
        nic->link = link;
        wake();
    }
}

static void on_tick(timer_entry_t *timer) {
    nic_t *nic = (nic_t *)((char *)timer - offsetof(nic_t, tick));
    uint64_t now = clock_ns();
    nic->ticking = true;
    dma_look(nic->setup.dma);
    nic->ticking = false;
    if (now - nic->checked_ns >= CHECK_NS) {
        nic->checked_ns = now;
        look(nic);
    }
    timer_start(timer, now + (nic->interrupts || dma_has_messages(nic->setup.dma) ? CHECK_NS : TICK_NS));
}

int nic_add(const nic_driver_t *driver, const nic_setup_t *setup, const char *text) {
    enum { BUFFERS = NIC_RING + NIC_QUEUE + NIC_RING };
    uint64_t own = (sizeof(nic_t) + FRAMES_SIZE - 1) / FRAMES_SIZE;
    if (count == NICS_MAX || !dma_is(setup->dma)) {
        return -1;
    }
    uint64_t addr = frames_alloc_kernel(own + BUFFERS * NIC_BUFFER / FRAMES_SIZE, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return -1;
    }
    nic_t *nic = (nic_t *)addr;
    memset(nic, 0, sizeof(*nic));
    nic->setup = *setup;
    nic->driver = driver;
    nic->tick.callback = on_tick;
    strncpy(nic->text, text, NIC_TEXT - 1);
    nic->buffers = (uint8_t *)(addr + own * FRAMES_SIZE);
    nic->send_buffers = nic->buffers + (NIC_RING + NIC_QUEUE) * NIC_BUFFER;
    for (unsigned i = 0; i < NIC_QUEUE; ++i) {
        nic->slots[i].buffer = NIC_RING + i;
    }
    if (!driver->init(nic)) {
        dma_stop(setup->dma);
        return -1;
    }
    dma_on_interrupt(setup->dma, on_interrupt, nic);
    nics[count] = nic;
    return count++;
}

bool nic_is(uint64_t number) {
    return number < count;
}

const char *nic_text(unsigned number) {
    return nics[number]->text;
}

const uint8_t *nic_mac(unsigned number) {
    return (const uint8_t *)&nics[number]->setup.mac;
}

bool nic_is_dead(unsigned number) {
    nic_t *nic = nics[number];
    if (nic->broken) {
        // Until then it writes where nobody reads.
        dma_stop(nic->setup.dma);
    }
    return nic->broken || dma_is_gone(nic->setup.dma);
}

bool nic_link(unsigned number) {
    return !nic_is_dead(number) && nics[number]->driver->link(nics[number]);
}

void nic_listen(unsigned number, bool on) {
    nic_t *nic = nics[number];
    uint64_t state = cpu_irq_save();
    if (on && !nic->listening) {
        nic->link = nic_link(number);
        nic->checked_ns = clock_ns();
        timer_start(&nic->tick, nic->checked_ns);
    } else if (!on) {
        timer_stop(&nic->tick);
        nic->stats.dropped += nic->waiting;
        nic->waiting = 0;
    }
    nic->listening = on;
    cpu_irq_restore(state);
}

const uint8_t *nic_peek(unsigned number, size_t *size) {
    nic_t *nic = nics[number];
    if (nic->waiting == 0) {
        return NULL;
    }
    const nic_slot_t *slot = &nic->slots[nic->first];
    *size = slot->size;
    return nic_buffer(nic, slot->buffer) + nic->header;
}

void nic_done(unsigned number) {
    nic_t *nic = nics[number];
    uint64_t state = cpu_irq_save();
    if (nic->waiting > 0) {
        nic->first = (nic->first + 1) % NIC_QUEUE;
        --nic->waiting;
    }
    cpu_irq_restore(state);
}

bool nic_send(unsigned number, const nic_part_t *parts, unsigned n) {
    nic_t *nic = nics[number];
    size_t size = 0;
    for (unsigned i = 0; i < n; ++i) {
        // No sum of what is larger is looked at.
        size = parts[i].size > NIC_FRAME_MAX || size > NIC_FRAME_MAX ? NIC_FRAME_MAX + 1 : size + parts[i].size;
    }
    if (size < NIC_FRAME_MIN || size > NIC_FRAME_MAX) {
        ++nic->stats.errors;
        return false;
    }
    uint8_t *room = nic->driver->room(nic);
    if (room == NULL) {
        return false;
    }
    for (unsigned i = 0; i < n; ++i) {
        memcpy(room, parts[i].buf, parts[i].size);
        room += parts[i].size;
    }
    nic->driver->send(nic, size);
    ++nic->stats.sent;
    nic->stats.sent_bytes += size;
    return true;
}

void nic_get_stats(unsigned number, nic_stats_t *stats) {
    uint64_t state = cpu_irq_save();
    *stats = nics[number]->stats;
    cpu_irq_restore(state);
}

void nic_set_waker(void (*function)(void)) {
    waker = function;
}

void nic_reset(void) {
    for (unsigned i = 0; i < count; ++i) {
        timer_stop(&nics[i]->tick);
    }
    count = 0;
    waker = 0;
}
