// Calls of UEFI's runtime services, on page tables that have what they need and no more: firmware's own memory
// as EFI's memory map has it, a stack and the call's buffers, with nothing mapped around them, and what the
// kernel needs for a trap. They last for one call.
#ifndef RINGZERO_MEMORY_EFI_H
#define RINGZERO_MEMORY_EFI_H

#include <stddef.h>
#include <stdint.h>

#define EFI_ARGS_MAX 8

// Memory of firmware's, which is reached at its own address; in bytes, pages, PAGING_*.
typedef struct {
    uint64_t start, count, flags;
} efi_region_t;

// Bytes that the firmware has at an address of its own while it runs: there and back.
typedef struct {
    void *data;
    size_t size;
} efi_buffer_t;

typedef struct {
    const efi_region_t *regions;
    size_t regions_count;
    uint64_t function;
    // An argument whose buffer's size is not 0 is the address of that.
    uint64_t args[EFI_ARGS_MAX];
    efi_buffer_t buffers[EFI_ARGS_MAX];
    // What comes of it: what the function has returned, or what it was stopped by.
    uint64_t result;
    uint64_t vector, error, addr, rip;
} efi_call_t;

typedef enum {
    EFI_CALL_OK,
    EFI_CALL_FAULT,     // an exception has come in the firmware, which may have left anything half done
    EFI_CALL_NO_MEMORY,
    EFI_CALL_REGIONS,   // they overlap, are the kernel's, or are none
    EFI_CALL_FUNCTION,  // not in a region whose code may run
} efi_call_status_t;

// On CPU 0, outside of interrupts. With interrupts off until the firmware returns: nothing ends it before.
efi_call_status_t efi_call(efi_call_t *call);

#endif
