// The controller of a PS/2 keyboard, or what firmware emulates for one on USB.
#ifndef RINGZERO_DEVICES_I8042_H
#define RINGZERO_DEVICES_I8042_H

#include <stdbool.h>
#include <stdint.h>

enum {
    I8042_ISA_IRQ = 1,
    I8042_ISA_IRQ_MOUSE = 12,
    I8042_NONE = -1,
};

// Has it interrupt for the keyboard, and switches the mouse off. False: there is none.
bool i8042_init(void);

// The keyboard's next byte, or I8042_NONE. What a mouse has sent is dropped.
int i8042_read(void);

// Sends the keyboard a byte. False: the controller is not ready for it.
bool i8042_send(uint8_t byte);

#endif
