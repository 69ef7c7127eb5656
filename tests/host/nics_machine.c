// Network interfaces' drivers in C with a device and a cable that this program plays, under ASan.
//
//   nics_machine SEED STEPS
//
// An honest device moves frames as a model says: each once, whole and in order, and counted as what it is. One that
// lies writes what it likes into what it can reach. Whatever it is, it is given buffers and nothing else, each
// once, and every call comes back. Interrupts come wherever they are on, in the middle of the driver's functions.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/io.h"
#include "devices/dma.h"
#include "devices/nic_driver.h"
#include "devices/virtio.h"
#include "frames/frames.h"

enum { BUFFERS = NIC_RING + NIC_QUEUE, OURS_MAX = 4096, TICK = 5000000, CHECK = 100000000 };

#define FAIL(...) (fprintf(stderr, "step %u: ", step), fprintf(stderr, __VA_ARGS__), abort())

static unsigned step;
static uint64_t random_state;
static bool lies;
static bool is_e1000;

static uint32_t pick(uint32_t end) {
    random_state = random_state * 6364136223846793005 + 1442695040888963407;
    return (random_state >> 33) % end;
}

// ---- Frames, each of which its number says all of

typedef struct {
    uint32_t number;
    uint16_t size;
    uint8_t kind; // ours, a group's, another's, malformed
} frame_t;

enum { OURS, GROUP, OTHER, MALFORMED };

typedef struct {
    frame_t frames[OURS_MAX];
    unsigned first, count;
} list_t;

static const uint8_t mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
static list_t ring, queue, sent; // in the device's ring, in the driver's queue, and sent
static nic_stats_t model;
static bool listening;
static uint32_t frames_made;

static void push(list_t *list, frame_t frame) {
    if (list->count == OURS_MAX) {
        FAIL("more frames on their way than there are buffers\n");
    }
    list->frames[(list->first + list->count++) % OURS_MAX] = frame;
}

static frame_t pop(list_t *list) {
    if (list->count == 0) {
        FAIL("a frame that is none\n");
    }
    frame_t frame = list->frames[list->first];
    list->first = (list->first + 1) % OURS_MAX;
    --list->count;
    return frame;
}

static void fill(frame_t frame, uint8_t *buf) {
    for (unsigned i = 0; i < frame.size; ++i) {
        buf[i] = frame.number * 31 + i * 7 + (i >> 8);
    }
    uint8_t to[6];
    memcpy(to, mac, 6);
    to[frame.number % 6] ^= frame.kind == OTHER ? 0x10 : 0;
    to[0] |= frame.kind == GROUP;
    memcpy(buf, to, frame.size < 6 ? frame.size : 6);
}

static void check_frame(frame_t frame, const uint8_t *buf, size_t size) {
    static uint8_t expected[65536];
    fill(frame, expected);
    if (size != frame.size || memcmp(buf, expected, size) != 0) {
        FAIL("frame %u of %u bytes has become another one, of %u\n", frame.number, frame.size, (unsigned)size);
    }
}

// ---- The kernel around the driver

unsigned cpus_number, cpus_count = 1;
uint32_t cpus_epoch = 1;

static nic_t *nic;
static const nic_driver_t *driver;
static uint64_t now;
static void *memories[16];
static unsigned memory_count;
static void (*handler)(void *);
static void *handler_context;
static timer_entry_t *timer;
static bool irq_off, in_handler, messages, gone, stopped;
// The last frame has come by an interrupt, not when the timer looked.
static bool by_interrupt;
static bool pending;            // the device wants to interrupt,
static bool lost;               // in vain
static void (*at_irq_off)(void);
static unsigned wakes, taken_in_handler;
static bool flood;              // frames come faster than they are taken

static void device_runs(void);
static bool deliver(void);

uint64_t clock_ns(void) {
    return now;
}

uint64_t frames_alloc_kernel(uint64_t count, uint64_t align, uint64_t below) {
    (void)below;
    memories[memory_count] = aligned_alloc(align, count * FRAMES_SIZE);
    memset(memories[memory_count], 0xa5, count * FRAMES_SIZE);
    return (uint64_t)memories[memory_count++];
}

static void waker(void) {
    ++wakes;
}

