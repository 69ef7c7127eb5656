#include "cpu/clock.h"
#include "cpu/io.h"
#include "cpu/lock.h"
#include "devices/io_apic.h"
#include "devices/uart.h"

// PC16550D data sheet, table II: registers by their offset from the base.
enum {
    DATA = 0,
    DIVISOR_LOW = 0,
    IER = 1,
    DIVISOR_HIGH = 1,
    IIR = 2,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    MSR = 6,
    SCRATCH = 7,

    IER_RECEIVED = 0x01,
    IER_SENT = 0x02,
    IER_LINE = 0x04,
    // Interrupts at 8 bytes, or a little after the last. QEMU fills the FIFO up to there at once,
    // and a real port has as much room again for what comes meanwhile.
    FCR_ENABLE_AND_CLEAR = 0x87,
    LCR_STOP_2 = 0x04,
    LCR_PARITY = 0x08,
    LCR_PARITY_EVEN = 0x10,
    LCR_BREAK = 0x40,
    LCR_DLAB = 0x80,
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT2 = 0x08, // lets the interrupt through on a PC
    LSR_DATA_READY = 0x01,
    LSR_OVERRUN = 0x02,
    LSR_BREAK = 0x10,
    LSR_THR_EMPTY = 0x20,
    LSR_ALL_SENT = 0x40,

    CONSOLE_RING_SIZE = 4096,
    // A test interrupt that has not come after this many reads of a register will not come.
    TEST_READS = 2000,
    // A read takes about a microsecond, and a FIFO at 300 baud half a second; who reads QEMU's socket may be late.
    FINISH_READS = 5000000,
    // So many bytes are dropped in one go: the program gets its turn beside a sender without an end.
    DROP_MAX = 256,
};

uart_t uarts[UART_COUNT] = {
    { .port = 0x3f8, .isa_irq = 4 },
    { .port = 0x2f8, .isa_irq = 3 },
};

static uint8_t console_ring[CONSOLE_RING_SIZE];
static volatile bool test_came;

static uint8_t get(const uart_t *uart, unsigned reg) {
    return io_in8(uart->port + reg);
}

static void put(const uart_t *uart, unsigned reg, uint8_t value) {
    io_out8(uart->port + reg, value);
}

void uart_init(void) {
    for (unsigned i = 0; i < UART_COUNT; ++i) {
        uart_t *uart = &uarts[i];
        put(uart, SCRATCH, 0x5a);
        uart->present = get(uart, SCRATCH) == 0x5a;
    }
    uart_set_ring(&uarts[UART_CONSOLE], console_ring, sizeof(console_ring));
    uart_open(&uarts[UART_CONSOLE], UART_RATE_MAX, 8, UART_PARITY_NONE, 1);
}

bool uart_can(unsigned rate) {
    return rate != 0 && UART_RATE_MAX % rate == 0 && UART_RATE_MAX / rate <= UINT16_MAX;
}

bool uart_open(uart_t *uart, unsigned rate, unsigned bits, uart_parity_t parity, unsigned stop) {
    static const uint8_t parities[] = {
        [UART_PARITY_ODD] = LCR_PARITY,
        [UART_PARITY_EVEN] = LCR_PARITY | LCR_PARITY_EVEN,
    };
    if (!uart->present || !uart_can(rate)) {
        return false;
    }
    unsigned divisor = UART_RATE_MAX / rate;
    uint8_t format = (bits - 5) | (stop == 2 ? LCR_STOP_2 : 0) | parities[parity];
    uint64_t state = cpu_irq_save();
    if (uart->open && uart->divisor == divisor && uart->format == format) {
        // What is on its way would be lost for nothing.
        cpu_irq_restore(state);
        return true;
    }
    uint8_t ier = uart->open ? get(uart, IER) : 0;
    put(uart, IER, 0);
    put(uart, LCR, LCR_DLAB);
    put(uart, DIVISOR_LOW, divisor);
    put(uart, DIVISOR_HIGH, divisor >> 8);
    put(uart, LCR, format);
    if (!uart->open) {
        put(uart, FCR, FCR_ENABLE_AND_CLEAR);
        put(uart, MCR, MCR_DTR | MCR_RTS | MCR_OUT2);
    }
    put(uart, IER, ier);
    uart->divisor = divisor;
    uart->format = format;
    uart->open = true;
    cpu_irq_restore(state);
    return true;
}

static uint8_t receive_interrupts(const uart_t *uart) {
    return uart->interrupts ? IER_RECEIVED | IER_LINE : 0;
}

static void set_held(uart_t *uart, bool held) {
    uart->held = held;
    put(uart, MCR, held ? MCR_DTR | MCR_OUT2 : MCR_DTR | MCR_RTS | MCR_OUT2);
    put(uart, IER, held ? 0 : receive_interrupts(uart));
}

void uart_set_ring(uart_t *uart, uint8_t *ring, uint32_t size) {
    uint64_t state = cpu_irq_save();
    uart->ring = ring;
    uart->size = size;
    uart->head = uart->tail = 0;
    uart->full = false;
    if (uart->held) {
        set_held(uart, false);
    }
    cpu_irq_restore(state);
}

void uart_close(uart_t *uart) {
    uint64_t state = cpu_irq_save();
    if (uart->open) {
        put(uart, IER, 0);
        put(uart, MCR, 0);
    }
    uart->open = uart->full = uart->held = false;
    timer_stop(&uart->timer);
    uart->notify = 0;
    uart->ring = 0;
    uart->size = uart->head = uart->tail = 0;
    cpu_irq_restore(state);
}

