#include "cpu/io.h"
#include "devices/uart.h"

// PC16550D data sheet, table II: registers by their offset from the base.
enum {
    COM1 = 0x3f8,
    DATA = 0,
    DIVISOR_LOW = 0,
    IER = 1,
    DIVISOR_HIGH = 1,
    FCR = 2,
    LCR = 3,
    MCR = 4,
    LSR = 5,
    SCRATCH = 7,

    FCR_ENABLE_AND_CLEAR = 0x07,
    LCR_8N1 = 0x03,
    LCR_DLAB = 0x80,
    MCR_DTR_RTS_OUT2 = 0x0b,
    LSR_DATA_READY = 0x01,
    LSR_THR_EMPTY = 0x20,

    DIVISOR_115200 = 1,
    FIFO_SIZE = 16,
};

static bool present;

void uart_init(void) {
    io_out8(COM1 + SCRATCH, 0x5a);
    present = io_in8(COM1 + SCRATCH) == 0x5a;
    if (!present) {
        return;
    }
    io_out8(COM1 + IER, 0);
    io_out8(COM1 + LCR, LCR_DLAB);
    io_out8(COM1 + DIVISOR_LOW, DIVISOR_115200);
    io_out8(COM1 + DIVISOR_HIGH, 0);
    io_out8(COM1 + LCR, LCR_8N1);
    io_out8(COM1 + FCR, FCR_ENABLE_AND_CLEAR);
    io_out8(COM1 + MCR, MCR_DTR_RTS_OUT2);
}

bool uart_readable(void) {
    return present && (io_in8(COM1 + LSR) & LSR_DATA_READY);
}

int uart_read(void) {
    return uart_readable() ? io_in8(COM1 + DATA) : -1;
}

void uart_write(const char *data, size_t size) {
    if (!present) {
        return;
    }
    while (size > 0) {
        while (!(io_in8(COM1 + LSR) & LSR_THR_EMPTY)) {
            cpu_pause();
        }
        // An empty transmitter takes a whole FIFO.
        for (size_t room = FIFO_SIZE; room > 0 && size > 0; --room, --size) {
            io_out8(COM1 + DATA, *data++);
        }
    }
}
