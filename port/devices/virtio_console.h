// Consoles of virtio (1.2, 5.3): streams of bytes to whoever has the machine, one for each port.
#ifndef RINGZERO_DEVICES_VIRTIO_CONSOLE_H
#define RINGZERO_DEVICES_VIRTIO_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VIRTIO_CONSOLES_MAX 8u
#define VIRTIO_CONSOLE_NAME 64u // bytes

// Its number, by its two queues (virtio.h); a long name is cut. -1: there are too many, or no memory is left.
int virtio_console_add(unsigned receive_queue, unsigned send_queue, const char *name);
// NULL: there is none of that number.
const char *virtio_console_name(uint64_t number);

// What has come, at most so many bytes: how many. Neither this nor the next one waits; any CPU may call them,
// and not an interrupt's handler.
size_t virtio_console_read(unsigned number, void *buf, size_t size);
// As many bytes as there is room for: how many.
size_t virtio_console_write(unsigned number, const void *buf, size_t size);

bool virtio_console_readable(unsigned number);
bool virtio_console_writable(unsigned number);
// The device has taken all that was written.
bool virtio_console_sent(unsigned number);
// The device has broken the rules: nothing comes or goes any more.
bool virtio_console_broken(unsigned number);

// There are none any more: all devices have been stopped.
void virtio_console_reset(void);

#endif
