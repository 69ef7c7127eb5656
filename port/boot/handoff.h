// What the boot loader left, as the 32-bit entry took it down.
#ifndef RINGZERO_BOOT_HANDOFF_H
#define RINGZERO_BOOT_HANDOFF_H

#include <stdint.h>

#include "boot/multiboot2.h"

enum {
    HANDOFF_PVH = 1,
    HANDOFF_MULTIBOOT2 = 2,
};

typedef struct {
    uint64_t protocol; // HANDOFF_*
    uint64_t addr;     // physical address of the loader's structure
} handoff_t;

extern handoff_t handoff;

// A tag of a Multiboot2 loader, as multiboot2_find() has it; 0 under another loader.
const multiboot2_tag_t *handoff_tag(uint32_t type, uint32_t size);

// The address of ACPI's root pointer as the loader gave it; 0 where it gave none.
uint64_t handoff_rsdp(void);

// The address of UEFI's system table as the loader gave it; 0 where it gave none.
uint64_t handoff_efi_system_table(void);

// The linker script's marks. [image_start, image_end) is all that the kernel occupies: code, data,
// heap, stacks and boot page tables.
extern char image_start[], image_end[];
extern char text_start[], text_end[], rodata_end[];
extern char stack_bottom[], stack_top[];
extern char heap_start[], heap_end[];

#endif
