#include <string.h>

#include "cpu/io.h"
#include "memory/identity.h"

// SDM 3A 4.5: four levels of 512 entries of 8 bytes.
enum {
    ENTRIES = 512,
    PRESENT_WRITABLE = 0x3,
    LARGE = 0x80,
    SHIFT_2M = 21,
    SHIFT_1G = 30,
    SHIFT_512G = 39,
    BOOT_PDPT_ENTRIES = 4,
};
#define ADDR_MASK UINT64_C(0x000ffffffffff000)

extern uint64_t boot_pml4[ENTRIES];

static uint64_t *table_of(uint64_t entry) {
    return (uint64_t *)(entry & ADDR_MASK);
}

void identity_reset(void) {
    uint64_t *pdpt = table_of(boot_pml4[0]);
    memset(boot_pml4 + 1, 0, (ENTRIES - 1) * sizeof(*boot_pml4));
    memset(pdpt + BOOT_PDPT_ENTRIES, 0, (ENTRIES - BOOT_PDPT_ENTRIES) * sizeof(*pdpt));
    cpu_set_cr3((uint64_t)boot_pml4);
}

// The table below an entry, made where there is none.
static uint64_t *descend(uint64_t *entry, identity_take_t take, void *context) {
    if (!(*entry & PRESENT_WRITABLE)) {
        uint64_t addr = take(context);
        if (addr == 0) {
            return NULL;
        }
        memset((void *)addr, 0, ENTRIES * sizeof(*entry));
        *entry = addr | PRESENT_WRITABLE;
    }
    return table_of(*entry);
}

bool identity_map(uint64_t start, uint64_t end, identity_take_t take, void *context) {
    uint64_t first = start & ~(uint64_t)(IDENTITY_PAGE_SIZE - 1);
    for (uint64_t addr = first; addr < end; addr += IDENTITY_PAGE_SIZE) {
        uint64_t *pdpt = descend(&boot_pml4[addr >> SHIFT_512G & (ENTRIES - 1)], take, context);
        if (pdpt == NULL) {
            return false;
        }
        uint64_t *pd = descend(&pdpt[addr >> SHIFT_1G & (ENTRIES - 1)], take, context);
        if (pd == NULL) {
            return false;
        }
        pd[addr >> SHIFT_2M & (ENTRIES - 1)] = addr | LARGE | PRESENT_WRITABLE;
    }
    return true;
}