static void on_timer(timer_entry_t *timer) {
    uart_t *uart = (uart_t *)((char *)timer - offsetof(uart_t, timer));
    uart_service(uart);
    if (uart->held) {
        uint64_t due = uart->full_ns + UART_HOLD_NS, now = clock_ns();
        timer_start(timer, due > now ? due : now + UART_HOLD_NS);
    }
}

static bool may_drop(const uart_t *uart) {
    return uart->intercept != 0 && uart->intercept(UART_ANY) && clock_ns() - uart->full_ns >= UART_HOLD_NS;
}

// The ring is full: whether the FIFO is to be read all the same.
static bool look_on(uart_t *uart) {
    if (!uart->full) {
        uart->full = true;
        uart->full_ns = clock_ns();
    }
    bool drop = may_drop(uart);
    if (uart->held == drop) {
        set_held(uart, !drop);
        if (!drop && uart->interrupts) {
            uart->timer.callback = on_timer;
            timer_start(&uart->timer, uart->full_ns + UART_HOLD_NS);
        }
    }
    return drop;
}

void uart_service(uart_t *uart) {
    unsigned events = 0, dropped = 0;
    uint64_t state = cpu_irq_save();
    while (uart->open) {
        uint8_t line = get(uart, LSR);
        uart->lost += (line & LSR_OVERRUN) != 0;
        if (!(line & LSR_DATA_READY)) {
            break;
        }
        bool full = uart->head - uart->tail >= uart->size;
        if (full && !look_on(uart)) {
            break;
        }
        if (dropped == DROP_MAX) {
            // Switched on anew, it interrupts at once for what is left.
            put(uart, IER, 0);
            put(uart, IER, receive_interrupts(uart));
            break;
        }
        uint8_t byte = get(uart, DATA);
        if (line & LSR_BREAK) {
            events |= UART_BREAK;
        } else if (uart->intercept != 0 && uart->intercept(byte)) {
            continue;
        } else if (full) {
            ++dropped;
            ++uart->lost;
        } else {
            uart->ring[uart->head & (uart->size - 1)] = byte;
            uart->head++;
            events |= UART_RECEIVED;
        }
    }
    if (events != 0 && uart->notify != 0) {
        uart->notify(uart, events);
    }
    cpu_irq_restore(state);
}

static void on_interrupt(void *context) {
    uart_t *uart = context;
    test_came = true;
    // Reading it takes a transmitter's interrupt back, MSR a modem line's.
    get(uart, IIR);
    get(uart, MSR);
    uart_service(uart);
}

// An empty transmitter interrupts as soon as it may: that shows whether the way is open.
bool uart_use_interrupt(uart_t *uart) {
    if (!uart->open || !io_apic_install_isa(uart->isa_irq, on_interrupt, uart)) {
        return false;
    }
    while (!(get(uart, LSR) & LSR_THR_EMPTY)) {
        cpu_pause();
    }
    uint64_t state = cpu_irq_save();
    test_came = false;
    cpu_irq_on();
    put(uart, IER, IER_SENT);
    for (unsigned i = 0; i < TEST_READS && !test_came; ++i) {
        get(uart, LSR);
    }
    cpu_irq_off();
    uart->interrupts = test_came;
    uart->full = false;
    set_held(uart, false);
    cpu_irq_restore(state);
    return uart->interrupts;
}

size_t uart_available(const uart_t *uart) {
    return uart->head - uart->tail;
}

bool uart_has(const uart_t *uart, uint8_t byte) {
    for (uint32_t at = uart->tail; at != uart->head; ++at) {
        if (uart->ring[at & (uart->size - 1)] == byte) {
            return true;
        }
    }
    return false;
}

int uart_receive(uart_t *uart) {
    if (uart->head == uart->tail) {
        return -1;
    }
    __atomic_signal_fence(__ATOMIC_ACQUIRE);
    uint8_t byte = uart->ring[uart->tail & (uart->size - 1)];
    uart->tail++;
    if (uart->full) {
        uint64_t state = cpu_irq_save();
        uart->full_ns = clock_ns();
        if (uart->head - uart->tail <= uart->size / 2) {
            uart->full = false;
            timer_stop(&uart->timer);
            set_held(uart, false);
            uart_service(uart);
        }
        cpu_irq_restore(state);
    }
    return byte;
}

void uart_send(uart_t *uart, const void *data, size_t size) {
    static lock_t lock;
    const uint8_t *bytes = data;
    if (!uart->open) {
        return;
    }
    for (;;) {
        // An interrupt's handler may send in between, and another CPU.
        uint64_t state = lock_save(&lock);
        if (uart->room < size && (get(uart, LSR) & LSR_THR_EMPTY)) {
            uart->room = UART_FIFO_SIZE;
        }
        for (; uart->room > 0 && size > 0; --uart->room, --size) {
            put(uart, DATA, *bytes++);
        }
        lock_restore(&lock, state);
        if (size == 0) {
            break;
        }
        cpu_pause();
    }
}

void uart_write(const char *data, size_t size) {
    uart_send(&uarts[UART_CONSOLE], data, size);
}

bool uart_writable(const uart_t *uart) {
    return !uart->open || (get(uart, LSR) & LSR_THR_EMPTY);
}

bool uart_sent(const uart_t *uart) {
    return !uart->open || (get(uart, LSR) & LSR_ALL_SENT);
}

void uart_finish(void) {
    unsigned left = FINISH_READS;
    for (size_t i = 0; i < UART_COUNT; ++i) {
        while (!uart_sent(&uarts[i]) && left > 0) {
            --left;
            cpu_pause();
        }
    }
}

void uart_break(uart_t *uart, bool on) {
    if (uart->open) {
        uint8_t line = get(uart, LCR);
        put(uart, LCR, on ? line | LCR_BREAK : line & ~LCR_BREAK);
    }
}
