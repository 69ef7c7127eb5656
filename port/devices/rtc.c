#include <string.h>

#include "firmware/acpi.h"
#include "cpu/io.h"
#include "devices/rtc.h"

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
    CENTURY_DEFAULT = 0x32,
    CENTURY_MIN = 0x0e,

    A_UPDATING = 0x80,
    B_SET = 0x80,
    B_BINARY = 0x04,
    B_24_HOURS = 0x02,
    HOUR_PM = 0x80,

    YEAR_MIN = 1970,
    // An update takes 2 ms at most; a port read at least a third of a us.
    UPDATE_READS = 20000,
    TRIES = 10,
};

static uint8_t get(uint8_t reg) {
    io_out8(INDEX_PORT, NMI_OFF | reg);
    uint8_t value = io_in8(DATA_PORT);
    io_out8(INDEX_PORT, 0);
    return value;
}

static void put(uint8_t reg, uint8_t value) {
    io_out8(INDEX_PORT, NMI_OFF | reg);
    io_out8(DATA_PORT, value);
    io_out8(INDEX_PORT, 0);
}

static uint8_t century_register(void) {
    const acpi_fadt_t *fadt = acpi_fadt();
    return fadt != 0 && fadt->century >= CENTURY_MIN && fadt->century < 0x80 ? fadt->century : CENTURY_DEFAULT;
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
    uint8_t century = century_register();
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
    if (r.century != 19 && r.century != 20) {
        r.century = r.year < YEAR_MIN % 100 ? 20 : 19;
    }
    *time = (rtc_time_t) { r.century * 100 + r.year, r.month, r.day, r.hour, r.minute, r.second };
    return r.second < 60 && r.minute < 60 && r.hour < 24 && r.day >= 1 && r.day <= 31
           && r.month >= 1 && r.month <= 12 && r.year < 100 && time->year >= YEAR_MIN;
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
    put(century_register(), encode(time->year / 100, binary));
    put(STATUS_B, status & ~B_SET);
    return true;
}
