// The firmware's description of the machine. DMTF DSP0134.
#ifndef RINGZERO_FIRMWARE_SMBIOS_H
#define RINGZERO_FIRMWARE_SMBIOS_H

#include <stdbool.h>
#include <stdint.h>

enum {
    SMBIOS_UUID_SIZE = 16,
};

// False: the machine has none.
bool smbios_uuid(uint8_t uuid[SMBIOS_UUID_SIZE]);

#endif
