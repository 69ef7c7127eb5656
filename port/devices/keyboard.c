#include <string.h>

#include "cpu/lock.h"
#include "devices/i8042.h"
#include "devices/io_apic.h"
#include "devices/keyboard.h"

// IBM PS/2 hardware interface technical reference, keyboards: commands and answers.
enum {
    SET_LEDS = 0xed, // a byte follows
    ENABLE = 0xf4,
    ACK = 0xfa,
    RESEND = 0xfe,

    RING_SIZE = 1024,
    // So many bytes in one go come from no keyboard.
    BYTES_MAX = 1024,
    QUEUE_SIZE = 8,
    TRIES_MAX = 3,
};

static bool present;
static bool (*intercept_)(int byte);
static lock_t lock;
static keymap_t map; // without a name: nobody has used it yet
static keymap_state_t state;

// Text that is not yet read: ring[tail] to ring[head - 1], both modulo its size.
static uint8_t ring[RING_SIZE];
static volatile uint32_t head, tail;

// Bytes for the keyboard, which answers each; the first has been sent.
static uint8_t queue[QUEUE_SIZE];
static unsigned queued, tries;
static bool sent;

static void send_next(void) {
    if (queued > 0 && !sent) {
        sent = i8042_send(queue[0]);
    }
}

static void queue_leds(void) {
    if (queued + 2 > QUEUE_SIZE) {
        // It has not answered for long.
        queued = 0;
        sent = false;
    }
    queue[queued++] = SET_LEDS;
    queue[queued++] = state.locks;
}

static bool is_answer(uint8_t byte) {
    if (!sent || (byte != ACK && byte != RESEND)) {
        return false;
    }
    sent = false;
    if (byte == ACK) {
        --queued;
        memmove(queue, queue + 1, queued);
        tries = 0;
    } else if (++tries == TRIES_MAX) {
        queued = tries = 0;
    }
    return true;
}

static void use_map(void) {
    if (map.name[0] == 0) {
        keymap_us(&map);
    }
}

// A key's text goes into the ring as a whole or not at all.
static void put(char *text, size_t size) {
    size_t kept = 0;
    for (size_t i = 0; i < size; ++i) {
        if (!intercept_((uint8_t)text[i])) {
            text[kept++] = text[i];
        }
    }
    if (RING_SIZE - (head - tail) >= kept) {
        for (size_t i = 0; i < kept; ++i) {
            ring[(head + i) % RING_SIZE] = text[i];
        }
        __atomic_signal_fence(__ATOMIC_RELEASE);
        head += kept;
    }
}

void keyboard_service(void) {
    if (!present) {
        return;
    }
    uint64_t irq = lock_save(&lock);
    use_map();
    int byte;
    unsigned count = 0;
    while ((byte = i8042_read()) != I8042_NONE) {
        if (++count > BYTES_MAX) {
            present = false;
            break;
        }
        if (!is_answer(byte)) {
            uint8_t locks = state.locks;
            char text[KEYMAP_OUT_MAX];
            put(text, keymap_feed(&state, &map, byte, text));
            if (state.locks != locks) {
                queue_leds();
            }
        }
        send_next();
    }
    send_next();
    lock_restore(&lock, irq);
}

static void on_interrupt(void *context) {
    (void)context;
    keyboard_service();
}

bool keyboard_init(bool (*intercept)(int byte)) {
    if (!i8042_init()) {
        return true;
    }
    intercept_ = intercept;
    present = true;
    bool routed = io_apic_install_isa(I8042_ISA_IRQ, on_interrupt, 0)
        && io_apic_install_isa(I8042_ISA_IRQ_MOUSE, on_interrupt, 0);
    // Firmware may have left it off, or lights on.
    queue[queued++] = ENABLE;
    queue_leds();
    send_next();
    return routed;
}

bool keyboard_present(void) {
    return present;
}

size_t keyboard_available(void) {
    return head - tail;
}

bool keyboard_has(uint8_t byte) {
    for (uint32_t at = tail; at != head; ++at) {
        if (ring[at % RING_SIZE] == byte) {
            return true;
        }
    }
    return false;
}

int keyboard_receive(void) {
    if (head == tail) {
        return -1;
    }
    __atomic_signal_fence(__ATOMIC_ACQUIRE);
    uint8_t byte = ring[tail % RING_SIZE];
    tail++;
    return byte;
}

void keyboard_set_layout(const keymap_t *new) {
    uint64_t irq = lock_save(&lock);
    map = *new;
    state.dead = 0;
    lock_restore(&lock, irq);
}

void keyboard_get_name(char name[KEYMAP_NAME_MAX + 1]) {
    uint64_t irq = lock_save(&lock);
    use_map();
    memcpy(name, map.name, sizeof(map.name));
    lock_restore(&lock, irq);
}

void keyboard_get_down(uint8_t down[32]) {
    uint64_t irq = lock_save(&lock);
    memcpy(down, state.down, sizeof(state.down));
    lock_restore(&lock, irq);
}
