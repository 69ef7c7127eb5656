#include <string.h>

#include "boot/handoff.h"

// Written by _start before .bss is used for anything else.
handoff_t handoff;

enum {
    // Xen public/arch-x86/hvm/start_info.h
    PVH_MAGIC = 0x336ec578,
    PVH_RSDP = 32,
    // Multiboot2 specification 3.6.14 and 3.6.15: copies of the old and the new root pointer.
    MULTIBOOT2_TAG_END = 0,
    MULTIBOOT2_TAG_RSDP_OLD = 14,
    MULTIBOOT2_TAG_RSDP_NEW = 15,
    MULTIBOOT2_SIZE_MAX = 0x100000,
};

static uint32_t word(uint64_t addr) {
    uint32_t value;
    memcpy(&value, (const void *)addr, sizeof(value));
    return value;
}

uint64_t handoff_rsdp(void) {
    uint64_t addr = handoff.addr;
    if (handoff.protocol == HANDOFF_PVH && word(addr) == PVH_MAGIC) {
        return word(addr + PVH_RSDP) | (uint64_t)word(addr + PVH_RSDP + 4) << 32;
    }
    if (handoff.protocol == HANDOFF_MULTIBOOT2 && word(addr) <= MULTIBOOT2_SIZE_MAX) {
        uint64_t found = 0;
        uint64_t end = addr + word(addr);
        for (addr += 8; addr + 8 <= end && word(addr) != MULTIBOOT2_TAG_END;) {
            uint32_t type = word(addr);
            uint32_t size = word(addr + 4);
            if (type == MULTIBOOT2_TAG_RSDP_NEW || (type == MULTIBOOT2_TAG_RSDP_OLD && found == 0)) {
                found = addr + 8;
            }
            if (size < 8) {
                break;
            }
            addr += (size + 7) & ~UINT64_C(7);
        }
        return found;
    }
    return 0;
}