static void handle(void (*function)(void *), void *context) {
    bool off = irq_off;
    irq_off = in_handler = true;
    taken_in_handler = 0;
    flood = pick(1000) == 0;
    unsigned waiting = nic->waiting, woken = wakes;
    uint64_t received = nic->stats.received;
    function(context);
    if (nic->stats.received != received) {
        by_interrupt = function == handler;
    }
    if (nic->waiting != waiting && wakes == woken) {
        FAIL("nobody was woken\n");
    }
    irq_off = off;
    in_handler = false;
}

static void interrupt(void) {
    if (pending && !lost && !irq_off && handler != 0) {
        pending = false;
        handle(handler, handler_context);
    }
}

uint64_t cpu_irq_save(void) {
    if (in_handler) {
        return 0;
    }
    uint64_t state = !irq_off;
    irq_off = true;
    if (at_irq_off != 0) {
        at_irq_off();
        at_irq_off = 0;
    }
    return state;
}

void cpu_irq_restore(uint64_t state) {
    if (!in_handler) {
        irq_off = !state;
    }
    if (!irq_off && nic != NULL && nic->driver != NULL) {
        device_runs();
        interrupt();
    }
}

void timer_start(timer_entry_t *entry, uint64_t due) {
    timer = entry;
    timer->due = due;
}

void timer_stop(timer_entry_t *entry) {
    if (timer == entry) {
        timer = NULL;
    }
}

static void run_timer(void *entry) {
    timer = NULL;
    ((timer_entry_t *)entry)->callback(entry);
}

// Some of the time that goes by.
static void pass(uint64_t ns) {
    now += ns;
    if (timer != NULL && timer->due <= now && !irq_off) {
        handle(run_timer, timer);
        if (timer == NULL || timer->due != now + (messages || by_interrupt ? CHECK : TICK)) {
            FAIL("the timer is not to come again, or when it should not\n");
        }
    }
}

bool dma_is(uint64_t number) {
    return number == 7;
}

bool dma_is_gone(unsigned number) {
    (void)number;
    return gone;
}

bool dma_stop(unsigned number) {
    (void)number;
    return stopped = true;
}

bool dma_has_messages(unsigned number) {
    (void)number;
    return messages;
}

void dma_on_interrupt(unsigned number, void (*function)(void *), void *context) {
    (void)number;
    handler = function;
    handler_context = context;
}

void dma_look(unsigned number) {
    (void)number;
    handler(handler_context);
}

// ---- The driver, with a device that runs while it looks

static bool take(nic_t *its, unsigned *buffer, size_t *size) {
    if (pick(4) == 0) {
        device_runs();
    }
    if (flood) {
        deliver();
        deliver();
    }
    if (!driver->take(its, buffer, size)) {
        return false;
    }
    if (++taken_in_handler > NIC_RING) {
        FAIL("an interrupt that never ends\n");
    }
    if (lies) {
        return true;
    }
    frame_t frame = pop(&ring);
    if (frame.kind == MALFORMED || frame.size < NIC_FRAME_MIN || frame.size > NIC_FRAME_MAX) {
        ++model.errors;
    } else if (frame.kind == OTHER || !listening || queue.count == NIC_QUEUE) {
        ++model.dropped;
    } else {
        push(&queue, frame);
        ++model.received;
        model.received_bytes += frame.size;
    }
    return true;
}

static nic_driver_t watched;

// ---- The device

static bool link_up = true;

// Which buffer lies there, wholly; those for sending come behind the others.
static unsigned buffer_at(uint64_t addr, uint64_t size) {
    uint64_t offset = addr - (uint64_t)nic->buffers;
    if (offset >= (BUFFERS + NIC_RING) * NIC_BUFFER || offset % NIC_BUFFER + size > NIC_BUFFER) {
        FAIL("the device is given %lu bytes at 0x%lx, which are no buffer\n", (unsigned long)size,
            (unsigned long)addr);
    }
    return offset / NIC_BUFFER;
}

static bool given[BUFFERS + NIC_RING]; // to the device

static unsigned accept(uint64_t addr, uint64_t size, bool for_sending) {
    unsigned buffer = buffer_at(addr, size);
    if ((buffer >= BUFFERS) != for_sending || (!lies && given[buffer])) {
        FAIL("the device is given buffer %u, which it has or should not have\n", buffer);
    }
    for (unsigned i = 0; i < nic->waiting && !lies; ++i) {
        if (nic->slots[(nic->first + i) % NIC_QUEUE].buffer == buffer) {
            FAIL("the device is given buffer %u, which is in the queue\n", buffer);
        }
    }
    given[buffer] = true;
    return buffer;
}

