// The tags of a Multiboot2 loader. Multiboot2 specification 2.0, 3.6.
//
// What a loader says is believed only as far as it can be checked: a list at a multiple of 8 bytes in
// the 4 GiB that the boot tables map, of a size that makes sense, each tag inside it, with an end tag.
// One that is not so has no tags, and bootinfo.py says why.
#ifndef RINGZERO_BOOT_MULTIBOOT2_H
#define RINGZERO_BOOT_MULTIBOOT2_H

#include <stdint.h>

enum {
    MULTIBOOT2_TAG_FRAMEBUFFER = 8,
    MULTIBOOT2_TAG_EFI_64 = 12,
    MULTIBOOT2_TAG_RSDP_OLD = 14,
    MULTIBOOT2_TAG_RSDP_NEW = 15,
};

// At a multiple of 8 bytes.
typedef struct {
    uint32_t type;
    uint32_t size; // in bytes, with these two
    uint8_t data[];
} multiboot2_tag_t;

// The first tag of that type with at least `size` bytes of data in the list at that address; 0 where
// there is none. As the kernel started: its boot tables, or its own with low memory mapped.
const multiboot2_tag_t *multiboot2_find(uint64_t list, uint32_t type, uint32_t size);

#endif
