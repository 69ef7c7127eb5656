#include "cpu/io.h"
#include "devices/power.h"
#include "devices/uart.h"

enum {
    // QEMU's isa-debug-exit: writing v ends QEMU with status (v << 1) | 1. A program's status n is
    // written as n + 1, for QEMU itself ends with 1 when it fails.
    DEBUG_EXIT_PORT = 0xf4,
    DEBUG_EXIT_PANIC = 0x70,
    // ICH9 and PIIX reset control register (Intel ICH9 data sheet 13.7.5): full reset.
    RESET_PORT = 0xcf9,
    RESET_HARD = 0x02,
    RESET_CPU = 0x04,
    // 8042 keyboard controller: pulse the reset line.
    KEYBOARD_COMMAND = 0x64,
    KEYBOARD_RESET = 0xfe,
};

static __attribute__((noreturn)) void debug_exit(uint8_t value, const char *text, size_t size) {
    io_out8(DEBUG_EXIT_PORT, value);
    uart_write(text, size);
    cpu_halt();
}

void power_off(unsigned status) {
    static const char text[] = "The machine may be switched off now.\r\n";
    debug_exit(status + 1, text, sizeof(text) - 1);
}

void power_off_panic(void) {
    static const char text[] = "The machine has stopped.\r\n";
    debug_exit(DEBUG_EXIT_PANIC, text, sizeof(text) - 1);
}

void power_reset(void) {
    io_out8(RESET_PORT, RESET_HARD);
    io_out8(RESET_PORT, RESET_HARD | RESET_CPU);
    io_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    // Neither is there: a fault without a descriptor table resets the CPU.
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } none = {0, 0};
    __asm__ volatile ("lidt %0; int3" : : "m" (none));
    cpu_halt();
}
