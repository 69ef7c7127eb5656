#include "cpu/io.h"
#include "devices/pm_timer.h"
#include "firmware/acpi.h"

#define PERIOD_FS UINT64_C(279365114) // ACPI 4.8.2.1: 3.579545 MHz, 24 bits
#define MASK UINT64_C(0xffffff)

static uint16_t port;

static uint64_t count(void) {
    return io_in32(port) & MASK;
}

bool pm_timer_find_reference(clock_reference_t *reference) {
    const acpi_fadt_t *fadt = acpi_fadt();
    if (fadt == 0 || (fadt->flags & ACPI_FADT_HARDWARE_REDUCED)) {
        return false;
    }
    uint64_t addr = fadt->pm_timer;
    if (fadt->x_pm_timer.space == ACPI_SPACE_IO && fadt->x_pm_timer.addr != 0) {
        addr = fadt->x_pm_timer.addr;
    }
    if (addr == 0 || addr > UINT16_MAX) {
        return false;
    }
    port = addr;
    if (io_in32(port) == UINT32_MAX) {
        return false;
    }
    *reference = (clock_reference_t) { "pm timer", count, MASK, PERIOD_FS, false };
    return true;
}
