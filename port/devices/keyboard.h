// The keyboard: received by interrupt into a ring, as text. One for the machine; its text is the first CPU's.
#ifndef RINGZERO_DEVICES_KEYBOARD_H
#define RINGZERO_DEVICES_KEYBOARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/keymap.h"

// Looks for one. `intercept` is called for each byte of text as it comes in, with interrupts off; true: it is
// not for the ring. False: there is a keyboard whose interrupts do not arrive, and keyboard_service() has to
// be called instead.
bool keyboard_init(bool (*intercept)(int byte));

// Whether there is a controller for one.
bool keyboard_present(void);

// Takes what the controller holds. The interrupt's handler, and for whoever polls.
void keyboard_service(void);

// Text that is there and not yet read, in bytes, and whether this byte is among it.
size_t keyboard_available(void);
bool keyboard_has(uint8_t byte);
// The next byte of it, or -1.
int keyboard_receive(void);

// From any CPU: the layout in use, of which `composed` need not be all, and the keys that are down.
void keyboard_set_layout(const keymap_t *map);
void keyboard_get_name(char name[KEYMAP_NAME_MAX + 1]);
void keyboard_get_down(uint8_t down[32]);

#endif
