#include <string.h>

#include "devices/hpet.h"
#include "firmware/acpi.h"
#include "firmware/memory.h"

enum {
    // IA-PC HPET specification 1.0a, 2.3 and 3.2.4.
    HPET_ADDR = 44,
    HPET_TABLE_SIZE = 56,
    HPET_CAPABILITIES = 0x00,
    HPET_CONFIGURATION = 0x10,
    HPET_COUNTER = 0xf0,
    HPET_ENABLE = 1,
    HPET_PERIOD_FS_MAX = 100000000,
};

static volatile uint32_t *hpet;

static uint64_t count(void) {
    return hpet[HPET_COUNTER / 4];
}

bool hpet_find_reference(clock_reference_t *reference) {
    const uint8_t *table = acpi_find("HPET", HPET_TABLE_SIZE);
    uint64_t addr = 0;
    if (table != 0) {
        memcpy(&addr, table + HPET_ADDR, sizeof(addr));
    }
    if (!firmware_readable(addr, HPET_COUNTER + sizeof(uint64_t)) || addr % sizeof(uint64_t) != 0) {
        return false;
    }
    hpet = (volatile uint32_t *)addr;
    uint32_t period_fs = hpet[HPET_CAPABILITIES / 4 + 1];
    if (period_fs == 0 || period_fs > HPET_PERIOD_FS_MAX) {
        return false;
    }
    hpet[HPET_CONFIGURATION / 4] |= HPET_ENABLE;
    *reference = (clock_reference_t) { "hpet", count, UINT32_MAX, period_fs, false };
    return true;
}
