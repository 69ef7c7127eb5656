#include "cpu/io.h"
#include "devices/vga.h"

// IBM PS/2 hardware interface technical reference, video subsystem. Data ports follow their index
// ports.
enum {
    GRAPHICS = 0x3ce,
    GRAPHICS_MISC = 0x06,
    GRAPHICS_MISC_MASK = 0x0d, // where the memory is, graphics mode
    GRAPHICS_MISC_TEXT = 0x0c, // at 0xb8000; not graphics
    CRTC = 0x3d4,
    CRTC_CURSOR_START = 0x0a,
    CRTC_CURSOR_OFF = 0x20,
    CRTC_CURSOR_LOW = 0x0f,

    TEXT_ADDR = 0xb8000,
    GREY_ON_BLACK = 0x0700,
    BLACK_ON_GREY = 0x7000,
};

static uint8_t read(uint16_t port, uint8_t index) {
    io_out8(port, index);
    return io_in8(port + 1);
}

static void write(uint16_t port, uint8_t index, uint8_t value) {
    io_out8(port, index);
    io_out8(port + 1, value);
}

bool vga_init(void) {
    // Any value can be written here and read back, where there is a VGA at all.
    write(CRTC, CRTC_CURSOR_LOW, 0x5a);
    if (read(CRTC, CRTC_CURSOR_LOW) != 0x5a
        || (read(GRAPHICS, GRAPHICS_MISC) & GRAPHICS_MISC_MASK) != GRAPHICS_MISC_TEXT) {
        return false;
    }
    write(CRTC, CRTC_CURSOR_START, CRTC_CURSOR_OFF);
    return true;
}

void vga_draw(unsigned row, unsigned column, char c, bool inverse) {
    volatile uint16_t *cells = (volatile uint16_t *)TEXT_ADDR;
    cells[row * VGA_COLUMNS + column] = (inverse ? BLACK_ON_GREY : GREY_ON_BLACK) | (uint8_t)c;
}
