// What QEMU's user leaves in files for the guest (-fw_cfg). QEMU's docs/specs/fw_cfg.
#ifndef RINGZERO_FIRMWARE_FWCFG_H
#define RINGZERO_FIRMWARE_FWCFG_H

#include <stdbool.h>

// Whether there is a file of this name, and holds these characters and no more.
bool fwcfg_file_is(const char *name, const char *text);

#endif
