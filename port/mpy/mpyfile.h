// Put in front of py/persistentcode.c, which takes the end of a file for a byte 255: once, where that
// ends a list of relocations, but not for ever.
#include "py/reader.h"
#include "py/runtime.h"

static inline mp_uint_t mpyfile_read_byte(mp_reader_t *reader) {
    static const mp_reader_t *ended;
    mp_uint_t byte = reader->readbyte(reader->data);
    if (byte != MP_READER_EOF) {
        ended = NULL;
    } else if (ended != reader) {
        ended = reader;
    } else {
        ended = NULL;
        mp_raise_ValueError(MP_ERROR_TEXT("incompatible .mpy file"));
    }
    return byte;
}

// All calls are reader->readbyte(reader->data).
#define readbyte(data) readbyte != NULL ? mpyfile_read_byte(reader) : MP_READER_EOF
