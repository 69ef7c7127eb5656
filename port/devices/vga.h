// VGA's text mode, as BIOS firmware leaves it.
#ifndef RINGZERO_DEVICES_VGA_H
#define RINGZERO_DEVICES_VGA_H

#include <stdbool.h>

enum {
    VGA_COLUMNS = 80,
    VGA_ROWS = 25,
};

// False: there is no VGA, or it is in another mode.
bool vga_init(void);
void vga_draw(unsigned row, unsigned column, char c, bool inverse);

#endif
