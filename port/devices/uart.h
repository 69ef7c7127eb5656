// The 16550 serial ports COM1 and COM2: received by interrupt into a ring, sent by polling.
#ifndef RINGZERO_DEVICES_UART_H
#define RINGZERO_DEVICES_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu/timer.h"

enum {
    UART_COUNT = 2,
    UART_CONSOLE = 0,
    UART_RATE_MAX = 115200,
    UART_FIFO_SIZE = 16,
    UART_ANY = -1,
};
#define UART_HOLD_NS UINT64_C(2000000000)

typedef enum {
    UART_PARITY_NONE,
    UART_PARITY_ODD,
    UART_PARITY_EVEN,
} uart_parity_t;

// Why uart_t.notify is called.
enum {
    UART_RECEIVED = 1,
    UART_BREAK = 2,
};

typedef struct _uart_t uart_t;
struct _uart_t {
    uint16_t port;
    uint8_t isa_irq;
    bool present;
    bool open;
    uint8_t format; // LCR, bits and parity, as it is open
    uint16_t divisor; // of UART_RATE_MAX
    bool interrupts; // they arrive
    // The ring was full, and is not yet half read.
    bool full;
    // So many bytes at least the transmitter's FIFO has room for: what it had when it was last seen empty.
    uint8_t room;
    bool held; // bytes stay in the FIFO, and the sender waits
    uint64_t full_ns; // clock_ns() as the ring became full, or was last read since
    timer_entry_t timer;
    // Received and not yet read: ring[tail] to ring[head - 1], both modulo size, a power of 2.
    uint8_t *ring;
    uint32_t size;
    volatile uint32_t head, tail;
    uint32_t lost; // overruns of the FIFO, and bytes for which a full ring had no room
    // Called for each byte as it comes in, with interrupts off; true: it is not for the ring. Of
    // UART_ANY it says whether there is a byte that it would take, and must see at any price: a
    // full ring then has the sender wait for UART_HOLD_NS after it was last read, and from then on
    // what there is no room for is dropped. Else, or without this, the sender waits as long as it
    // takes, and nothing is lost.
    bool (*intercept)(int byte);
    // Called with UART_* after bytes have come, with interrupts off.
    void (*notify)(uart_t *uart, unsigned events);
};

extern uart_t uarts[UART_COUNT];

// Looks which ports there are and opens the console at 115200 8N1, without interrupts.
void uart_init(void);
// False: interrupts of this port do not arrive, and uart_service() has to be called instead.
bool uart_use_interrupt(uart_t *uart);

// Whether the rate can be had: it divides 115200.
bool uart_can(unsigned rate);
// Opens it, or changes how it is open; bits are 5 to 8, stop 1 or 2. False: there is no port, or
// not that rate.
bool uart_open(uart_t *uart, unsigned rate, unsigned bits, uart_parity_t parity, unsigned stop);
// Gives the port a ring of size bytes, a power of 2; what the old one held is thrown away.
void uart_set_ring(uart_t *uart, uint8_t *ring, uint32_t size);
void uart_close(uart_t *uart);

// Takes what the FIFO holds. The interrupt's handler, and for whoever polls.
void uart_service(uart_t *uart);

size_t uart_available(const uart_t *uart);
// Whether this byte is among them.
bool uart_has(const uart_t *uart, uint8_t byte);
// The next byte received, or -1.
int uart_receive(uart_t *uart);

// Waits until all is taken; drops it where there is no port.
void uart_send(uart_t *uart, const void *data, size_t size);
// The same to the console.
void uart_write(const char *data, size_t size);
// Whether a byte would be taken at once, and whether the last one has left.
bool uart_writable(const uart_t *uart);
bool uart_sent(const uart_t *uart);
// Waits until the last byte of each has left; not for ever, where nobody takes them.
void uart_finish(void);
void uart_break(uart_t *uart, bool on);

#endif
