// The 16550 serial port COM1, polled.
#ifndef RINGZERO_DEVICES_UART_H
#define RINGZERO_DEVICES_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// 115200 8N1, FIFOs on.
void uart_init(void);
bool uart_readable(void);
// The next byte, or -1 where none has come.
int uart_read(void);
// Waits until all is taken; drops it where there is no port.
void uart_write(const char *data, size_t size);

#endif
