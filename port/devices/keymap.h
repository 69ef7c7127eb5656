// From a keyboard's scan codes to what a terminal would send: UTF-8, and escape sequences for the keys that
// have no character. Touches no hardware, and builds on the host.
#ifndef RINGZERO_DEVICES_KEYMAP_H
#define RINGZERO_DEVICES_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    KEYMAP_KEYS = 128,
    // A level, of which each key has a character, is the sum of these.
    KEYMAP_SHIFT = 1,
    KEYMAP_ALTGR = 2,
    KEYMAP_CAPS = 4,
    KEYMAP_LEVELS = 8,
    // These characters, which no layout has, are dead keys: they change the next one.
    KEYMAP_DEAD_FIRST = 0x24d0,
    KEYMAP_DEAD_LAST = 0x24e9,
    KEYMAP_COMPOSED_MAX = 768,
    KEYMAP_OUT_MAX = 8, // bytes
    KEYMAP_NAME_MAX = 15,
};

typedef struct {
    char name[KEYMAP_NAME_MAX + 1];
    // Of a key, by its code in scan code set 1, and a level: a Unicode character, or 0. The keypad's
    // decimal separator is that of level 0.
    uint16_t chars[KEYMAP_KEYS][KEYMAP_LEVELS];
    // Dead key, character, and what they make together.
    uint16_t composed[KEYMAP_COMPOSED_MAX][3];
    unsigned composed_count;
    bool altgr; // the right Alt key chooses a level
} keymap_t;

typedef struct {
    // Keys that are down, a bit each: codes of scan code set 1, with 0x80 where 0xe0 comes before.
    uint8_t down[32];
    uint8_t locks; // KEYMAP_*_LOCK, which are a keyboard's LEDs
    uint8_t prefix; // 0x80 behind 0xe0
    uint8_t skip; // bytes of the Pause key's that are still to come
    uint16_t dead; // the dead key that waits for a character, or 0
} keymap_state_t;

enum {
    KEYMAP_SCROLL_LOCK = 1,
    KEYMAP_NUM_LOCK = 2,
    KEYMAP_CAPS_LOCK = 4,
};

// The layout of the United States.
void keymap_us(keymap_t *map);

// Takes a byte of the keyboard's; how many bytes of text it makes, which are in `out`.
size_t keymap_feed(keymap_state_t *state, const keymap_t *map, uint8_t byte, char out[KEYMAP_OUT_MAX]);

#endif
