#include <string.h>

#include "firmware/acpi.h"
#include "firmware/madt.h"

enum {
    MADT_ENTRIES = 44,
    // 5.2.12.2 and 5.2.12.12: type, size of an entry and where it has what.
    LOCAL_APIC = 0,
    LOCAL_APIC_SIZE = 8,
    LOCAL_APIC_ID = 3,
    LOCAL_APIC_FLAGS = 4,
    X2APIC = 9,
    X2APIC_SIZE = 16,
    X2APIC_ID = 4,
    X2APIC_FLAGS = 8,
    // What is only capable of being enabled is not there yet.
    FLAGS_ENABLED = 1,
    // All CPUs, and so none.
    LOCAL_APIC_ALL = 0xff,
};
#define X2APIC_ALL UINT32_C(0xffffffff)

static uint32_t word(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

void madt_cpus(void (*function)(void *, uint32_t), void *context) {
    const acpi_header_t *madt = acpi_find("APIC", MADT_ENTRIES);
    if (madt == 0) {
        return;
    }
    const uint8_t *at = (const uint8_t *)madt + MADT_ENTRIES;
    const uint8_t *end = (const uint8_t *)madt + madt->length;
    for (; end - at >= 2 && at[1] >= 2 && at[1] <= end - at; at += at[1]) {
        if (at[0] == LOCAL_APIC && at[1] >= LOCAL_APIC_SIZE && at[LOCAL_APIC_ID] != LOCAL_APIC_ALL
            && word(at + LOCAL_APIC_FLAGS) & FLAGS_ENABLED) {
            function(context, at[LOCAL_APIC_ID]);
        } else if (at[0] == X2APIC && at[1] >= X2APIC_SIZE && word(at + X2APIC_ID) != X2APIC_ALL
                   && word(at + X2APIC_FLAGS) & FLAGS_ENABLED) {
            function(context, word(at + X2APIC_ID));
        }
    }
}
