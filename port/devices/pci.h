// PCI's configuration space through its two I/O ports (PCI Local Bus 3.0, 3.2.2.3.2): segment 0, and of
// each function the first 256 bytes.
#ifndef RINGZERO_DEVICES_PCI_H
#define RINGZERO_DEVICES_PCI_H

#include <stdbool.h>
#include <stdint.h>

// Whether the ports are there.
bool pci_present(void);

// `function` is bus << 8 | device << 3 | function, `offset` a multiple of `size`, which is 1, 2 or 4: both
// together below 256. All ones where nothing answers. From any CPU, and from interrupts.
uint32_t pci_read(uint16_t function, uint8_t offset, unsigned size);
void pci_write(uint16_t function, uint8_t offset, unsigned size, uint32_t value);

#endif