static void scribble(void *memory, size_t size) {
    unsigned n = 1 + pick(8);
    while (n-- > 0) {
        ((uint8_t *)memory)[pick(size)] = pick(256);
    }
}

// Two queues of virtio's.
typedef struct {
    virtqueue_t *ring;
    volatile uint16_t notified;
    uint16_t seen, used;
    bool asleep;
    unsigned count;
    uint16_t heads[NIC_RING];   // of what it has
} player_t;

static player_t receiver, sender;

static uint16_t take_head(player_t *player) {
    unsigned at = pick(player->count);
    uint16_t head = player->heads[at];
    player->heads[at] = player->heads[--player->count];
    return head;
}

static void put_used(player_t *player, uint32_t head, uint32_t written) {
    volatile uint32_t *entry = (volatile uint32_t *)&player->ring->used[2] + 2 * (player->used % player->ring->size);
    entry[0] = head;
    entry[1] = written;
    __atomic_store_n((uint16_t *)&player->ring->used[1], ++player->used, __ATOMIC_RELEASE);
}

// What it has been given since; where it sleeps, it looks when it has been told.
static void look_at(player_t *player, bool for_sending) {
    if (player->asleep && !player->notified) {
        return;
    }
    player->notified = 0;
    player->ring->used[0] = 1;
    player->asleep = false;
    for (;;) {
        while (player->seen != player->ring->avail[1] && (!lies || player->count < NIC_RING)) {
            uint16_t head = player->ring->avail[2 + player->seen++ % player->ring->size];
            virtqueue_desc_t desc = player->ring->descs[head];
            if (!lies && desc.flags != (for_sending ? 0 : 2)) {
                FAIL("a descriptor's flags\n");
            }
            unsigned buffer = lies ? 0 : accept(desc.addr, desc.size, for_sending);
            if (for_sending && !lies) {
                static const uint8_t nothing[12];
                if (memcmp((void *)desc.addr, nothing, nic->header) != 0) {
                    FAIL("a header that asks for something\n");
                }
                check_frame(pop(&sent), (uint8_t *)desc.addr + nic->header, desc.size - nic->header);
            } else if (!lies && desc.size != NIC_BUFFER) {
                FAIL("a part of buffer %u\n", buffer);
            }
            player->heads[player->count++] = head;
        }
        if (player->asleep || pick(2)) {
            return;
        }
        // 2.7.10.1: and then it looks once more.
        player->ring->used[0] = 0;
        player->asleep = true;
    }
}

static void put_buffer(player_t *player, uint16_t head, uint32_t written) {
    given[lies ? 0 : buffer_at(player->ring->descs[head].addr, 1)] = false;
    put_used(player, head, written);
}

static void run_virtio(void) {
    look_at(&receiver, false);
    look_at(&sender, true);
    while (sender.count > 0 && pick(3)) {
        put_buffer(&sender, take_head(&sender), 0);
    }
    if (!(sender.ring->avail[0] & 1)) {
        FAIL("interrupts for what was sent\n");
    }
    if (lies && pick(10) == 0) {
        player_t *player = pick(3) ? &receiver : &sender;
        virtqueue_t *its = player->ring;
        volatile uint32_t *entry = (volatile uint32_t *)&its->used[2] + 2 * pick(its->size);
        switch (pick(5)) {
            case 0:
                scribble(its->descs, virtqueue_bytes(its->size));
                break;
            case 1:
                player->used += pick(2) ? 1 : pick(65536);
                its->used[1] = player->used;
                break;
            case 2:
                entry[0] = pick(2) ? pick(2 * its->size) : pick(UINT32_MAX);
                break;
            case 3:
                entry[1] = pick(2) ? pick(4096) : pick(UINT32_MAX);
                break;
            default:
                put_used(player, pick(its->size), pick(NIC_BUFFER));
        }
        player->count = pick(player->count + 1);
        pending = true;
    }
}

static bool deliver_virtio(frame_t frame) {
    look_at(&receiver, false);
    if (receiver.count == 0 || frame.size + nic->header > NIC_BUFFER) {
        return false;
    }
    uint16_t head = take_head(&receiver);
    uint8_t *buf = (uint8_t *)receiver.ring->descs[head].addr;
    if (lies) {
        put_used(&receiver, head, pick(NIC_BUFFER + 2));
        return true;
    }
    memset(buf, 0xa5, nic->header);
    fill(frame, buf + nic->header);
    // What is malformed is less than a header.
    put_buffer(&receiver, head, frame.kind == MALFORMED ? pick(nic->header) : frame.size + nic->header);
    return true;
}

