// A module in C, as USER_C_MODULES= takes them.
#include "py/runtime.h"

// fletcher16(buffer) -> int
static mp_obj_t fletcher16(mp_obj_t data_in) {
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    unsigned low = 0, high = 0;
    for (size_t i = 0; i < data.len; ++i) {
        low = (low + ((const uint8_t *)data.buf)[i]) % 255;
        high = (high + low) % 255;
    }
    return MP_OBJ_NEW_SMALL_INT(high << 8 | low);
}
static MP_DEFINE_CONST_FUN_OBJ_1(fletcher16_obj, fletcher16);

static const mp_rom_map_elem_t checksum_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_checksum) },
    { MP_ROM_QSTR(MP_QSTR_fletcher16), MP_ROM_PTR(&fletcher16_obj) },
};
static MP_DEFINE_CONST_DICT(checksum_globals, checksum_globals_table);

const mp_obj_module_t checksum_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&checksum_globals,
};

MP_REGISTER_MODULE(MP_QSTR_checksum, checksum_module);
