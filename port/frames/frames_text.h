// Text on its way to a frames_print_t. Private to port/frames/.
#ifndef RINGZERO_FRAMES_TEXT_H
#define RINGZERO_FRAMES_TEXT_H

#include "frames.h"

struct out {
    frames_print_t print;
    void *context;
    char text[80];
    size_t length;
};

void frames_put_char(struct out *out, char c);
void frames_put_text(struct out *out, const char *text);
void frames_put_number(struct out *out, uint64_t value, unsigned base, unsigned width, char fill);
void frames_put_size(struct out *out, uint64_t size);   // In the largest unit that divides it.
void frames_flush(struct out *out);

#endif // RINGZERO_FRAMES_TEXT_H
