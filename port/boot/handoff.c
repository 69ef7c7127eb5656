#include <string.h>

#include "boot/handoff.h"
#include "boot/multiboot2.h"

// Written by _start before .bss is used for anything else.
handoff_t handoff;

enum {
    // Xen public/arch-x86/hvm/start_info.h
    PVH_MAGIC = 0x336ec578,
    PVH_RSDP = 32,
    PVH_SIZE = 40,
    ADDR_MIN = 0x500, // below are the interrupt vectors and the BIOS's data
    // ACPI 5.2.5.3: copies of the old and the new root pointer.
    RSDP_OLD_SIZE = 20,
    RSDP_NEW_SIZE = 36,
};

static uint32_t word(uint64_t addr) {
    uint32_t value;
    memcpy(&value, (const void *)addr, sizeof(value));
    return value;
}

const multiboot2_tag_t *handoff_tag(uint32_t type, uint32_t size) {
    return handoff.protocol == HANDOFF_MULTIBOOT2 ? multiboot2_find(handoff.addr, type, size) : 0;
}

uint64_t handoff_rsdp(void) {
    uint64_t addr = handoff.addr;
    if (handoff.protocol == HANDOFF_PVH && addr >= ADDR_MIN && addr <= (UINT64_C(1) << 32) - PVH_SIZE
        && word(addr) == PVH_MAGIC) {
        return word(addr + PVH_RSDP) | (uint64_t)word(addr + PVH_RSDP + 4) << 32;
    }
    const multiboot2_tag_t *tag = handoff_tag(MULTIBOOT2_TAG_RSDP_NEW, RSDP_NEW_SIZE);
    if (tag == 0) {
        tag = handoff_tag(MULTIBOOT2_TAG_RSDP_OLD, RSDP_OLD_SIZE);
    }
    return tag != 0 ? (uint64_t)tag->data : 0;
}

uint64_t handoff_efi_system_table(void) {
    uint64_t addr = 0;
    const multiboot2_tag_t *tag = handoff_tag(MULTIBOOT2_TAG_EFI_64, sizeof(addr));
    if (tag != 0) {
        memcpy(&addr, tag->data, sizeof(addr));
    }
    return addr;
}
