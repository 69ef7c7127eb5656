// Network interfaces: Ethernet frames out of memory and into it, by whichever driver knows the device.
//
// A device's interrupt moves what has come into a queue, so that nothing is lost while Python computes. Where
// interrupts are not sure to come, which is wherever they are no messages, a timer looks every 5 ms as well, unless
// the last frame has come by an interrupt; every 100 ms one looks whether a cable was pulled, or the device. Both run
// while somebody listens.
//
// Nothing that a device says is believed: one that breaks the rules is stopped, and has no link any more. All
// functions are for CPU 0, and for no interrupt's handler.
#ifndef RINGZERO_DEVICES_NIC_H
#define RINGZERO_DEVICES_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NICS_MAX 8u
#define NIC_FRAME_MIN 14u   // bytes, without the checksum
#define NIC_FRAME_MAX 1514u
#define NIC_QUEUE 1024u     // received frames that wait for whoever takes them; more are dropped, and counted
#define NIC_TEXT 96u        // bytes

typedef struct nic_driver nic_driver_t;

// What a driver in Python has found out and made ready, as 64-bit words.
typedef struct {
    uint64_t dma;           // number of its dma_device_t
    uint64_t mac;           // the first byte of the address is the lowest
    uint64_t registers[10]; // what follows is its driver's
} nic_setup_t;

// Counts since nic_add().
typedef struct {
    uint64_t received, sent;                // frames
    uint64_t received_bytes, sent_bytes;
    uint64_t dropped;                       // came for others, or while nobody listened, or had no room
    uint64_t errors;                        // came or were to go, and were malformed
} nic_stats_t;

// Of a frame that is to be sent.
typedef struct {
    const void *buf;
    size_t size;
} nic_part_t;

extern const nic_driver_t nic_virtio, nic_e1000;

// Its number; -1: there are too many, no memory is left, or the setup makes no sense. The text says what it is,
// driver and place with "\x01" between; a long one is cut.
int nic_add(const nic_driver_t *driver, const nic_setup_t *setup, const char *text);
// Whether there is one of that number, which the functions below want.
bool nic_is(uint64_t number);
const char *nic_text(unsigned number);
// Its address, 6 bytes. Frames for other stations are dropped; for groups of them all come.
const uint8_t *nic_mac(unsigned number);
// A cable is in. False as well: the device is gone, or broken.
bool nic_link(unsigned number);
// The device is gone or broken, for good.
bool nic_is_dead(unsigned number);

// Whether frames that come are kept: not at first. What is in the queue is dropped when that ends.
void nic_listen(unsigned number, bool on);
// The oldest frame that has come; its bytes stay until nic_done(). NULL: none has.
const uint8_t *nic_peek(unsigned number, size_t *size);
// The oldest one, which there is, has been looked at.
void nic_done(unsigned number);
// Sends a frame, copied from so many parts. False: there is no room just now, the device is gone, or it is none of
// NIC_FRAME_MIN to NIC_FRAME_MAX bytes; then nothing was sent.
bool nic_send(unsigned number, const nic_part_t *parts, unsigned count);
void nic_get_stats(unsigned number, nic_stats_t *stats);

// What is called in an interrupt's handler, on CPU 0, when frames have come, or the link or the device has come or
// gone. NULL: nothing.
void nic_set_waker(void (*waker)(void));

// There are none any more: all devices have been stopped.
void nic_reset(void);

#endif
