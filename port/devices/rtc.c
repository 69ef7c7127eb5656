#include <string.h>

#include "cpu/io.h"
#include "cpu/lock.h"
#include "devices/rtc.h"
#include "firmware/acpi.h"

// MC146818A data sheet; ACPI 5.2.9 for the century's place.
enum {
    INDEX_PORT = 0x70,
    DATA_PORT = 0x71,
    NMI_OFF = 0x80,
    SECOND = 0x00,
    MINUTE = 0x02,
    HOUR = 0x04,
    DAY = 0x07,
    MONTH = 0x08,
    YEAR = 0x09,
    STATUS_A = 0x0a,
    STATUS_B = 0x0b,
    STATUS_D = 0x0d, // has no more than two bits that can be set
    CENTURY_USUAL = 0x32, // where most have it, and some have something else
    CENTURY_MIN = 0x0e,
    CENTURY_MAX = 0x7f,

    A_UPDATING = 0x80,
    B_SET = 0x80,
    B_BINARY = 0x04,
    B_24_HOURS = 0x02,
    HOUR_PM = 0x80,

    YEAR_MIN = 1970,
    // An update takes 2 ms at most; a port read at least a third of a us.
    UPDATE_READS = 20000,
    TRIES = 10,

    // SDM 2A CPUID.
    CPUID_1_ECX_HYPERVISOR = 1 << 31,
    DAY_SECONDS = 86400,
};

// Of the last date set, where the clock has no room for it; 0: none has been set.
static uint8_t century_set;

// An interrupt's handler may want the ports, too, and another CPU: index and data are one step.
static lock_t lock;

static uint8_t get(uint8_t reg) {
    uint64_t state = lock_save(&lock);
    io_out8(INDEX_PORT, NMI_OFF | reg);
    uint8_t value = io_in8(DATA_PORT);
    io_out8(INDEX_PORT, 0);
    lock_restore(&lock, state);
    return value;
}

static void put(uint8_t reg, uint8_t value) {
    uint64_t state = lock_save(&lock);
    io_out8(INDEX_PORT, NMI_OFF | reg);
    io_out8(DATA_PORT, value);
    io_out8(INDEX_PORT, 0);
    lock_restore(&lock, state);
}

// 0: the FADT names none. Then the usual place may be read, but not written to.
static uint8_t century_register(void) {
    const acpi_fadt_t *fadt = acpi_fadt();
    return fadt != 0 && fadt->century >= CENTURY_MIN && fadt->century <= CENTURY_MAX ? fadt->century : 0;
}

static unsigned from_bcd(uint8_t value) {
    return (value >> 4) * 10 + (value & 15);
}

static uint8_t encode(unsigned value, bool binary) {
    return binary ? value : value / 10 << 4 | value % 10;
}

// False: the clock is in the middle of an update and does not come out of it.
static bool wait_for_update(void) {
    for (unsigned i = 0; i < UPDATE_READS; ++i) {
        if (!(get(STATUS_A) & A_UPDATING)) {
            return true;
        }
    }
    return false;
}

typedef struct {
    uint8_t second, minute, hour, day, month, year, century;
} registers_t;

static registers_t read_registers(uint8_t century) {
    return (registers_t) { get(SECOND), get(MINUTE), get(HOUR), get(DAY), get(MONTH), get(YEAR), get(century) };
}

// The same twice: no update came between.
static bool read_stable(registers_t *r) {
    if (get(STATUS_D) == 0xff) {
        return false;
    }
    uint8_t century = century_register() != 0 ? century_register() : CENTURY_USUAL;
    for (unsigned i = 0; i < TRIES; ++i) {
        if (!wait_for_update()) {
            return false;
        }
        *r = read_registers(century);
        registers_t again = read_registers(century);
        if (memcmp(r, &again, sizeof(again)) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_leap(unsigned year) {
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static unsigned days_in(unsigned year, unsigned month) {
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

// QEMU keeps the distance between its clock and the host's in 32 bits: a date more than 68 years
// ahead of the host's is shown 2^32 s too early, which is before 1970.
static void unwrap(rtc_time_t *time) {
    uint64_t seconds = (time->hour * 60u + time->minute) * 60u + time->second + (UINT64_C(1) << 32);
    time->second = seconds % 60;
    time->minute = seconds / 60 % 60;
    time->hour = seconds / 3600 % 24;
    uint64_t day = time->day + seconds / DAY_SECONDS;
    while (day > days_in(time->year, time->month)) {
        day -= days_in(time->year, time->month);
        time->month = time->month % 12 + 1;
        time->year += time->month == 1;
    }
    time->day = day;
}

bool rtc_read(rtc_time_t *time) {
    registers_t r;
    if (!read_stable(&r)) {
        return false;
    }
    uint8_t status = get(STATUS_B);
    bool pm = !(status & B_24_HOURS) && (r.hour & HOUR_PM);
    r.hour &= status & B_24_HOURS ? 0xff : ~HOUR_PM;
    if (!(status & B_BINARY)) {
        r.second = from_bcd(r.second);
        r.minute = from_bcd(r.minute);
        r.hour = from_bcd(r.hour);
        r.day = from_bcd(r.day);
        r.month = from_bcd(r.month);
        r.year = from_bcd(r.year);
        r.century = from_bcd(r.century);
    }
    if (!(status & B_24_HOURS)) {
        r.hour = r.hour % 12 + (pm ? 12 : 0);
    }
    if (century_register() == 0 && century_set != 0) {
        r.century = century_set;
    } else if (r.century != 19 && r.century != 20) {
        r.century = r.year < YEAR_MIN % 100 ? 20 : 19;
    }
    *time = (rtc_time_t) { r.century * 100 + r.year, r.month, r.day, r.hour, r.minute, r.second };
    if (r.second >= 60 || r.minute >= 60 || r.hour >= 24 || r.year >= 100
        || r.month < 1 || r.month > 12 || r.day < 1 || r.day > days_in(time->year, r.month)) {
        return false;
    }
    if (time->year < YEAR_MIN) {
        if (cpu_cpuid(1, 0).ecx & CPUID_1_ECX_HYPERVISOR) {
            unwrap(time);
        } else {
            // Firmware that has never heard of another century.
            time->year += 100;
        }
    }
    return true;
}

bool rtc_write(const rtc_time_t *time) {
    if (get(STATUS_D) == 0xff || !wait_for_update()) {
        return false;
    }
    uint8_t status = get(STATUS_B);
    unsigned hour = time->hour;
    uint8_t pm = 0;
    if (!(status & B_24_HOURS)) {
        pm = hour >= 12 ? HOUR_PM : 0;
        hour = (hour + 11) % 12 + 1;
    }
    bool binary = status & B_BINARY;
    put(STATUS_B, status | B_SET);
    put(SECOND, encode(time->second, binary));
    put(MINUTE, encode(time->minute, binary));
    put(HOUR, encode(hour, binary) | pm);
    put(DAY, encode(time->day, binary));
    put(MONTH, encode(time->month, binary));
    put(YEAR, encode(time->year % 100, binary));
    if (century_register() != 0) {
        put(century_register(), encode(time->year / 100, binary));
    }
    century_set = time->year / 100;
    put(STATUS_B, status & ~B_SET);
    return true;
}
