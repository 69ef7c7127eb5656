// _pci: configuration space by its ports, for pci.py.
#include "py/runtime.h"

#include "devices/pci.h"
#include "frames/modframes.h"
#include "mpy/modmachine.h"

enum { SPACE_SIZE = 256 };

static unsigned get_number(mp_obj_t obj, unsigned end, const char *name) {
    mp_int_t value = mp_obj_get_int(obj);
    if (value < 0 || value >= end) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s is 0 to 0x%x, not %ld"), name, end - 1, (long)value);
    }
    return value;
}

// Those of a read: (function, offset, size).
static unsigned get_place(const mp_obj_t *args, uint16_t *function, uint8_t *offset) {
    *function = get_number(args[0], 0x10000, "a function");
    unsigned size = mp_obj_get_int(args[2]);
    if (size != 1 && size != 2 && size != 4) {
        mp_raise_ValueError(MP_ERROR_TEXT("a size is 1, 2 or 4"));
    }
    unsigned at = get_number(args[1], SPACE_SIZE, "an offset");
    if (at % size != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("offset 0x%x is no multiple of %u"), at, size);
    }
    *offset = at;
    return size;
}

// present() -> whether there are such ports.
static mp_obj_t pci_present_(void) {
    return mp_obj_new_bool(pci_present());
}
static MP_DEFINE_CONST_FUN_OBJ_0(pci_present_obj, pci_present_);

// read(function, offset, size): bus << 8 | device << 3 | function, then a multiple of size, which is 1, 2 or 4.
static mp_obj_t pci_read_(mp_obj_t function_in, mp_obj_t offset_in, mp_obj_t size_in) {
    mp_obj_t args[] = { function_in, offset_in, size_in };
    uint16_t function;
    uint8_t offset;
    unsigned size = get_place(args, &function, &offset);
    return MP_OBJ_NEW_SMALL_INT(pci_read(function, offset, size));
}
static MP_DEFINE_CONST_FUN_OBJ_3(pci_read_obj, pci_read_);

// write(function, offset, size, value)
static mp_obj_t pci_write_(size_t n_args, const mp_obj_t *args) {
    uint16_t function;
    uint8_t offset;
    unsigned size = get_place(args, &function, &offset);
    pci_write(function, offset, size, machine_get_bits(args[3], size));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(pci_write_obj, 4, 4, pci_write_);

// next(va, function, end) -> the first function from there on that is function 0 of a device that there is; -1:
// there is none before the end. `va` is where function 0 of bus 0 is in memory; 0: by the ports.
static mp_obj_t pci_next(mp_obj_t va_in, mp_obj_t function_in, mp_obj_t end_in) {
    uint64_t va = frames_get_number(va_in, "va");
    unsigned end = get_number(end_in, 0x10001, "an end");
    for (unsigned function = get_number(function_in, 0x10001, "a function"); function < end; function += 8) {
        uint16_t vendor = va == 0 ? pci_read(function, 0, 2) : *(volatile uint16_t *)(va + ((uint64_t)function << 12));
        if (vendor != 0xffff) {
            return MP_OBJ_NEW_SMALL_INT(function);
        }
    }
    return MP_OBJ_NEW_SMALL_INT(-1);
}
static MP_DEFINE_CONST_FUN_OBJ_3(pci_next_obj, pci_next);

static const mp_rom_map_elem_t pci_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__pci) },
    { MP_ROM_QSTR(MP_QSTR_next), MP_ROM_PTR(&pci_next_obj) },
    { MP_ROM_QSTR(MP_QSTR_present), MP_ROM_PTR(&pci_present_obj) },
    { MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&pci_read_obj) },
    { MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&pci_write_obj) },
};
static MP_DEFINE_CONST_DICT(pci_globals, pci_globals_table);

const mp_obj_module_t pci_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&pci_globals,
};

MP_REGISTER_MODULE(MP_QSTR__pci, pci_module);
