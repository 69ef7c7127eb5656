// ACPI's static tables, found and checked. ACPI specification 6.4, chapter 5.2.
#ifndef RINGZERO_FIRMWARE_ACPI_H
#define RINGZERO_FIRMWARE_ACPI_H

#include <stdint.h>

// 5.2.6: what every table begins with.
typedef struct __attribute__((packed)) {
    char signature[4];
    uint32_t length; // of the whole table, in bytes
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    uint32_t creator_id;
    uint32_t creator_revision;
} acpi_header_t;

// 5.2.3.2: a register, wherever it is.
typedef struct __attribute__((packed)) {
    uint8_t space; // ACPI_SPACE_*
    uint8_t bit_width;
    uint8_t bit_offset;
    uint8_t access_size;
    uint64_t addr;
} acpi_address_t;

enum {
    ACPI_SPACE_MEMORY = 0,
    ACPI_SPACE_IO = 1,
};

// 5.2.9, the fixed description table, as far as it is used.
typedef struct __attribute__((packed)) {
    acpi_header_t header;
    uint32_t firmware_control;
    uint32_t dsdt;
    uint8_t reserved_44[4];
    uint32_t smi_command;
    uint8_t acpi_enable;
    uint8_t reserved_53[11];
    uint32_t pm1a_control;
    uint32_t pm1b_control;
    uint32_t reserved_72;
    uint32_t pm_timer;
    uint8_t reserved_80[28];
    uint8_t century;
    uint16_t boot; // of revision 3 on: ACPI_FADT_BOOT_*
    uint8_t reserved_111;
    uint32_t flags; // ACPI_FADT_*
    acpi_address_t reset;
    uint8_t reset_value;
    uint8_t reserved_129[11];
    uint64_t x_dsdt;
    uint8_t reserved_148[60];
    acpi_address_t x_pm_timer;
    uint8_t reserved_220[24];
    acpi_address_t sleep_control;
} acpi_fadt_t;

enum {
    ACPI_FADT_RESET = 1 << 10,
    ACPI_FADT_HARDWARE_REDUCED = 1 << 20,
    ACPI_FADT_BOOT_8042 = 1 << 1,
};

// Takes the address that the boot loader gave, or 0; then the BIOS area is searched.
void acpi_init(uint64_t rsdp);

// The first table of that signature with a good checksum and at least size bytes; 0 where there is
// none. Tables above 4 GiB are not seen.
const void *acpi_find(const char *signature, uint32_t size);

// The FADT, or 0. Fields past its own length read as 0.
const acpi_fadt_t *acpi_fadt(void);

// A table by its address, checked as above.
const acpi_header_t *acpi_table(uint64_t addr, const char *signature, uint32_t size);

#endif
