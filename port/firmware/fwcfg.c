#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "cpu/io.h"
#include "firmware/fwcfg.h"

enum {
    SELECT_PORT = 0x510,
    DATA_PORT = 0x511,
    KEY_SIGNATURE = 0x00,
    KEY_DIRECTORY = 0x19,
    NAME_SIZE = 56,
    FILES_MAX = 1024,
    // SDM 2A CPUID: leaf 1 ecx bit 31 is never set by a real CPU; emulators set it.
    CPUID_EMULATED = 1u << 31,
};

// As QEMU has it, with the highest byte of a number first.
typedef struct {
    uint8_t size[4];
    uint8_t key[2];
    uint8_t reserved[2];
    char name[NAME_SIZE];
} entry_t;

static void choose(uint16_t key) {
    io_out16(SELECT_PORT, key);
}

// The next bytes of what has been chosen.
static void next(void *buf, size_t size) {
    uint8_t *to = buf;
    while (size-- > 0) {
        *to++ = io_in8(DATA_PORT);
    }
}

// On a real machine anything might be behind these ports.
static bool present(void) {
    char signature[4];
    if (!(cpu_cpuid(1, 0).ecx & CPUID_EMULATED)) {
        return false;
    }
    choose(KEY_SIGNATURE);
    next(signature, sizeof(signature));
    return memcmp(signature, "QEMU", sizeof(signature)) == 0;
}

static uint32_t number(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

static bool find(const char *name, entry_t *entry) {
    uint8_t count[4];
    choose(KEY_DIRECTORY);
    next(count, sizeof(count));
    for (uint32_t left = number(count); 0 < left && left <= FILES_MAX; --left) {
        next(entry, sizeof(*entry));
        if (strncmp(entry->name, name, NAME_SIZE) == 0) {
            return true;
        }
    }
    return false;
}

bool fwcfg_file_is(const char *name, const char *text) {
    entry_t entry;
    if (!present() || !find(name, &entry) || number(entry.size) != strlen(text)) {
        return false;
    }
    choose(entry.key[0] << 8 | entry.key[1]);
    for (; *text != '\0'; ++text) {
        if (io_in8(DATA_PORT) != (uint8_t)*text) {
            return false;
        }
    }
    return true;
}
