#include "cpu/io.h"
#include "devices/pic.h"

// 8259A data sheet.
enum {
    PIC1 = 0x20,
    PIC2 = 0xa0,
    PIC_ICW1 = 0x11, // initialise, cascade, a fourth word comes
    PIC_ICW4_8086 = 0x01,
    PIC_VECTORS = 0x20,
};

void pic_disable(void) {
    io_out8(PIC1, PIC_ICW1);
    io_out8(PIC2, PIC_ICW1);
    io_out8(PIC1 + 1, PIC_VECTORS);
    io_out8(PIC2 + 1, PIC_VECTORS + 8);
    io_out8(PIC1 + 1, 1 << 2);
    io_out8(PIC2 + 1, 2);
    io_out8(PIC1 + 1, PIC_ICW4_8086);
    io_out8(PIC2 + 1, PIC_ICW4_8086);
    io_out8(PIC1 + 1, 0xff);
    io_out8(PIC2 + 1, 0xff);
}
