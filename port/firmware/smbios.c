#include <string.h>

#include "firmware/smbios.h"

enum {
    // 5.2.1 and 5.2.2: where the entry points lie on a PC without UEFI.
    SEARCH_START = 0xf0000,
    SEARCH_END = 0x100000,
    ENTRY_ALIGN = 16,
    ENTRY_2_TABLE_SIZE = 0x16,
    ENTRY_2_TABLE_ADDR = 0x18,
    ENTRY_3_TABLE_SIZE = 0x0c,
    ENTRY_3_TABLE_ADDR = 0x10,
    // 6.1.2, 7.2
    STRUCTURE_HEADER = 4,
    TYPE_SYSTEM = 1,
    TYPE_END = 127,
    SYSTEM_UUID = 8,
    TABLE_SIZE_MAX = 0x100000,
};

static uint64_t number(uint64_t addr, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, (const void *)addr, size);
    return value;
}

static bool find_table(uint64_t *addr, uint64_t *size) {
    for (uint64_t at = SEARCH_START; at < SEARCH_END; at += ENTRY_ALIGN) {
        if (memcmp((const void *)at, "_SM3_", 5) == 0) {
            *size = number(at + ENTRY_3_TABLE_SIZE, 4);
            *addr = number(at + ENTRY_3_TABLE_ADDR, 8);
            return true;
        }
        if (memcmp((const void *)at, "_SM_", 4) == 0) {
            *size = number(at + ENTRY_2_TABLE_SIZE, 2);
            *addr = number(at + ENTRY_2_TABLE_ADDR, 4);
            return true;
        }
    }
    return false;
}

// All zeros: not there; all ones: not set.
static bool is_set(const uint8_t *uuid) {
    bool zeros = true, ones = true;
    for (unsigned i = 0; i < SMBIOS_UUID_SIZE; ++i) {
        zeros &= uuid[i] == 0;
        ones &= uuid[i] == 0xff;
    }
    return !zeros && !ones;
}

bool smbios_uuid(uint8_t uuid[SMBIOS_UUID_SIZE]) {
    uint64_t addr, size;
    if (!find_table(&addr, &size) || size > TABLE_SIZE_MAX || addr == 0 || addr > (UINT64_C(1) << 32) - size) {
        return false;
    }
    const uint8_t *at = (const uint8_t *)addr;
    const uint8_t *end = at + size;
    while (end - at >= STRUCTURE_HEADER && at[1] >= STRUCTURE_HEADER && at[1] <= end - at && at[0] != TYPE_END) {
        if (at[0] == TYPE_SYSTEM && at[1] >= SYSTEM_UUID + SMBIOS_UUID_SIZE) {
            memcpy(uuid, at + SYSTEM_UUID, SMBIOS_UUID_SIZE);
            return is_set(uuid);
        }
        // The strings after it end with an empty one.
        at += at[1];
        while (end - at >= 2 && (at[0] != 0 || at[1] != 0)) {
            at++;
        }
        at += 2;
    }
    return false;
}
