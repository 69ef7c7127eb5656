// The firmware's description of the machine. DMTF DSP0134.
#ifndef RINGZERO_FIRMWARE_SMBIOS_H
#define RINGZERO_FIRMWARE_SMBIOS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SMBIOS_UUID_SIZE = 16,
};

// Takes the address of UEFI's system table, or 0; then the BIOS area is searched. What leads from there
// to the tables may be gone later, the tables stay.
void smbios_init(uint64_t efi_system_table);

// False: the machine has none.
bool smbios_uuid(uint8_t uuid[SMBIOS_UUID_SIZE]);

#endif
