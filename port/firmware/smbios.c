#include <string.h>

#include "firmware/memory.h"
#include "firmware/smbios.h"

enum {
    // 5.2.1 and 5.2.2: where the entry points lie on a PC without UEFI.
    SEARCH_START = 0xf0000,
    SEARCH_END = 0x100000,
    ENTRY_ALIGN = 16,
    // Each says its own size, which its bytes are summed up to. The older one is followed by another
    // entry point, for DMI, with a sum of its own.
    ENTRY_2_SIZE_AT = 0x05,
    ENTRY_2_SIZE = 0x1f,
    ENTRY_2_DMI = 0x10,
    ENTRY_2_DMI_SIZE = 0x0f,
    ENTRY_2_TABLE_SIZE = 0x16,
    ENTRY_2_TABLE_ADDR = 0x18,
    ENTRY_3_SIZE_AT = 0x06,
    ENTRY_3_SIZE = 0x18,
    ENTRY_3_TABLE_SIZE = 0x0c,
    ENTRY_3_TABLE_ADDR = 0x10,
    // 6.1.2, 7.2
    STRUCTURE_HEADER = 4,
    TYPE_SYSTEM = 1,
    TYPE_END = 127,
    SYSTEM_UUID = 8,
    TABLE_SIZE_MAX = 0x100000,
    // UEFI 2.10, 4.3 and 4.6: the system table, and in it a list of GUIDs and addresses.
    EFI_SYSTEM_SIZE = 120,
    EFI_ENTRIES = 104,
    EFI_TABLE = 112,
    EFI_ENTRY_SIZE = 24,
    EFI_ENTRIES_MAX = 1000,
    GUID_SIZE = 16,
};

static const uint8_t guid_2[GUID_SIZE] = {
    0x31, 0x2d, 0x9d, 0xeb, 0x88, 0x2d, 0xd3, 0x11, 0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d,
};
static const uint8_t guid_3[GUID_SIZE] = {
    0x44, 0x15, 0xfd, 0xf2, 0x94, 0x97, 0x2c, 0x4a, 0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94,
};

static uint64_t efi_entry; // UEFI's entry point, or 0

static uint64_t number(uint64_t addr, unsigned size) {
    uint64_t value = 0;
    memcpy(&value, (const void *)addr, size);
    return value;
}

static bool is_entry(uint64_t at, const char *anchor, unsigned size_at, uint32_t least) {
    return firmware_readable(at, least) && memcmp((const void *)at, anchor, strlen(anchor)) == 0
           && number(at + size_at, 1) >= least && firmware_readable(at, number(at + size_at, 1))
           && firmware_sums_to_zero((const void *)at, number(at + size_at, 1));
}

// The tables that an entry point leads to. False: there is none at that address.
static bool read_entry(uint64_t at, uint64_t *addr, uint64_t *size) {
    if (is_entry(at, "_SM3_", ENTRY_3_SIZE_AT, ENTRY_3_SIZE)) {
        *size = number(at + ENTRY_3_TABLE_SIZE, 4);
        *addr = number(at + ENTRY_3_TABLE_ADDR, 8);
    } else if (is_entry(at, "_SM_", ENTRY_2_SIZE_AT, ENTRY_2_SIZE)
               && memcmp((const void *)(at + ENTRY_2_DMI), "_DMI_", 5) == 0
               && firmware_sums_to_zero((const void *)(at + ENTRY_2_DMI), ENTRY_2_DMI_SIZE)) {
        *size = number(at + ENTRY_2_TABLE_SIZE, 2);
        *addr = number(at + ENTRY_2_TABLE_ADDR, 4);
    } else {
        return false;
    }
    return *size <= TABLE_SIZE_MAX && firmware_readable(*addr, *size);
}

static bool find_table(uint64_t *addr, uint64_t *size) {
    if (read_entry(efi_entry, addr, size)) {
        return true;
    }
    for (uint64_t at = SEARCH_START; at < SEARCH_END; at += ENTRY_ALIGN) {
        if (read_entry(at, addr, size)) {
            return true;
        }
    }
    return false;
}

void smbios_init(uint64_t system) {
    if (!firmware_readable(system, EFI_SYSTEM_SIZE) || memcmp((const void *)system, "IBI SYST", 8) != 0) {
        return;
    }
    uint64_t count = number(system + EFI_ENTRIES, 8);
    uint64_t at = number(system + EFI_TABLE, 8);
    if (count > EFI_ENTRIES_MAX || !firmware_readable(at, count * EFI_ENTRY_SIZE)) {
        return;
    }
    for (; count > 0; --count, at += EFI_ENTRY_SIZE) {
        bool is_3 = memcmp((const void *)at, guid_3, GUID_SIZE) == 0;
        if (is_3 || (efi_entry == 0 && memcmp((const void *)at, guid_2, GUID_SIZE) == 0)) {
            efi_entry = number(at + GUID_SIZE, 8);
        }
    }
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
    if (!find_table(&addr, &size)) {
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
