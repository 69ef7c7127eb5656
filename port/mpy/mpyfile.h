// Put in front of py/persistentcode.c: a file that is cut short has an end, which is no byte 255.
#include "py/reader.h"
#include "py/runtime.h"

static inline mp_uint_t mpyfile_read_byte(mp_reader_t *reader) {
    mp_uint_t byte = reader->readbyte(reader->data);
    if (byte == MP_READER_EOF) {
        mp_raise_msg(&mp_type_EOFError, MP_ERROR_TEXT("the .mpy file is cut short"));
    }
    return byte;
}

// All calls are reader->readbyte(reader->data).
#define readbyte(data) readbyte != NULL ? mpyfile_read_byte(reader) : MP_READER_EOF
