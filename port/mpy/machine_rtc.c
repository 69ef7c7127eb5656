// machine.RTC: the CMOS clock, with the fraction of a second kept by the kernel's own clock.
#include "py/mphal.h"
#include "py/runtime.h"
#include "extmod/modmachine.h"
#include "shared/timeutils/timeutils.h"

#include "devices/rtc.h"

#define NS_IN_S UINT64_C(1000000000)

static const mp_obj_base_t machine_rtc_obj = { &machine_rtc_type };

static mp_obj_t machine_rtc_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw, const mp_obj_t *args) {
    mp_arg_check_num(n_args, n_kw, 0, 0, false);
    return MP_OBJ_FROM_PTR(&machine_rtc_obj);
}

// Follows the CMOS clock where the kernel's own has drifted or has been set otherwise.
static uint64_t now_ns(void) {
    uint64_t ns = mp_hal_time_ns();
    rtc_time_t t;
    if (rtc_read(&t)) {
        uint64_t seconds = timeutils_seconds_since_epoch(t.year, t.month, t.day, t.hour, t.minute, t.second);
        if (ns / NS_IN_S > seconds + 1 || seconds > ns / NS_IN_S + 1) {
            ns = seconds * NS_IN_S;
            mp_hal_set_time_ns(ns);
        }
    }
    return ns;
}

static mp_obj_t get_datetime(void) {
    uint64_t ns = now_ns();
    timeutils_struct_time_t tm;
    timeutils_seconds_since_epoch_to_struct_time(ns / NS_IN_S, &tm);
    mp_obj_t tuple[8] = {
        mp_obj_new_int(tm.tm_year),
        mp_obj_new_int(tm.tm_mon),
        mp_obj_new_int(tm.tm_mday),
        mp_obj_new_int(tm.tm_wday),
        mp_obj_new_int(tm.tm_hour),
        mp_obj_new_int(tm.tm_min),
        mp_obj_new_int(tm.tm_sec),
        mp_obj_new_int(ns % NS_IN_S / 1000),
    };
    return mp_obj_new_tuple(8, tuple);
}

static mp_int_t get_field(const char *name, mp_obj_t value, mp_int_t min, mp_int_t max) {
    mp_int_t n = mp_obj_get_int(value);
    if (n < min || n > max) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s %ld is not in %ld to %ld"),
            name, (long)n, (long)min, (long)max);
    }
    return n;
}

// A machine without a CMOS clock keeps the time until its next reset.
static void set_datetime(mp_obj_t value) {
    mp_obj_t *items;
    mp_obj_get_array_fixed_n(value, 8, &items);
    rtc_time_t t = {
        .year = get_field("year", items[0], 1970, 2099),
        .month = get_field("month", items[1], 1, 12),
        .hour = get_field("hour", items[4], 0, 23),
        .minute = get_field("minute", items[5], 0, 59),
        .second = get_field("second", items[6], 0, 59),
    };
    t.day = get_field("day", items[2], 1, timeutils_days_in_month(t.year, t.month));
    mp_int_t us = get_field("microsecond", items[7], 0, 999999);
    rtc_write(&t);
    uint64_t seconds = timeutils_seconds_since_epoch(t.year, t.month, t.day, t.hour, t.minute, t.second);
    mp_hal_set_time_ns(seconds * NS_IN_S + us * 1000);
}

// datetime() -> (year, month, day, weekday, hours, minutes, seconds, us), Monday being 0;
// datetime(tuple) sets it, whatever the weekday says.
static mp_obj_t machine_rtc_datetime(size_t n_args, const mp_obj_t *args) {
    if (n_args == 1) {
        return get_datetime();
    }
    set_datetime(args[1]);
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(machine_rtc_datetime_obj, 1, 2, machine_rtc_datetime);

static const mp_rom_map_elem_t machine_rtc_locals_dict_table[] = {
    { MP_ROM_QSTR(MP_QSTR_datetime), MP_ROM_PTR(&machine_rtc_datetime_obj) },
};
static MP_DEFINE_CONST_DICT(machine_rtc_locals_dict, machine_rtc_locals_dict_table);

MP_DEFINE_CONST_OBJ_TYPE(
    machine_rtc_type,
    MP_QSTR_RTC,
    MP_TYPE_FLAG_NONE,
    make_new, machine_rtc_make_new,
    locals_dict, &machine_rtc_locals_dict
    );
