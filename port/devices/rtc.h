// The CMOS clock (MC146818 and its heirs), in steps of one second.
#ifndef RINGZERO_DEVICES_RTC_H
#define RINGZERO_DEVICES_RTC_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    uint16_t year; // 1970 to 2099
    uint8_t month, day, hour, minute, second;
} rtc_time_t;

// False: there is no clock, or it holds no date.
bool rtc_read(rtc_time_t *time);
// False: there is no clock.
bool rtc_write(const rtc_time_t *time);

#endif
