#include "py/runtime.h"

static const mp_rom_map_elem_t frames_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_frames) },
};
static MP_DEFINE_CONST_DICT(frames_globals, frames_globals_table);

const mp_obj_module_t frames_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&frames_globals,
};
MP_REGISTER_MODULE(MP_QSTR_frames, frames_module);
