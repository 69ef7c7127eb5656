// Text on the screen, where there is one: VGA's text mode, or the framebuffer that a Multiboot2
// loader has set up. Where there is none, nothing happens.
#ifndef RINGZERO_DEVICES_SCREEN_H
#define RINGZERO_DEVICES_SCREEN_H

#include <stddef.h>

// Looks for a screen.
void screen_init(void);
// UTF-8 with the escape sequences that a prompt's line editor uses; others are left out. What is no
// ASCII is shown as '?'.
// From anywhere, an interrupt's handler too: what that writes is drawn at the latest by whom it has
// interrupted.
void screen_write(const char *text, size_t size);
// Before a panic writes: whoever was drawing will not go on.
void screen_take_over(void);

#endif
