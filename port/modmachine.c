// Included by extmod/modmachine.c.
#include "cpu/clock.h"
#include "cpu/irq.h"
#include "devices/power.h"

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_poweroff), MP_ROM_PTR(&machine_poweroff_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(RESET_CAUSE_POWER_ON) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(RESET_CAUSE_SOFT) }, \

enum {
    RESET_CAUSE_POWER_ON = 1,
    RESET_CAUSE_SOFT = 5,
};

static bool soft_reset_done;

void machine_deinit(void) {
    soft_reset_done = true;
}

static void mp_machine_idle(void) {
    mp_event_wait_indefinite();
}

static void mp_machine_reset(void) {
    power_reset();
}

static mp_int_t mp_machine_reset_cause(void) {
    return soft_reset_done ? RESET_CAUSE_SOFT : RESET_CAUSE_POWER_ON;
}

static mp_obj_t mp_machine_unique_id(void) {
    return mp_const_none;
}

// The time stamp counter's rate in Hz.
static mp_obj_t mp_machine_get_freq(void) {
    return mp_obj_new_int_from_ull(clock_tsc_hz());
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    mp_raise_NotImplementedError(MP_ERROR_TEXT("the frequency is fixed"));
}

// Until the time is over or an interrupt comes.
static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0 || args[0] == mp_const_none) {
        mp_event_wait_indefinite();
    } else {
        mp_int_t ms = mp_obj_get_int(args[0]);
        mp_event_wait_ms(MAX(ms, 0));
    }
}

// For the given time, then a reset; without one the machine is switched off.
static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0 || args[0] == mp_const_none) {
        power_off(0);
    }
    mp_int_t ms = mp_obj_get_int(args[0]);
    mp_hal_delay_ms(MAX(ms, 0));
    power_reset();
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
