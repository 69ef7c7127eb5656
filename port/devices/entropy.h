// Random bytes from a device that the machine has for it: virtio's (1.2, 5.4).
#ifndef RINGZERO_DEVICES_ENTROPY_H
#define RINGZERO_DEVICES_ENTROPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What it is: its queue (virtio.h), its number (dma.h). False: no memory is left.
bool entropy_use(unsigned queue, unsigned dma);
// Mixes its bytes into a buffer. False: there is none, or it has not given all of them within a second; then
// it is asked no more.
bool entropy_mix(uint8_t *buf, size_t size);
void entropy_reset(void);

#endif
