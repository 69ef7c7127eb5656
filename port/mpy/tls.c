#include <string.h>

#include "py/mphal.h"
#include "shared/timeutils/timeutils.h"

#include "mbedtls/entropy.h"
#include "mbedtls/platform_time.h"
#include "mbedtls/platform_util.h"

time_t tls_time(time_t *time) {
    time_t now = mp_hal_time_ns() / 1000000000;
    if (time != NULL) {
        *time = now;
    }
    return now;
}

mbedtls_ms_time_t mbedtls_ms_time(void) {
    return mp_hal_ticks_ms();
}

struct tm *mbedtls_platform_gmtime_r(const mbedtls_time_t *seconds, struct tm *tm) {
    timeutils_struct_time_t from;
    timeutils_seconds_since_epoch_to_struct_time(*seconds, &from);
    *tm = (struct tm) {
        .tm_year = from.tm_year - 1900,
        .tm_mon = from.tm_mon - 1,
        .tm_mday = from.tm_mday,
        .tm_hour = from.tm_hour,
        .tm_min = from.tm_min,
        .tm_sec = from.tm_sec,
    };
    return tm;
}

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t len, size_t *olen) {
    mp_hal_get_random(len, output);
    *olen = len;
    return 0;
}
