#include <stddef.h>
#include <string.h>

#include "boot/handoff.h"
#include "devices/framebuffer.h"
#include "extmod/font_petme128_8x8.h"

enum {
    KIND_RGB = 1,
};

// Multiboot2 3.6.12, behind the tag's type and size.
typedef struct __attribute__((packed)) {
    uint64_t addr;
    uint32_t pitch, width, height;
    uint8_t bpp, kind;
    uint16_t reserved;
    uint8_t red_shift, red_bits, green_shift, green_bits, blue_shift, blue_bits;
} framebuffer_tag_t;

// As far as the boot code maps.
#define MAPPED_END (UINT64_C(1) << 32)

enum {
    GLYPH_COLUMNS = 8, // a byte for each column, its lowest bit on top
    GLYPH_ROWS = 8,
    FONT_FIRST = 0x20,
    FONT_LAST = 0x7f,
    STRETCH = 2, // a character is twice as high as wide
    COLUMNS_LEAST = 100, // with fewer the font is not enlarged
};

static struct {
    uint8_t *memory;
    uint64_t size; // bytes
    size_t pitch;
    unsigned pixel_size; // bytes
    unsigned scale;
    unsigned columns, rows;
    uint32_t white;
} screen;

static uint32_t ones(unsigned shift, unsigned bits) {
    return shift < 32 && bits <= 8 ? ((1u << bits) - 1) << shift : 0;
}

bool framebuffer_init(void) {
    const multiboot2_tag_t *found = handoff_tag(MULTIBOOT2_TAG_FRAMEBUFFER, sizeof(framebuffer_tag_t));
    if (found == NULL) {
        return false;
    }
    const framebuffer_tag_t *tag = (const void *)found->data;
    if (tag->kind != KIND_RGB) {
        return false;
    }
    if (tag->bpp != 15 && tag->bpp != 16 && tag->bpp != 24 && tag->bpp != 32) {
        return false;
    }
    uint64_t pixel_size = (tag->bpp + 7) / 8;
    uint64_t size = (uint64_t)tag->pitch * tag->height;
    if (tag->pitch < tag->width * pixel_size || tag->addr < (uintptr_t)image_end
        || size > MAPPED_END || tag->addr > MAPPED_END - size) {
        return false;
    }
    // Not on what is still to be read: what the loader has said.
    uint64_t list = handoff.addr;
    if (tag->addr < list + *(const uint32_t *)list && tag->addr + size > list) {
        return false;
    }
    screen.pitch = tag->pitch;
    screen.pixel_size = pixel_size;
    screen.scale = tag->width / (COLUMNS_LEAST * GLYPH_COLUMNS);
    if (screen.scale == 0) {
        screen.scale = 1;
    }
    screen.columns = tag->width / (GLYPH_COLUMNS * screen.scale);
    screen.rows = tag->height / (GLYPH_ROWS * STRETCH * screen.scale);
    screen.white = ones(tag->red_shift, tag->red_bits) | ones(tag->green_shift, tag->green_bits)
        | ones(tag->blue_shift, tag->blue_bits);
    if (screen.columns == 0 || screen.rows == 0) {
        return false;
    }
    screen.memory = (uint8_t *)tag->addr;
    screen.size = size;
    for (unsigned y = 0; y < tag->height; ++y) {
        memset(screen.memory + y * screen.pitch, 0, tag->width * pixel_size);
    }
    return true;
}

void framebuffer_memory(uint64_t *start, uint64_t *end) {
    *start = (uint64_t)screen.memory;
    *end = *start + screen.size;
}

unsigned framebuffer_columns(void) {
    return screen.columns;
}

unsigned framebuffer_rows(void) {
    return screen.rows;
}

void framebuffer_draw(unsigned row, unsigned column, char c, bool inverse) {
    const uint8_t *glyph = font_petme128_8x8 + ((uint8_t)c - FONT_FIRST) * GLYPH_COLUMNS;
    const unsigned width = GLYPH_COLUMNS * screen.scale;
    const unsigned height = GLYPH_ROWS * STRETCH * screen.scale;
    uint8_t *line = screen.memory + row * height * screen.pitch + column * width * screen.pixel_size;
    for (unsigned y = 0; y < height; ++y, line += screen.pitch) {
        unsigned bit = y / (STRETCH * screen.scale);
        uint8_t *pixel = line;
        for (unsigned x = 0; x < width; ++x, pixel += screen.pixel_size) {
            bool on = (glyph[x / screen.scale] >> bit & 1) != inverse;
            uint32_t colour = on ? screen.white : 0;
            // One store each: memory behind a bus is slow.
            if (screen.pixel_size == 4) {
                *(volatile uint32_t *)pixel = colour;
            } else {
                *(volatile uint16_t *)pixel = colour;
                if (screen.pixel_size == 3) {
                    pixel[2] = colour >> 16;
                }
            }
        }
    }
}