// A controller of Intel's.
typedef struct {
    uint64_t addr;
    uint16_t size, checksum;
    uint8_t status, errors;
    uint16_t special;
} e1000_receive_t;

typedef struct {
    uint64_t addr;
    uint16_t size;
    uint8_t offset, command, status, start;
    uint16_t special;
} e1000_send_t;

static uint32_t *registers;
static unsigned receive_head, receive_seen, send_head, send_done;

static uint32_t *reg(unsigned offset) {
    return registers + offset / 4;
}

static e1000_receive_t *receive_ring(void) {
    return (e1000_receive_t *)(*reg(0x2800) | (uint64_t)*reg(0x2804) << 32);
}

static e1000_send_t *send_ring(void) {
    return (e1000_send_t *)(*reg(0x3800) | (uint64_t)*reg(0x3804) << 32);
}

static void run_e1000(void) {
    while (receive_seen != *reg(0x2818) % NIC_RING) {
        e1000_receive_t *desc = receive_ring() + receive_seen;
        if (!lies) {
            accept(desc->addr, NIC_BUFFER, false);
            if (desc->status != 0) {
                FAIL("a descriptor that is done before it is begun\n");
            }
        }
        receive_seen = (receive_seen + 1) % NIC_RING;
    }
    while (send_head != *reg(0x3818) % NIC_RING) {
        e1000_send_t *desc = send_ring() + send_head;
        if (!lies) {
            accept(desc->addr, desc->size, true);
            if (desc->command != 0x0b || desc->status != 0) {
                FAIL("a descriptor's command\n");
            }
            check_frame(pop(&sent), (uint8_t *)desc->addr, desc->size);
        }
        send_head = (send_head + 1) % NIC_RING;
    }
    while (send_done != send_head && pick(3)) {
        e1000_send_t *desc = send_ring() + send_done;
        given[lies ? 0 : buffer_at(desc->addr, 1)] = false;
        desc->status = 1;
        send_done = (send_done + 1) % NIC_RING;
    }
    if (lies && pick(10) == 0) {
        switch (pick(4)) {
            case 0:
                scribble(receive_ring(), NIC_RING * 16);
                break;
            case 1:
                scribble(send_ring(), NIC_RING * 16);
                break;
            case 2:
                for (unsigned i = 0; i < NIC_RING; ++i) {
                    receive_ring()[i].status = pick(256);
                    receive_ring()[i].size = pick(65536);
                }
                break;
            default:
                // Not where the rings are: what the program itself looks there for.
                *reg(8) = pick(UINT32_MAX);
        }
        pending = true;
    }
}

static bool deliver_e1000(frame_t frame) {
    run_e1000();
    if (receive_head == receive_seen || frame.size > NIC_BUFFER) {
        return false;
    }
    e1000_receive_t *desc = receive_ring() + receive_head;
    receive_head = (receive_head + 1) % NIC_RING;
    if (lies) {
        desc->size = pick(2) ? pick(65536) : pick(NIC_FRAME_MAX + 2);
        desc->errors = pick(256);
        desc->status = pick(256);
        return true;
    }
    static const uint8_t bad[] = { 1, 2, 4, 0x10, 0x80 };
    uint8_t status = 3, errors = pick(4) ? 0 : 0x20 << pick(2); // checksums that nobody asked for
    if (frame.kind == MALFORMED && pick(2)) {
        status = 1;
    } else if (frame.kind == MALFORMED) {
        errors |= bad[pick(sizeof(bad))];
    }
    given[buffer_at(desc->addr, 1)] = false;
    fill(frame, (uint8_t *)desc->addr);
    desc->size = frame.size;
    desc->errors = errors;
    desc->status = status;
    return true;
}

