// Included by extmod/modtime.c.
#include "py/mphal.h"
#include "shared/timeutils/timeutils.h"

#include "mpy/versions.h"

#define NS_IN_S UINT64_C(1000000000)

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
