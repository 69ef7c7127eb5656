// The part of the start that is Python, without the import system: an emulator translates each piece of
// code that it meets for the first time, which takes far longer than to run it, and what an import goes
// through would be a tenth of the whole start.
#include "py/emitglue.h"
#include "py/frozenmod.h"
#include "py/objmodule.h"
#include "py/objstr.h"
#include "py/runtime.h"

#include "mpy/start.h"

// Each has its place in the list of MicroPython's modules by a macro in its own file, and needs no header.
extern const mp_obj_module_t calls_module, frames_module, handoff_module, mp_module_vfs, ramdisk_module, space_module;
MP_DECLARE_CONST_FUN_OBJ_2(uctypes_struct_bytearray_at_obj);

// What they find among their globals and need not import.
static const struct {
    qstr_short_t name;
    const void *object;
} given[] = {
    { MP_QSTR__handoff, &handoff_module },
    { MP_QSTR__array, &mp_type_array },
    { MP_QSTR__bytearray_at, &uctypes_struct_bytearray_at_obj },
    // Up to here for those that programs import, too.
    { MP_QSTR__calls, &calls_module },
    { MP_QSTR_frames, &frames_module },
    { MP_QSTR_ramdisk, &ramdisk_module },
    { MP_QSTR__space, &space_module },
    { MP_QSTR_vfs, &mp_module_vfs },
};

// In the order in which they run. Each of the kernel's own has those before it among its globals.
static const struct {
    qstr_short_t name;
    uint8_t given_count;
    const char *path;
} modules[] = {
    { MP_QSTR_bootinfo, 3, "bootinfo.py" },
    { MP_QSTR_memmap, 2, "memmap.py" },
    { MP_QSTR_cmdline, 0, "cmdline.py" },
    { MP_QSTR__files, MP_ARRAY_SIZE(given), "_files.py" },
    { MP_QSTR__boot, MP_ARRAY_SIZE(given), "_boot.py" },
};

// How many globals the largest has, and some more.
#define GLOBALS (64)

static void store(mp_obj_dict_t *globals, qstr name, mp_obj_t object) {
    mp_obj_dict_store(MP_OBJ_FROM_PTR(globals), MP_OBJ_NEW_QSTR(name), object);
}

static void run(size_t number) {
    void *found;
    int type;
    mp_find_frozen_module(modules[number].path, &type, &found);
    const mp_frozen_module_t *frozen = found;
    mp_module_context_t *module = MP_OBJ_TO_PTR(mp_obj_new_module(modules[number].name));
    mp_obj_dict_t *globals = MP_OBJ_TO_PTR(mp_obj_new_dict(GLOBALS));
    module->module.globals = globals;
    module->constants = frozen->constants;
    store(globals, MP_QSTR___name__, MP_OBJ_NEW_QSTR(modules[number].name));
    store(globals, MP_QSTR___file__, MP_OBJ_NEW_QSTR(frozen->constants.qstr_table[0]));
    for (size_t i = 0; i < modules[number].given_count; ++i) {
        store(globals, given[i].name, MP_OBJ_FROM_PTR(given[i].object));
    }
    mp_map_t *loaded = &MP_STATE_VM(mp_loaded_modules_dict).map;
    for (size_t i = 0; i < number && modules[number].given_count == MP_ARRAY_SIZE(given); ++i) {
        mp_obj_t name = MP_OBJ_NEW_QSTR(modules[i].name);
        mp_obj_dict_store(MP_OBJ_FROM_PTR(globals), name, mp_map_lookup(loaded, name, MP_MAP_LOOKUP)->value);
    }
    mp_globals_set(globals);
    mp_locals_set(globals);
    mp_call_function_0(mp_make_function_from_proto_fun(frozen->proto_fun, module, NULL));
}

static const MP_DEFINE_STR_OBJ(libraries, "/lib");

bool start_python(void) {
    mp_obj_dict_t *globals = mp_globals_get();
    nlr_buf_t nlr;
    bool fine = nlr_push(&nlr) == 0;
    if (fine) {
        for (size_t i = 0; i < MP_ARRAY_SIZE(modules); ++i) {
            run(i);
        }
        mp_obj_list_append(mp_sys_path, MP_OBJ_FROM_PTR(&libraries));
        // Not for programs.
        mp_map_lookup(&MP_STATE_VM(mp_loaded_modules_dict).map, MP_OBJ_NEW_QSTR(MP_QSTR__boot),
            MP_MAP_LOOKUP_REMOVE_IF_FOUND);
        nlr_pop();
    } else {
        mp_obj_print_exception(&mp_plat_print, MP_OBJ_FROM_PTR(nlr.ret_val));
    }
    mp_globals_set(globals);
    mp_locals_set(globals);
    return fine;
}
