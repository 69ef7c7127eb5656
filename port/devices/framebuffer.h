// Text on the framebuffer that a Multiboot2 loader has set up.
#ifndef RINGZERO_DEVICES_FRAMEBUFFER_H
#define RINGZERO_DEVICES_FRAMEBUFFER_H

#include <stdbool.h>
#include <stdint.h>

// Asks the loader's tags for it. False: there is none that can be drawn on.
bool framebuffer_init(void);
// The memory that is drawn on, in bytes; nothing where there is none.
void framebuffer_memory(uint64_t *start, uint64_t *end);
unsigned framebuffer_columns(void);
unsigned framebuffer_rows(void);
void framebuffer_draw(unsigned row, unsigned column, char c, bool inverse);

#endif
