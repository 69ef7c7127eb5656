// _efi: a call of UEFI's firmware, for efi.py.
#include "py/mperrno.h"
#include "py/objtuple.h"
#include "py/runtime.h"

#include "cpu/cpus.h"
#include "frames/modframes.h"
#include "memory/efi.h"
#include "memory/space.h"
#include "mpy/fault.h"

// Its own copy, which no fault is taken in: what Python names may be any memory.
static mp_obj_t get_arg(mp_obj_t arg, efi_call_t *call, size_t i) {
    mp_buffer_info_t buffer;
    if (mp_obj_is_int(arg) || !mp_get_buffer(arg, &buffer, MP_BUFFER_READ)) {
        call->args[i] = frames_get_number(arg, "an argument");
        return mp_const_none;
    }
    mp_obj_t copy = mp_obj_new_bytearray(buffer.len, buffer.buf);
    mp_get_buffer_raise(copy, &buffer, MP_BUFFER_READ);
    call->buffers[i] = (efi_buffer_t) { buffer.buf, buffer.len };
    return copy;
}

// call(regions, function, args) -> (what it returns, a list of the arguments' bytes as they are then). `regions` is
// an array("L") of start, pages and flags of `pages`, which here may be writable and executable; an argument is an int
// or bytes.
static mp_obj_t efi_call_(mp_obj_t regions_in, mp_obj_t function, mp_obj_t args_in) {
    frames_refuse_interrupt();
    if (cpus_number != 0) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("only CPU 0 calls firmware"));
    }
    if (!space_ready()) {
        mp_raise_msg(&mp_type_RuntimeError, MP_ERROR_TEXT("no memory map yet"));
    }
    efi_call_t call = { .function = frames_get_number(function, "function") };
    // A list could change while its items are copied.
    if (!mp_obj_is_type(args_in, &mp_type_tuple)) {
        mp_raise_TypeError(MP_ERROR_TEXT("args are a tuple"));
    }
    size_t count;
    mp_obj_t *args;
    mp_obj_tuple_get(args_in, &count, &args);
    if (count > EFI_ARGS_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("more than %u arguments"), EFI_ARGS_MAX);
    }
    mp_obj_t copies = mp_obj_new_list(0, NULL);
    for (size_t i = 0; i < count; ++i) {
        mp_obj_list_append(copies, get_arg(args[i], &call, i));
    }
    mp_buffer_info_t regions;
    mp_get_buffer_raise(regions_in, &regions, MP_BUFFER_READ);
    call.regions_count = regions.len / sizeof(efi_region_t);
    // In the heap's memory, too.
    mp_obj_t own = mp_obj_new_bytearray(regions.len, regions.buf);
    mp_get_buffer_raise(own, &regions, MP_BUFFER_READ);
    call.regions = regions.buf;
    switch (efi_call(&call)) {
        case EFI_CALL_OK:
            break;
        case EFI_CALL_FAULT:
            fault_raise_firmware(call.vector, call.addr, call.error, call.rip);
        case EFI_CALL_NO_MEMORY:
            mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("no frames for a call of the firmware"));
        case EFI_CALL_REGIONS:
            mp_raise_ValueError(MP_ERROR_TEXT("the firmware's memory map makes no sense"));
        case EFI_CALL_FUNCTION:
            mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("no code of the firmware at 0x%lx"), (unsigned long)call.function);
    }
    mp_obj_t items[] = { mp_obj_new_int_from_uint(call.result), copies };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
}
static MP_DEFINE_CONST_FUN_OBJ_3(efi_call_obj, efi_call_);

static const mp_rom_map_elem_t efi_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__efi) },
    { MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&efi_call_obj) },
};
static MP_DEFINE_CONST_DICT(efi_globals, efi_globals_table);

const mp_obj_module_t efi_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&efi_globals,
};

MP_REGISTER_MODULE(MP_QSTR__efi, efi_module);
