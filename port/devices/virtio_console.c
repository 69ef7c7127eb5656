#include <string.h>

#include "devices/virtio.h"
#include "devices/virtio_console.h"
#include "frames/frames.h"

enum {
    RECEIVED = 16, // buffers
    SENT = 4,
    RECEIVED_SIZE = 4096,
    SENT_SIZE = 32768,
};

typedef struct {
    lock_t lock;
    virtio_queue_t *receive, *send;
    uint8_t *received, *sent;       // the buffers
    uint32_t ready, at, size;       // the received one that is being read: its number, the next byte, its end
    uint32_t sending;               // of the buffers for sending, a bit for each that the device has
    char name[VIRTIO_CONSOLE_NAME];
} console_t;

static console_t *consoles[VIRTIO_CONSOLES_MAX];
static unsigned count;

static void give(console_t *console, unsigned number) {
    dma_part_t part = { (uint64_t)console->received + number * RECEIVED_SIZE, RECEIVED_SIZE };
    virtqueue_add(&console->receive->ring, &part, 0, 1, number);
    virtio_notify(console->receive);
}

int virtio_console_add(unsigned receive_queue, unsigned send_queue, const char *name) {
    uint64_t buffers = (RECEIVED * RECEIVED_SIZE + SENT * SENT_SIZE) / FRAMES_SIZE;
    uint64_t addr = count == VIRTIO_CONSOLES_MAX ? FRAMES_FAILED(FRAMES_NO_MEMORY)
        : frames_alloc_kernel(buffers + 1, FRAMES_SIZE, 0);
    if (frames_failed(addr)) {
        return -1;
    }
    console_t *console = (console_t *)(addr + buffers * FRAMES_SIZE);
    memset(console, 0, sizeof(*console));
    strncpy(console->name, name, VIRTIO_CONSOLE_NAME - 1);
    console->receive = virtio_queue_get(receive_queue);
    console->send = virtio_queue_get(send_queue);
    console->received = (uint8_t *)addr;
    console->sent = console->received + RECEIVED * RECEIVED_SIZE;
    for (unsigned i = 0; i < RECEIVED; ++i) {
        give(console, i);
    }
    consoles[count] = console;
    return count++;
}

const char *virtio_console_name(uint64_t number) {
    return number < count ? consoles[number]->name : 0;
}

// Whether there is a byte to read.
static bool fetch(console_t *console) {
    while (console->at == console->size) {
        uint64_t token;
        if (!virtqueue_take(&console->receive->ring, &token, &console->size)) {
            console->size = console->at;
            return false;
        }
        console->ready = token;
        console->at = 0;
        if (console->size == 0) {
            give(console, token);
        }
    }
    return true;
}

size_t virtio_console_read(unsigned number, void *buf, size_t size) {
    console_t *console = consoles[number];
    size_t done = 0;
    lock_take(&console->lock);
    while (done < size && fetch(console)) {
        size_t part = console->size - console->at;
        part = part < size - done ? part : size - done;
        memcpy((char *)buf + done, console->received + console->ready * RECEIVED_SIZE + console->at, part);
        console->at += part;
        done += part;
        if (console->at == console->size) {
            give(console, console->ready);
        }
    }
    lock_release(&console->lock);
    return done;
}

static void settle(console_t *console) {
    uint64_t token;
    uint32_t written;
    while (virtqueue_take(&console->send->ring, &token, &written)) {
        console->sending &= ~(1u << token);
    }
}

size_t virtio_console_write(unsigned number, const void *buf, size_t size) {
    console_t *console = consoles[number];
    size_t done = 0;
    lock_take(&console->lock);
    settle(console);
    while (done < size && console->sending != (1u << SENT) - 1) {
        unsigned free = __builtin_ctz(~console->sending);
        uint8_t *buffer = console->sent + free * SENT_SIZE;
        size_t part = size - done < SENT_SIZE ? size - done : SENT_SIZE;
        memcpy(buffer, (const char *)buf + done, part);
        dma_part_t out = { (uint64_t)buffer, part };
        if (!virtqueue_add(&console->send->ring, &out, 1, 0, free)) {
            break;
        }
        console->sending |= 1u << free;
        virtio_notify(console->send);
        done += part;
    }
    lock_release(&console->lock);
    return done;
}

bool virtio_console_readable(unsigned number) {
    console_t *console = consoles[number];
    lock_take(&console->lock);
    bool is = fetch(console);
    lock_release(&console->lock);
    return is;
}

static uint32_t settled(unsigned number) {
    console_t *console = consoles[number];
    lock_take(&console->lock);
    settle(console);
    uint32_t sending = console->sending;
    lock_release(&console->lock);
    return sending;
}

bool virtio_console_writable(unsigned number) {
    return settled(number) != (1u << SENT) - 1;
}

bool virtio_console_sent(unsigned number) {
    return settled(number) == 0;
}

bool virtio_console_broken(unsigned number) {
    return consoles[number]->receive->ring.broken || consoles[number]->send->ring.broken;
}

void virtio_console_reset(void) {
    count = 0;
}