static bool deliver(void) {
    static const uint16_t sizes[] = { 0, 13, 14, 15, 59, 60, 1513, 1514, 1515, 1518, 2036 };
    frame_t frame = { frames_made, pick(3) ? 14 + pick(1501) : pick(3000), pick(8) ? OURS : pick(4) };
    if (pick(4) == 0) {
        frame.size = sizes[pick(sizeof(sizes) / sizeof(*sizes))];
    }
    // Of one that short there is nothing to see but that.
    frame.kind = frame.size < 14 && frame.kind != MALFORMED ? OURS : frame.kind;
    if (!(is_e1000 ? deliver_e1000 : deliver_virtio)(frame)) {
        return false;
    }
    ++frames_made;
    pending = true;
    if (!lies) {
        push(&ring, frame);
    }
    return true;
}

static void device_runs(void) {
    static bool running;
    if (running || gone || nic == NULL) {
        return;
    }
    running = true;
    (is_e1000 ? run_e1000 : run_virtio)();
    unsigned n = pick(3) ? 0 : pick(4);
    while (n-- > 0) {
        deliver();
    }
    if (lies) {
        for (unsigned i = 0; i < 2; ++i) {
            // Buffers that it was given some time.
            scribble(nic->buffers, (BUFFERS + NIC_RING) * NIC_BUFFER);
        }
    }
    running = false;
}

// ---- Interrupts in the middle

static unsigned steps_left;

// The compiler calls this between the steps of the driver's functions.
void __sanitizer_cov_trace_pc(void) {
    if (steps_left > 0 && --steps_left == 0) {
        pending = true;
        interrupt();
    }
}

static void begin(void) {
    steps_left = pick(2) ? 0 : 1 + pick(pick(2) ? 20 : 200);
}

static void end(void) {
    steps_left = 0;
}

// ---- The test

static void new_nic(void) {
    nic_reset();
    virtio_reset();
    if (timer != NULL) {
        FAIL("a timer that nobody has\n");
    }
    nic = NULL;
    handler = 0;
    while (memory_count > 0) {
        free(memories[--memory_count]);
    }
    memset(given, 0, sizeof(given));
    memset(&model, 0, sizeof(model));
    ring.count = queue.count = sent.count = 0;
    listening = gone = stopped = pending = false;
    messages = pick(2);
    by_interrupt = false;
    link_up = true;
    nic_setup_t setup = { .dma = 7 };
    memcpy(&setup.mac, mac, 6);
    is_e1000 = pick(2);
    static uint16_t status;
    if (is_e1000) {
        driver = &nic_e1000;
        free(registers);
        registers = calloc(1, 0x6000);
        *reg(8) = 2;
        setup.registers[0] = (uint64_t)registers;
        receive_head = receive_seen = send_head = send_done = 0;
    } else {
        driver = &nic_virtio;
        setup.registers[0] = virtio_queue_new(NIC_RING >> pick(4));
        setup.registers[1] = virtio_queue_new(NIC_RING >> pick(4));
        setup.registers[2] = pick(2) ? 12 : 10;
        status = 1;
        setup.registers[3] = pick(4) ? (uint64_t)&status : 0;
        player_t *players[] = { &receiver, &sender };
        for (unsigned i = 0; i < 2; ++i) {
            virtio_queue_t *its = virtio_queue_get(i);
            its->notify = (uint64_t)&players[i]->notified;
            its->notify_value = 1;
            its->notify_size = 2;
            *players[i] = (player_t) { .ring = &its->ring, .asleep = true };
        }
        static const uint64_t odd[] = { 2, 9, 11, 13, 1 << 20, UINT64_MAX };
        for (unsigned i = 0; i < 3; ++i) {
            nic_setup_t wrong = setup;
            wrong.registers[i] = odd[pick(6)];
            if (nic_add(driver, &wrong, "wrong") != -1 || !stopped) {
                FAIL("an interface of what is none\n");
            }
            stopped = false;
        }
    }
    watched = *driver;
    watched.take = take;
    setup.dma = 8;
    if (nic_add(&watched, &setup, "wrong") != -1) {
        FAIL("an interface without a device\n");
    }
    setup.dma = 7;
    int number = nic_add(&watched, &setup, "a driver\x01somewhere");
    if (number != 0 || memcmp(nic_mac(0), mac, 6) != 0 || strcmp(nic_text(0), "a driver\x01somewhere") != 0) {
        FAIL("an interface that is none\n");
    }
    nic = handler_context;
    if (is_e1000 && (*reg(0x100) != 0x04008012 || *reg(0x2808) != NIC_RING * 16 || *reg(0x3808) != NIC_RING * 16
                     || !(*reg(0xd0) & 0x80) || !(*reg(0) & 0x40) || !(*reg(0x400) & 2))) {
        FAIL("the controller is not on\n");
    }
}

