// Text on the framebuffer that a Multiboot2 loader has set up.
#ifndef RINGZERO_DEVICES_FRAMEBUFFER_H
#define RINGZERO_DEVICES_FRAMEBUFFER_H

#include <stdbool.h>
#include <stdint.h>

// Looks for it in the tag list at tags_addr. False: it names none that can be drawn on, or makes no
// sense.
bool framebuffer_init(uint64_t tags_addr);
unsigned framebuffer_columns(void);
unsigned framebuffer_rows(void);
void framebuffer_draw(unsigned row, unsigned column, char c, bool inverse);

#endif
