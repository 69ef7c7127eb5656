// _keyboard: the keyboard's layout and what is pressed, for keyboard.py.
#include <string.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"

#include "devices/keyboard.h"
#include "mpy/fault.h"

// present() -> whether there is a controller of a keyboard.
static mp_obj_t keyboard_present_(void) {
    return mp_obj_new_bool(keyboard_present());
}
static MP_DEFINE_CONST_FUN_OBJ_0(keyboard_present_obj, keyboard_present_);

// name() -> of the layout in use.
static mp_obj_t keyboard_name_(void) {
    char name[KEYMAP_NAME_MAX + 1];
    keyboard_get_name(name);
    return mp_obj_new_str(name, strlen(name));
}
static MP_DEFINE_CONST_FUN_OBJ_0(keyboard_name_obj, keyboard_name_);

// down() -> 32 bytes: a bit for each key.
static mp_obj_t keyboard_down_(void) {
    uint8_t down[32];
    keyboard_get_down(down);
    return mp_obj_new_bytes(down, sizeof(down));
}
static MP_DEFINE_CONST_FUN_OBJ_0(keyboard_down_obj, keyboard_down_);

static void get_numbers(mp_obj_t obj, void *to, size_t least, size_t most, size_t step, size_t *size) {
    mp_buffer_info_t info;
    mp_get_buffer_raise(obj, &info, MP_BUFFER_READ);
    if (info.len < least || info.len > most || info.len % step != 0) {
        mp_raise_ValueError(MP_ERROR_TEXT("this is no keyboard's layout"));
    }
    fault_probe(info.buf, info.len);
    memcpy(to, info.buf, info.len);
    *size = info.len;
}

// set(name, chars, composed, altgr): keymap_t's arrays of 16-bit numbers.
static mp_obj_t keyboard_set_(size_t n_args, const mp_obj_t *args) {
    size_t size;
    const char *name = mp_obj_str_get_data(args[0], &size);
    keymap_t *map = m_new0(keymap_t, 1);
    if (size == 0 || size > KEYMAP_NAME_MAX || memchr(name, 0, size) != NULL) {
        mp_raise_ValueError(MP_ERROR_TEXT("a layout's name has 1 to 15 bytes"));
    }
    memcpy(map->name, name, size);
    get_numbers(args[1], map->chars, sizeof(map->chars), sizeof(map->chars), sizeof(map->chars), &size);
    get_numbers(args[2], map->composed, 0, sizeof(map->composed), sizeof(map->composed[0]), &size);
    map->composed_count = size / sizeof(map->composed[0]);
    map->altgr = mp_obj_is_true(args[3]);
    keyboard_set_layout(map);
    m_del(keymap_t, map, 1);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(keyboard_set_obj, 4, 4, keyboard_set_);

// typed(byte) -> whether it is the Ctrl-C of a program that runs, which then has it.
static mp_obj_t keyboard_typed_(mp_obj_t byte) {
    mp_int_t typed = mp_obj_get_int(byte);
    return mp_obj_new_bool(typed >= 0 && typed == mp_interrupt_char && mp_hal_is_interrupt_char(typed));
}
static MP_DEFINE_CONST_FUN_OBJ_1(keyboard_typed_obj, keyboard_typed_);

static const mp_rom_map_elem_t keyboard_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__keyboard) },
    { MP_ROM_QSTR(MP_QSTR_present), MP_ROM_PTR(&keyboard_present_obj) },
    { MP_ROM_QSTR(MP_QSTR_name), MP_ROM_PTR(&keyboard_name_obj) },
    { MP_ROM_QSTR(MP_QSTR_down), MP_ROM_PTR(&keyboard_down_obj) },
    { MP_ROM_QSTR(MP_QSTR_typed), MP_ROM_PTR(&keyboard_typed_obj) },
    { MP_ROM_QSTR(MP_QSTR_set), MP_ROM_PTR(&keyboard_set_obj) },
};
static MP_DEFINE_CONST_DICT(keyboard_globals, keyboard_globals_table);

const mp_obj_module_t keyboard_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&keyboard_globals,
};

MP_REGISTER_MODULE(MP_QSTR__keyboard, keyboard_module);
