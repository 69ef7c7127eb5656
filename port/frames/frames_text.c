// Text: what reports are written with, and what a status means.
#include "frames_state.h"
#include "frames_text.h"

void frames_flush(struct out *out) {
    out->print(out->context, out->text, out->length);
    out->length = 0;
}

void frames_put_char(struct out *out, char c) {
    if (out->length == sizeof(out->text)) {
        frames_flush(out);
    }
    out->text[out->length++] = c;
}

void frames_put_text(struct out *out, const char *text) {
    while (*text) {
        frames_put_char(out, *text++);
    }
}

void frames_put_number(struct out *out, uint64_t value, unsigned base, unsigned width, char fill) {
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (unsigned i = n; i < width; ++i) {
        frames_put_char(out, fill);
    }
    while (n > 0) {
        frames_put_char(out, digits[--n]);
    }
}

void frames_put_size(struct out *out, uint64_t size) {
    unsigned unit = 0;
    while (size && size % 1024 == 0 && unit < 5) {
        size /= 1024;
        ++unit;
    }
    frames_put_number(out, size, 10, 0, ' ');
    frames_put_char(out, ' ');
    if (unit) {
        frames_put_char(out, " KMGTP"[unit]);
        frames_put_char(out, 'i');
    }
    frames_put_char(out, 'B');
}

const char *frames_text(frames_status_t status) {
    static const char *const text[] = {
        [FRAMES_OK] = "all is well",
        [FRAMES_NO_MAP] = "there is no memory map yet",
        [FRAMES_NO_MEMORY] = "no such frames are free",
        [FRAMES_BAD_ARGUMENT] = "bad count, alignment, limit or range",
        [FRAMES_BAD_FREE] = "not the address of allocated frames",
        [FRAMES_IN_USE] = "some of this memory is in use",
        [FRAMES_HAVE_MAP] = "there is a memory map already",
    };
    return (size_t)status < sizeof(text) / sizeof(text[0]) ? text[status] : "unknown status";
}
