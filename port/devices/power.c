#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "firmware/acpi.h"
#include "firmware/memory.h"
#include "cpu/clock.h"
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

    // ACPI 4.8.3.2.1: the PM1 control register.
    PM1_SCI_ENABLE = 1 << 0,
    PM1_SLEEP_TYPE_SHIFT = 10,
    PM1_SLEEP_TYPE_MASK = 7 << PM1_SLEEP_TYPE_SHIFT,
    PM1_SLEEP_ENABLE = 1 << 13,
    // 4.8.3.7: the sleep control register of hardware-reduced ACPI.
    SLEEP_TYPE_SHIFT = 2,
    SLEEP_ENABLE = 1 << 5,
    // 20.2: as much of AML as Name (_S5, Package () {a, b, ...}) takes.
    AML_ZERO = 0x00,
    AML_ONE = 0x01,
    AML_NAME = 0x08,
    AML_BYTE = 0x0a,
    AML_PACKAGE = 0x12,
    AML_ROOT = '\\',
    // How long QEMU may take to end, and firmware to hand the power management over, in reads of a port.
    READS_MAX = 1000000,
    // How long the power may take to go, once told to.
    OFF_NS = 1000000000,
    // How long a reset may take.
    RESET_NS = 100000000,
};

typedef struct {
    uint8_t a, b;
} sleep_types_t;

// An integer of a package: one byte or a constant.
static bool read_integer(const uint8_t **at, const uint8_t *end, uint8_t *value) {
    if (end - *at >= 2 && **at == AML_BYTE) {
        *value = (*at)[1];
        *at += 2;
        return true;
    }
    if (end - *at >= 1 && (**at == AML_ZERO || **at == AML_ONE)) {
        *value = *(*at)++;
        return true;
    }
    return false;
}

// What the sleep registers want for "soft off": the DSDT's _S5, found without an interpreter.
static bool find_soft_off(sleep_types_t *types) {
    const acpi_fadt_t *fadt = acpi_fadt();
    const acpi_header_t *dsdt = acpi_table(fadt->x_dsdt, "DSDT", 0);
    if (dsdt == NULL) {
        dsdt = acpi_table(fadt->dsdt, "DSDT", 0);
    }
    if (dsdt == NULL) {
        return false;
    }
    const uint8_t *at = (const uint8_t *)(dsdt + 1);
    const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;
    for (at += 2; end - at > 8; ++at) {
        if (memcmp(at, "_S5_", 4) == 0 && at[4] == AML_PACKAGE
            && (at[-1] == AML_NAME || (at[-1] == AML_ROOT && at[-2] == AML_NAME))) {
            // The package's length has as many bytes more as its first one's top bits say; then
            // comes the number of its elements.
            at += 5 + 1 + (at[5] >> 6) + 1;
            return read_integer(&at, end, &types->a) && read_integer(&at, end, &types->b);
        }
    }
    return false;
}

static void write_register(const acpi_address_t *reg, uint8_t value) {
    if (reg->space == ACPI_SPACE_IO) {
        io_out8(reg->addr, value);
    } else if (reg->space == ACPI_SPACE_MEMORY && firmware_readable(reg->addr, sizeof(uint8_t))) {
        *(volatile uint8_t *)reg->addr = value;
    }
}

static void enter_sleep(uint16_t port, uint8_t type) {
    if (port != 0) {
        uint16_t value = io_in16(port) & ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);
        value |= type << PM1_SLEEP_TYPE_SHIFT & PM1_SLEEP_TYPE_MASK;
        io_out16(port, value | PM1_SLEEP_ENABLE);
    }
}

static void wait_for_end(uint64_t ns) {
    uint64_t end = clock_ns() + ns;
    while (clock_ns() < end) {
        cpu_pause();
    }
}

// Returns where ACPI cannot do it, or does not.
static void acpi_power_off(void) {
    const acpi_fadt_t *fadt = acpi_fadt();
    sleep_types_t types;
    if (fadt == NULL || !find_soft_off(&types)) {
        return;
    }
    if (fadt->flags & ACPI_FADT_HARDWARE_REDUCED) {
        write_register(&fadt->sleep_control, types.a << SLEEP_TYPE_SHIFT | SLEEP_ENABLE);
        wait_for_end(OFF_NS);
        return;
    }
    if (fadt->smi_command != 0 && fadt->acpi_enable != 0 && !(io_in16(fadt->pm1a_control) & PM1_SCI_ENABLE)) {
        io_out8(fadt->smi_command, fadt->acpi_enable);
        for (unsigned i = 0; i < READS_MAX && !(io_in16(fadt->pm1a_control) & PM1_SCI_ENABLE); ++i) {
        }
    }
    enter_sleep(fadt->pm1a_control, types.a);
    enter_sleep(fadt->pm1b_control, types.b);
    wait_for_end(OFF_NS);
}

// QEMU may end a moment after it is told to. Its device is read as 0, where there is none as 0xff.
static void end_qemu(uint8_t value) {
    io_out8(DEBUG_EXIT_PORT, value);
    for (unsigned i = 0; i < READS_MAX && io_in8(DEBUG_EXIT_PORT) == 0; ++i) {
        cpu_pause();
    }
}

// For whoever is at the other end of the line, where no device tells them.
static void say_status(unsigned status) {
    static const char text[] = "ringzero: exit ";
    char line[16];
    char *at = line + sizeof(line);
    *--at = '\n';
    *--at = '\r';
    do {
        *--at = '0' + status % 10;
        status /= 10;
    } while (status > 0);
    uart_write(text, sizeof(text) - 1);
    uart_write(at, line + sizeof(line) - at);
    uart_finish();
}

void power_off(unsigned status) {
    static const char text[] = "The machine may be switched off now.\r\n";
    cpu_irq_off();
    uart_finish();
    end_qemu(status + 1);
    say_status(status);
    acpi_power_off();
    uart_write(text, sizeof(text) - 1);
    cpu_halt();
}

// A real machine stays on, with the message on its screen.
void power_off_panic(void) {
    static const char text[] = "The machine has stopped.\r\n";
    cpu_irq_off();
    uart_finish();
    end_qemu(DEBUG_EXIT_PANIC);
    uart_write(text, sizeof(text) - 1);
    cpu_halt();
}

void power_reset(void) {
    cpu_irq_off();
    uart_finish();
    const acpi_fadt_t *fadt = acpi_fadt();
    if (fadt != NULL && (fadt->flags & ACPI_FADT_RESET)) {
        write_register(&fadt->reset, fadt->reset_value);
        wait_for_end(RESET_NS);
    }
    io_out8(RESET_PORT, RESET_HARD);
    io_out8(RESET_PORT, RESET_HARD | RESET_CPU);
    wait_for_end(RESET_NS);
    io_out8(KEYBOARD_COMMAND, KEYBOARD_RESET);
    wait_for_end(RESET_NS);
    // Neither is there: a fault without a descriptor table resets the CPU.
    struct __attribute__((packed)) {
        uint16_t limit;
        uint64_t base;
    } none = {0, 0};
    __asm__ volatile ("lidt %0; int3" : : "m" (none));
    cpu_halt();
}
