#include "boot/multiboot2.h"

enum {
    LIST_ADDR_MIN = 0x500, // below are the interrupt vectors and the BIOS's data
    LIST_HEADER_SIZE = 8,
    LIST_SIZE_MIN = 16,
    LIST_SIZE_MAX = 0x100000,
    TAG_END = 0,
};
#define MAPPED_END (UINT64_C(1) << 32)

// The tag at that offset, if it is one of the list's. The size has been read once: nothing is
// believed twice.
static const multiboot2_tag_t *tag_at(uint64_t list, uint32_t list_size, uint64_t offset) {
    if (offset + sizeof(multiboot2_tag_t) > list_size) {
        return 0;
    }
    const multiboot2_tag_t *tag = (const multiboot2_tag_t *)(list + offset);
    return tag->size >= sizeof(*tag) && tag->size <= list_size - offset ? tag : 0;
}

const multiboot2_tag_t *multiboot2_find(uint64_t list, uint32_t type, uint32_t size) {
    if (list % 8 != 0 || list < LIST_ADDR_MIN || list > MAPPED_END - LIST_SIZE_MAX) {
        return 0;
    }
    uint32_t list_size = *(const volatile uint32_t *)list;
    if (list_size < LIST_SIZE_MIN || list_size > LIST_SIZE_MAX) {
        return 0;
    }
    const multiboot2_tag_t *found = 0;
    uint64_t offset = LIST_HEADER_SIZE;
    for (;;) {
        const multiboot2_tag_t *tag = tag_at(list, list_size, offset);
        if (tag == 0) {
            return 0;
        }
        if (tag->type == TAG_END) {
            return found;
        }
        if (found == 0 && tag->type == type && tag->size - sizeof(*tag) >= size) {
            found = tag;
        }
        offset += (tag->size + 7) & ~UINT64_C(7);
    }
}