static void change_link(void) {
    link_up = !link_up;
    if (is_e1000) {
        *reg(8) = link_up ? 2 : 0;
    } else if (nic->setup.registers[3] != 0) {
        *(uint16_t *)nic->setup.registers[3] = link_up ? 1 : 0xfffe;
    } else {
        link_up = true;
    }
    if (nic->broken || gone) {
        return;
    }
    if (nic_link(0) != link_up) {
        FAIL("the link is not what it is\n");
    }
    if (listening) {
        bool changed = nic->link != link_up;
        unsigned before = wakes;
        pass(CHECK);
        pass(CHECK);
        if (changed && !lies && wakes == before) {
            FAIL("nobody hears of the link\n");
        }
    }
}

static void listen_in_model(void) {
    listening = true;
}

static void end_in_model(void) {
    listening = false;
    model.dropped += queue.count;
    queue.count = 0;
}

static void done_in_model(void) {
    if (!lies) {
        pop(&queue);
    }
}

static nic_stats_t stats_then;

static void stats_in_model(void) {
    stats_then = model;
}

static void check_stats(void) {
    nic_stats_t stats;
    at_irq_off = stats_in_model;
    begin();
    nic_get_stats(0, &stats);
    end();
    if (!lies && memcmp(&stats, &stats_then, sizeof(stats)) != 0) {
        FAIL("received %lu, sent %lu, dropped %lu, errors %lu: the model has %lu, %lu, %lu, %lu\n",
            (unsigned long)stats.received, (unsigned long)stats.sent, (unsigned long)stats.dropped,
            (unsigned long)stats.errors, (unsigned long)stats_then.received, (unsigned long)stats_then.sent,
            (unsigned long)stats_then.dropped, (unsigned long)stats_then.errors);
    }
}

static void look_at_oldest(void) {
    size_t size = 0;
    bool some = queue.count > 0;
    begin();
    const uint8_t *frame = nic_peek(0, &size);
    end();
    if (frame == NULL) {
        if (some && !lies) {
            FAIL("a frame that was there\n");
        }
        return;
    }
    buffer_at((uint64_t)frame - nic->header, size + nic->header);
    if (size < NIC_FRAME_MIN || size > NIC_FRAME_MAX) {
        FAIL("a frame of %u bytes\n", (unsigned)size);
    }
    for (unsigned i = pick(3); i > 0; --i) {
        device_runs();
        interrupt();
    }
    if (!lies) {
        if (queue.count == 0) {
            FAIL("a frame that nobody has sent\n");
        }
        check_frame(queue.frames[queue.first], frame, size);
    }
    if (pick(8)) {
        at_irq_off = done_in_model;
        begin();
        nic_done(0);
        end();
    }
}

static unsigned on_their_way(void) {
    return is_e1000 ? (nic->e1000.tail - nic->e1000.done) % NIC_RING
        : 0u + nic->virtio.send->ring.size - nic->virtio.send->ring.free_count;
}

static void send_one(void) {
    static uint32_t number = 1 << 30;
    frame_t frame = { number++, pick(4) ? 14 + pick(1501) : pick(1600), OURS };
    // No larger, so that ASan sees a byte beyond it.
    uint8_t *memory = malloc(frame.size + 1);
    fill(frame, memory);
    nic_part_t parts[5];
    unsigned n = 0;
    size_t done = 0;
    while (n < 4 && pick(4)) {
        size_t size = pick(frame.size - done + 1);
        parts[n++] = (nic_part_t) { memory + done, size };
        done += size;
    }
    parts[n++] = (nic_part_t) { memory + done, frame.size - done };
    bool fits = frame.size >= NIC_FRAME_MIN && frame.size <= NIC_FRAME_MAX;
    if (pick(20) == 0) {
        static const size_t odd[] = { SIZE_MAX, SIZE_MAX - 100, SIZE_MAX / 2 + 1, 1515 };
        parts[pick(n)].size = odd[pick(4)];
        parts[pick(n)].size = odd[pick(4)];
        fits = false;
    }
    unsigned ring_size = is_e1000 ? NIC_RING - 1 : nic->virtio.send->ring.size;
    if (fits && !lies) {
        // The device may look before the call is back.
        push(&sent, frame);
    }
    begin();
    bool ok = nic_send(0, parts, n);
    end();
    model.errors += !fits;
    if (ok && !fits) {
        FAIL("a frame that cannot be\n");
    } else if (ok && !lies) {
        ++model.sent;
        model.sent_bytes += frame.size;
    } else if (fits && !lies) {
        --sent.count;
        if (on_their_way() < ring_size) {
            FAIL("no room, where there is some\n");
        }
    }
    free(memory);
}

