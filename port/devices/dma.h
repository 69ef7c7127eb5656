// Devices that read and write memory by themselves: how each is stopped, whether it is still there, and who
// waits for its interrupt. Before frames change hands all devices have been stopped.
#ifndef RINGZERO_DEVICES_DMA_H
#define RINGZERO_DEVICES_DMA_H

#include <stdbool.h>
#include <stdint.h>

#define DMA_DEVICES_MAX 64u

// Addresses are virtual ones of 32-bit registers; 0: there is none.
typedef struct {
    uint64_t stop;          // stops it when stop_value is written,
    uint64_t stop_value;
    uint64_t stop_size;     // 1 or 4 bytes,
    uint64_t stopped;       // which is done when the bits of stopped_mask are 0 here: of a byte or 4 bytes, too
    uint64_t stopped_mask;
    uint64_t alive;         // has not all bits set while it is there, and one of alive_mask, if that is not 0
    uint64_t alive_mask;
    uint64_t cause;         // says why it interrupts; what is read here
    uint64_t clear;         // is written here, in the interrupt,
    uint64_t summary;       // and then summary_value here
    uint64_t summary_value;
    uint64_t also;          // 0 is written here before it is stopped
} dma_device_t;

// Its number, or -1: there are too many.
int dma_add(const dma_device_t *device);
// Whether there is a device of that number, which the functions below want.
bool dma_is(uint64_t number);

// What the device is to write where to interrupt this CPU: a 64-bit address, 32 bits of data. False: it
// cannot, and whoever waits for it looks instead.
bool dma_use_msi(unsigned number, uint64_t *addr, uint32_t *data);
// It interrupts together with another one that does, by the same message.
void dma_share(unsigned number, unsigned with);
// It has an input of an I/O APIC, by its global number, and perhaps others with it; an edge is an interrupt.
// False: no I/O APIC has it, or it is somebody else's.
//
// An input that several devices hold has no edge where a second one interrupts before the first is
// silent, and one that is somebody else's as well may never have: so it is no more than a hint to look.
bool dma_use_input(unsigned number, uint32_t global);
// It interrupts by messages, none of which is lost.
bool dma_has_messages(unsigned number);

// A function that its interrupts call, in their handler, after the cause has been read and cleared.
void dma_on_interrupt(unsigned number, void (*function)(void *context), void *context);
// What its interrupt does, with interrupts off.
void dma_look(unsigned number);

// Runs no longer than 10 ms without an interrupt. Interrupts that come on another CPU than this one end it,
// too; look at what is waited for before every call and after it. One waits for a device at a time.
void dma_wait(unsigned number);

// What its interrupts have read as their causes, which is then forgotten.
uint32_t dma_causes(unsigned number);

bool dma_is_gone(unsigned number);
// It reads and writes memory no more. False: it would not stop; a second later that is given up.
bool dma_stop(unsigned number);
bool dma_is_stopped(unsigned number);

// All of them; there are none any more.
void dma_reset(void);

#endif
