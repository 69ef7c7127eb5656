// Included by extmod/modtime.c.
#include "py/mphal.h"
#include "shared/timeutils/timeutils.h"

#include "mpy/versions.h"

#define NS_IN_S UINT64_C(1000000000)

enum {
    YEAR_MAX = 65535, // that a structure holds
    DAYS_MAX = 366 * YEAR_MAX,
};
// Of years YEAR_MIN and YEAR_MAX + 1.
#if VERSION_DATES_FROM_1600
#define YEAR_MIN 1601
#define SECONDS_MIN INT64_C(-11644473600)
#else
#define YEAR_MIN 1
#define SECONDS_MIN INT64_C(-62135596800)
#endif
#define SECONDS_END INT64_C(2005949145600)

// A date before 1970 is a negative number of seconds. Before 1.28 it was cut off there.
#define mp_obj_new_int_from_uint mp_obj_new_int

mp_float_t mp_hal_get_seconds(mp_obj_t object);

#define mp_obj_get_int mp_hal_get_time

#define MICROPY_PY_TIME_CUSTOM_SLEEP

// Of a negative time nothing is left. Whatever it is, it looks at what is pending.
static void mp_time_sleep(mp_obj_t seconds_in) {
    mp_float_t seconds = mp_hal_get_seconds(seconds_in);
    mp_hal_delay_ms(seconds > 0 ? (mp_uint_t)(1000 * seconds) : 0);
}

static NORETURN void raise_out_of_range(void) {
    mp_raise_msg_varg(&mp_type_OverflowError, MP_ERROR_TEXT("a date's year is %d to %d"), YEAR_MIN, YEAR_MAX);
}

// In the place of those that localtime() and mktime() call, which cut years and count days one by one.
static inline void modtime_to_struct(int64_t seconds, timeutils_struct_time_t *t) {
    if (seconds < SECONDS_MIN || seconds >= SECONDS_END) {
        raise_out_of_range();
    }
    timeutils_seconds_since_epoch_to_struct_time(seconds, t);
}
#define timeutils_seconds_since_epoch_to_struct_time modtime_to_struct

static inline bool within(mp_int_t value, mp_int_t max) {
    return -max <= value && value <= max;
}

static inline uint64_t modtime_mktime(mp_int_t year, mp_int_t month, mp_int_t day, mp_int_t hour, mp_int_t minute, mp_int_t second) {
    if (year < YEAR_MIN || year > YEAR_MAX || !within(month, 12 * YEAR_MAX) || !within(day, DAYS_MAX)
        || !within(hour, DAYS_MAX * INT64_C(24)) || !within(minute, DAYS_MAX * INT64_C(1440))
        || !within(second, DAYS_MAX * INT64_C(86400))) {
        raise_out_of_range();
    }
    return timeutils_mktime(year, month, day, hour, minute, second);
}
#define timeutils_mktime modtime_mktime

#if VERSION_LOCALTIME_IN_STRUCT
static void mp_time_localtime_get(timeutils_struct_time_t *tm) {
    timeutils_seconds_since_epoch_to_struct_time(mp_hal_time_ns() / NS_IN_S, tm);
}
#else
static mp_obj_t time_localtime(size_t n_args, const mp_obj_t *args);

static mp_obj_t mp_time_localtime_get(void) {
    mp_obj_t seconds = MP_OBJ_NEW_SMALL_INT(mp_hal_time_ns() / NS_IN_S);
    return time_localtime(1, &seconds);
}
#endif

static mp_obj_t mp_time_time_get(void) {
    return MP_OBJ_NEW_SMALL_INT(mp_hal_time_ns() / NS_IN_S);
}
