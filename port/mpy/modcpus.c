// _cpus: the other CPUs, for cpus.py.
#include "py/runtime.h"

#include "cpu/cpus.h"
#include "frames/modframes.h"
#include "main.h"
#include "mpy/cpus.h"
#include "mpy/modhandoff.h"

// count() -> how many CPUs run, which the first call starts
static mp_obj_t cpus_count_(void) {
    frames_refuse_interrupt();
    cpus_use();
    return MP_OBJ_NEW_SMALL_INT(cpus_count);
}
static MP_DEFINE_CONST_FUN_OBJ_0(cpus_count_obj, cpus_count_);

// here() -> the number of the CPU that runs this
static mp_obj_t cpus_here_(void) {
    return MP_OBJ_NEW_SMALL_INT(cpus_number);
}
static MP_DEFINE_CONST_FUN_OBJ_0(cpus_here_obj, cpus_here_);

static unsigned get_number(mp_obj_t number_in) {
    mp_int_t number = mp_obj_get_int(number_in);
    if (number < 0 || number >= cpus_count) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a CPU is 0 to %u, not %ld"), cpus_count - 1, (long)number);
    }
    return number;
}

// apic_id(number)
static mp_obj_t cpus_apic_id_(mp_obj_t number_in) {
    return MP_OBJ_NEW_SMALL_INT(cpus[get_number(number_in)].apic_id);
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpus_apic_id_obj, cpus_apic_id_);

// limit(count): never more than so many, from the command line.
static mp_obj_t cpus_limit_(mp_obj_t count_in) {
    mp_call_function_0(MP_OBJ_FROM_PTR(&handoff_need_start_obj));
    cpus_set_limit(mp_obj_get_int(count_in));
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(cpus_limit_obj, cpus_limit_);

static const mp_rom_map_elem_t cpus_globals_table[] = {
    { MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__cpus) },
    { MP_ROM_QSTR(MP_QSTR_count), MP_ROM_PTR(&cpus_count_obj) },
    { MP_ROM_QSTR(MP_QSTR_here), MP_ROM_PTR(&cpus_here_obj) },
    { MP_ROM_QSTR(MP_QSTR_apic_id), MP_ROM_PTR(&cpus_apic_id_obj) },
    { MP_ROM_QSTR(MP_QSTR_limit), MP_ROM_PTR(&cpus_limit_obj) },
};
static MP_DEFINE_CONST_DICT(cpus_globals, cpus_globals_table);

const mp_obj_module_t cpus_module = {
    .base = { &mp_type_module },
    .globals = (mp_obj_dict_t *)&cpus_globals,
};
MP_REGISTER_MODULE(MP_QSTR__cpus, cpus_module);
