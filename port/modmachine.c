// Included by extmod/modmachine.c.
#include "devices/power.h"

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_poweroff), MP_ROM_PTR(&machine_poweroff_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(RESET_CAUSE_POWER_ON) }, \

enum {
    RESET_CAUSE_POWER_ON = 1,
};

static void mp_machine_idle(void) {
    mp_event_handle_nowait();
    cpu_pause();
}

NORETURN static void mp_machine_reset(void) {
    power_reset();
}

static mp_int_t mp_machine_reset_cause(void) {
    return RESET_CAUSE_POWER_ON;
}

// poweroff(status=0): ends the machine; under QEMU's isa-debug-exit with that status, 0 to 100.
static mp_obj_t machine_poweroff(size_t n_args, const mp_obj_t *args) {
    mp_int_t status = n_args == 0 ? 0 : mp_obj_get_int(args[0]);
    if (status < 0 || status > POWER_STATUS_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("a status is 0 to 100"));
    }
    power_off(status);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_poweroff_obj, 0, 1, machine_poweroff);
