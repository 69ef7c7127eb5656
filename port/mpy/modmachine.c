// Included by extmod/modmachine.c.
#include <string.h>

#include "cpu/clock.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "devices/power.h"
#include "firmware/smbios.h"
#include "mpy/modmachine.h"

#define MICROPY_PY_MACHINE_EXTRA_GLOBALS \
    { MP_ROM_QSTR(MP_QSTR_poweroff), MP_ROM_PTR(&machine_poweroff_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mem8), MP_ROM_PTR(&machine_memory8_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mem16), MP_ROM_PTR(&machine_memory16_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mem32), MP_ROM_PTR(&machine_memory32_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_mem64), MP_ROM_PTR(&machine_memory64_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_port8), MP_ROM_PTR(&machine_port8_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_port16), MP_ROM_PTR(&machine_port16_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_port32), MP_ROM_PTR(&machine_port32_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_cpuid), MP_ROM_PTR(&machine_cpuid_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_rdmsr), MP_ROM_PTR(&machine_rdmsr_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_wrmsr), MP_ROM_PTR(&machine_wrmsr_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_stray_irqs), MP_ROM_PTR(&machine_stray_irqs_obj) }, \
    { MP_ROM_QSTR(MP_QSTR_Console), MP_ROM_PTR(&machine_console_type) }, \
    { MP_ROM_QSTR(MP_QSTR_RTC), MP_ROM_PTR(&machine_rtc_type) }, \
    { MP_ROM_QSTR(MP_QSTR_Timer), MP_ROM_PTR(&machine_timer_type) }, \
    { MP_ROM_QSTR(MP_QSTR_PWRON_RESET), MP_ROM_INT(RESET_CAUSE_POWER_ON) }, \
    { MP_ROM_QSTR(MP_QSTR_SOFT_RESET), MP_ROM_INT(RESET_CAUSE_SOFT) }, \

enum {
    RESET_CAUSE_POWER_ON = 1,
    RESET_CAUSE_SOFT = 5,
    IDLE_MS = 10,
};

static bool soft_reset_done;
bool machine_irq_is_off;

// disable_irq() and enable_irq() have these; it counts what the program does, not its interrupt handlers.
static inline uint64_t irq_disable(void) {
    uint64_t state = cpu_irq_save();
    machine_irq_is_off |= !irq_active;
    return state;
}

static inline void irq_enable(uint64_t state) {
    cpu_irq_restore(state);
    machine_irq_is_off &= irq_active || !(cpu_rflags() & CPU_RFLAGS_IF);
}
#undef MICROPY_BEGIN_ATOMIC_SECTION
#undef MICROPY_END_ATOMIC_SECTION
#define MICROPY_BEGIN_ATOMIC_SECTION() irq_disable()
#define MICROPY_END_ATOMIC_SECTION(state) irq_enable(state)

void machine_deinit(void) {
    machine_timer_deinit_all();
    machine_uart_deinit_all();
    irq_enable(CPU_RFLAGS_IF);
    soft_reset_done = true;
}

bool machine_soft_reset_done(void) {
    return soft_reset_done;
}

static void mp_machine_idle(void) {
    // What it is called in a loop for may come without an interrupt, from another CPU for one.
    mp_event_wait_ms(IDLE_MS);
}

static void mp_machine_reset(void) {
    power_reset();
}

static mp_int_t mp_machine_reset_cause(void) {
    return soft_reset_done ? RESET_CAUSE_SOFT : RESET_CAUSE_POWER_ON;
}

// The machine's UUID; where it has none, what sets its CPU's model apart, which is not unique.
static mp_obj_t mp_machine_unique_id(void) {
    uint8_t id[SMBIOS_UUID_SIZE];
    if (!smbios_uuid(id)) {
        cpuid_t cpu = cpu_cpuid(1, 0);
        cpu.ebx &= 0xffff; // above are the number of this CPU and of all
        memcpy(id, &cpu, sizeof(id));
    }
    return mp_obj_new_bytes(id, sizeof(id));
}

// The time stamp counter's rate in Hz.
static mp_obj_t mp_machine_get_freq(void) {
    return mp_obj_new_int_from_uint(clock_tsc_hz());
}

static void mp_machine_set_freq(size_t n_args, const mp_obj_t *args) {
    mp_raise_NotImplementedError(MP_ERROR_TEXT("the frequency is fixed"));
}

static mp_uint_t get_ms(mp_obj_t object) {
    mp_int_t ms = MAX(mp_hal_get_time(object), 0);
    mp_hal_check_time(ms, 1000000);
    return ms;
}

// Until the time is over or an interrupt comes.
static void mp_machine_lightsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0 || args[0] == mp_const_none) {
        mp_event_wait_indefinite();
    } else {
        mp_event_wait_ms(get_ms(args[0]));
    }
}

// For the given time, then a reset; without one the machine is switched off.
static void mp_machine_deepsleep(size_t n_args, const mp_obj_t *args) {
    if (n_args == 0 || args[0] == mp_const_none) {
        power_off(0);
    }
    mp_hal_delay_ms(get_ms(args[0]));
    power_reset();
}

// poweroff(status=0): ends the machine; under QEMU's isa-debug-exit with that status, 0 to 100.
static mp_obj_t machine_poweroff(size_t n_args, const mp_obj_t *args) {
    mp_int_t status = n_args == 0 ? 0 : mp_obj_get_int(args[0]);
    if (status < 0 || status > POWER_STATUS_MAX) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("a status is 0 to 100, not %ld"), (long)status);
    }
    power_off(status);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_poweroff_obj, 0, 1, machine_poweroff);