static void check_buffers(void) {
    bool seen[BUFFERS] = { false };
    for (unsigned i = 0; i < NIC_QUEUE; ++i) {
        unsigned buffer = nic->slots[i].buffer;
        if (buffer >= BUFFERS || seen[buffer]) {
            FAIL("buffer %u is there twice\n", buffer);
        }
        seen[buffer] = true;
    }
}

// All that is on its way arrives, by interrupts or by the timer alone.
static void settle(void) {
    lost = listening && pick(2);
    unsigned refused = 0;
    for (unsigned i = 0; i < 3000 && (ring.count > 0 || sent.count > 0 || on_their_way() > 0); ++i) {
        pending = ring.count > 0;
        device_runs();
        if (lost) {
            pass(messages || by_interrupt ? CHECK : TICK);
        }
        interrupt();
        if (sent.count == 0) {
            driver->room(nic);
        }
        for (unsigned j = 2 * NIC_QUEUE; j > 0 && queue.count > 0; --j) {
            look_at_oldest();
        }
    }
    lost = false;
    if (sent.count > 0 || ring.count > 64 || on_their_way() > 0) {
        FAIL("%u frames to send and %u received never arrive\n", sent.count, ring.count);
    }
    // And so it goes on.
    for (unsigned i = 0; i < 1000; ++i) {
        refused += !deliver();
        interrupt();
    }
    if (refused > 900) {
        FAIL("the device has no buffers any more\n");
    }
    check_buffers();
}

static void check_lies(void) {
    nic_part_t part = { mac, 6 }, parts[] = { part, part, part };
    bool sends = nic_send(0, parts, 3);
    check_buffers();
    if (nic->broken || (!is_e1000 && sender.ring->broken)) {
        if (!nic_is_dead(0) || nic_link(0) || sends || !stopped) {
            FAIL("an interface that is broken goes on\n");
        }
    }
    if (gone && (nic_link(0) || !nic_is_dead(0))) {
        FAIL("a device that is gone has a link\n");
    }
}

int main(int argc, char **argv) {
    random_state = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
    unsigned steps = argc > 2 ? atoi(argv[2]) : 1000, ended = 0;
    uint64_t received = 0, dropped = 0;
    for (step = 0; step < steps; ++step) {
        if (step % 2000 == 0 || (nic->broken && pick(50) == 0)) {
            if (nic != NULL) {
                ended += nic->broken;
                received += model.received;
                dropped += model.dropped;
                if (!lies) {
                    settle();
                    check_stats();
                }
            }
            lies = step / 2000 % 2;
            new_nic();
            nic_set_waker(waker);
        }
        switch (pick(16)) {
            case 0:
                at_irq_off = listen_in_model;
                nic_listen(0, true);
                break;
            case 1:
                if (pick(40) == 0) {
                    at_irq_off = end_in_model;
                    begin();
                    nic_listen(0, false);
                    end();
                    if (timer != NULL) {
                        FAIL("the timer goes on\n");
                    }
                }
                break;
            case 2:
                pass(pick(2) ? TICK : pick(CHECK));
                break;
            case 3:
                if (pick(20) == 0) {
                    change_link();
                }
                break;
            case 4:
                // As many as there is room for, and more.
                for (unsigned i = pick(20) ? 0 : 1200; i > 0; --i) {
                    deliver();
                    interrupt();
                }
                break;
            case 5:
                for (unsigned i = pick(20) ? 0 : 300; i > 0; --i) {
                    send_one();
                }
                break;
            case 6:
            case 7:
            case 8:
                send_one();
                break;
            case 9:
                check_stats();
                break;
            case 10:
                if (lies && pick(1000) == 0) {
                    gone = true;
                }
                if (lies) {
                    check_lies();
                }
                break;
            case 11:
                device_runs();
                interrupt();
                break;
            default:
                look_at_oldest();
        }
    }
    printf("%u steps, %u devices ended, %lu frames received, %lu dropped\n", steps, ended, (unsigned long)received,
        (unsigned long)dropped);
    return 0;
}
