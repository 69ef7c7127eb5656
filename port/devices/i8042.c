#include "cpu/io.h"
#include "devices/i8042.h"
#include "firmware/acpi.h"

// IBM PS/2 hardware interface technical reference, keyboard and auxiliary device controller.
enum {
    DATA = 0x60,
    STATUS = 0x64,
    COMMAND = 0x64,

    STATUS_OUTPUT_FULL = 0x01, // there is a byte for us
    STATUS_INPUT_FULL = 0x02, // it has not taken ours yet
    STATUS_MOUSE = 0x20, // the byte is the mouse's
    FLOATING = 0xff,

    COMMAND_READ_CONFIG = 0x20,
    COMMAND_WRITE_CONFIG = 0x60,
    COMMAND_MOUSE_OFF = 0xa7,
    COMMAND_KEYBOARD_OFF = 0xad,

    CONFIG_KEYBOARD_IRQ = 0x01,
    CONFIG_MOUSE_IRQ = 0x02,
    CONFIG_KEYBOARD_OFF = 0x10,
    CONFIG_MOUSE_OFF = 0x20,
    CONFIG_TRANSLATE = 0x40, // into scan code set 1

    // A read takes about a microsecond; the controller answers in a few dozens.
    WAIT_READS = 10000,
    DRAIN_MAX = 64,
};

// ACPI 5.2.9.3; earlier revisions of the table have nothing there.
enum { FADT_REVISION = 3 };

static bool wait(uint8_t mask, uint8_t value) {
    for (unsigned i = 0; i < WAIT_READS; ++i) {
        if ((io_in8(STATUS) & mask) == value) {
            return true;
        }
    }
    return false;
}

static bool command(uint8_t byte) {
    if (!wait(STATUS_INPUT_FULL, 0)) {
        return false;
    }
    io_out8(COMMAND, byte);
    return true;
}

bool i8042_init(void) {
    const acpi_fadt_t *fadt = acpi_fadt();
    if (fadt != 0 && fadt->header.revision >= FADT_REVISION
        && !(fadt->boot & ACPI_FADT_BOOT_8042)) {
        return false;
    }
    if (io_in8(STATUS) == FLOATING || !command(COMMAND_KEYBOARD_OFF)
        || !command(COMMAND_MOUSE_OFF)) {
        return false;
    }
    // What has been typed into the loader.
    wait(STATUS_INPUT_FULL, 0);
    for (unsigned i = 0; i < DRAIN_MAX && (io_in8(STATUS) & STATUS_OUTPUT_FULL); ++i) {
        io_in8(DATA);
    }
    if (!command(COMMAND_READ_CONFIG) || !wait(STATUS_OUTPUT_FULL, STATUS_OUTPUT_FULL)) {
        return false;
    }
    uint8_t config = io_in8(DATA);
    // A command for the mouse, from whoever, switches that on again: its bytes must not stay in the way.
    config |= CONFIG_KEYBOARD_IRQ | CONFIG_MOUSE_IRQ | CONFIG_MOUSE_OFF | CONFIG_TRANSLATE;
    config &= ~CONFIG_KEYBOARD_OFF;
    if (!command(COMMAND_WRITE_CONFIG) || !wait(STATUS_INPUT_FULL, 0)) {
        return false;
    }
    io_out8(DATA, config);
    return wait(STATUS_INPUT_FULL, 0);
}

int i8042_read(void) {
    for (unsigned i = 0; i < DRAIN_MAX; ++i) {
        uint8_t status = io_in8(STATUS);
        if (!(status & STATUS_OUTPUT_FULL) || status == FLOATING) {
            break;
        }
        uint8_t byte = io_in8(DATA);
        if (!(status & STATUS_MOUSE)) {
            return byte;
        }
    }
    return I8042_NONE;
}

bool i8042_send(uint8_t byte) {
    if (io_in8(STATUS) & STATUS_INPUT_FULL) {
        return false;
    }
    io_out8(DATA, byte);
    return true;
}
