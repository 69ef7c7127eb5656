#include <stdbool.h>
#include <string.h>

#include "firmware/acpi.h"
#include "firmware/memory.h"

enum {
    TABLE_SIZE_MAX = 0x400000, // a length beyond this is taken for garbage
    // 5.2.5.1: where the root pointer lies on a PC without UEFI.
    EBDA_SEGMENT = 0x40e,
    EBDA_SEARCH_SIZE = 1024,
    BIOS_START = 0xe0000,
    BIOS_END = 0x100000,
    ROOT_ALIGN = 16,
    ROOT_SIZE_1 = 20,
};

// 5.2.5.3
typedef struct __attribute__((packed)) {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt;
    // From revision 2 on:
    uint32_t length;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} root_t;

static const acpi_header_t *tables; // the RSDT or XSDT, or 0
static uint32_t entry_size;         // 4 or 8
static acpi_fadt_t fadt;

const acpi_header_t *acpi_table(uint64_t addr, const char *signature, uint32_t size) {
    if (!firmware_readable(addr, sizeof(acpi_header_t))) {
        return 0;
    }
    const acpi_header_t *table = (const void *)addr;
    if (memcmp(table->signature, signature, sizeof(table->signature)) != 0
        || table->length < sizeof(*table) || table->length < size || table->length > TABLE_SIZE_MAX
        || !firmware_readable(addr, table->length) || !firmware_sums_to_zero(table, table->length)) {
        return 0;
    }
    return table;
}

static const root_t *root_at(uint64_t addr) {
    if (!firmware_readable(addr, sizeof(root_t))) {
        return 0;
    }
    const root_t *root = (const void *)addr;
    return memcmp(root->signature, "RSD PTR ", 8) == 0 && firmware_sums_to_zero(root, ROOT_SIZE_1) ? root : 0;
}

static const root_t *root_between(uint64_t start, uint64_t end) {
    for (uint64_t addr = start; addr < end; addr += ROOT_ALIGN) {
        const root_t *root = root_at(addr);
        if (root != 0) {
            return root;
        }
    }
    return 0;
}

static const root_t *find_root(uint64_t addr) {
    const root_t *root = root_at(addr);
    if (root == 0) {
        volatile uint64_t segment = EBDA_SEGMENT; // so low an address is a null pointer to the compiler
        uint64_t ebda = (uint64_t)*(const uint16_t *)segment << 4;
        root = ebda >= 0x80000 && ebda < 0xa0000 ? root_between(ebda, ebda + EBDA_SEARCH_SIZE) : 0;
    }
    return root != 0 ? root : root_between(BIOS_START, BIOS_END);
}

void acpi_init(uint64_t rsdp) {
    const root_t *root = find_root(rsdp);
    if (root == 0) {
        return;
    }
    if (root->revision >= 2 && root->length >= sizeof(*root)) {
        tables = acpi_table(root->xsdt, "XSDT", 0);
        entry_size = sizeof(uint64_t);
    }
    if (tables == 0) {
        tables = acpi_table(root->rsdt, "RSDT", 0);
        entry_size = sizeof(uint32_t);
    }
    const acpi_header_t *found = acpi_find("FACP", 0);
    if (found != 0) {
        memcpy(&fadt, found, found->length < sizeof(fadt) ? found->length : sizeof(fadt));
    }
}

const void *acpi_find(const char *signature, uint32_t size) {
    if (tables == 0) {
        return 0;
    }
    const uint8_t *entry = (const uint8_t *)(tables + 1);
    uint32_t count = (tables->length - sizeof(*tables)) / entry_size;
    for (; count > 0; --count, entry += entry_size) {
        uint64_t addr = 0;
        memcpy(&addr, entry, entry_size);
        const acpi_header_t *table = acpi_table(addr, signature, size);
        if (table != 0) {
            return table;
        }
    }
    return 0;
}

const acpi_fadt_t *acpi_fadt(void) {
    return fadt.header.length != 0 ? &fadt : 0;
}
