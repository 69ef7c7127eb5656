#include "cpu/io.h"
#include "devices/pci.h"

enum {
    ADDRESS_PORT = 0xcf8,
    DATA_PORT = 0xcfc,
};
#define ENABLE (UINT32_C(1) << 31)

// Address and data are one step: no interrupt and no other CPU may come in between.
static bool taken;

static uint64_t lock(void) {
    uint64_t state = cpu_irq_save();
    while (__atomic_test_and_set(&taken, __ATOMIC_ACQUIRE)) {
        __builtin_ia32_pause();
    }
    return state;
}

static void unlock(uint64_t state) {
    __atomic_clear(&taken, __ATOMIC_RELEASE);
    cpu_irq_restore(state);
}

static void select(uint16_t function, uint8_t offset) {
    io_out32(ADDRESS_PORT, ENABLE | (uint32_t)function << 8 | (offset & 0xfc));
}

bool pci_present(void) {
    uint64_t state = lock();
    uint32_t before = io_in32(ADDRESS_PORT);
    io_out32(ADDRESS_PORT, ENABLE);
    bool present = io_in32(ADDRESS_PORT) == ENABLE;
    io_out32(ADDRESS_PORT, before);
    unlock(state);
    return present;
}

uint32_t pci_read(uint16_t function, uint8_t offset, unsigned size) {
    uint16_t port = DATA_PORT + (offset & 3);
    uint64_t state = lock();
    select(function, offset);
    uint32_t value = size == 1 ? io_in8(port) : size == 2 ? io_in16(port) : io_in32(port);
    unlock(state);
    return value;
}

void pci_write(uint16_t function, uint8_t offset, unsigned size, uint32_t value) {
    uint16_t port = DATA_PORT + (offset & 3);
    uint64_t state = lock();
    select(function, offset);
    if (size == 1) {
        io_out8(port, value);
    } else if (size == 2) {
        io_out16(port, value);
    } else {
        io_out32(port, value);
    }
    unlock(state);
}
