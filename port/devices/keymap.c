#include <string.h>

#include "devices/keymap.h"

// IBM PS/2 hardware interface technical reference, keyboards: scan code set 1, into which the controller
// translates. A byte is a key's code, with RELEASED when it goes up.
enum {
    PREFIX = 0xe0,
    PREFIX_PAUSE = 0xe1, // two bytes follow, as the key goes down and again as it goes up
    RELEASED = 0x80,
    EXTENDED = 0x80, // in a key's number: it comes behind PREFIX
    LOST = 0x00, // keys that the keyboard could not tell
    LOST_2 = 0xff,

    ESCAPE = 0x01,
    BACKSPACE = 0x0e,
    TAB = 0x0f,
    ENTER = 0x1c,
    CTRL = 0x1d,
    SHIFT = 0x2a,
    SHIFT_RIGHT = 0x36,
    PAD_MULTIPLY = 0x37,
    ALT = 0x38,
    CAPS_LOCK = 0x3a,
    F1 = 0x3b,
    F10 = 0x44,
    NUM_LOCK = 0x45,
    SCROLL_LOCK = 0x46,
    PAD_FIRST = 0x47,
    PAD_DECIMAL = 0x53,
    F11 = 0x57,
    F12 = 0x58,
    PAD_ENTER = EXTENDED | ENTER,
    CTRL_RIGHT = EXTENDED | CTRL,
    PAD_DIVIDE = EXTENDED | 0x35,
    ALT_RIGHT = EXTENDED | ALT,
    // What comes around keys of old keyboards that had none of their own.
    FAKE_SHIFT = EXTENDED | SHIFT,
    FAKE_SHIFT_RIGHT = EXTENDED | SHIFT_RIGHT,
};

// From PAD_FIRST on: with Num Lock, and behind ESC [ without it and of the keys beside the keypad.
static const char pad_chars[] = "789-456+1230";
static const char *const pad_sequences[] = { "H", "A", "5~", "", "D", "", "C", "", "F", "B", "6~", "2~", "3~" };

// Keys that follow each other, a character without Shift and one with it of each.
static const struct {
    uint8_t first;
    const char *chars;
} us[] = {
    { 0x02, "1!2@3#4$5%6^7&8*9(0)-_=+" },
    { 0x10, "qQwWeErRtTyYuUiIoOpP[{]}" },
    { 0x1e, "aAsSdDfFgGhHjJkKlL;:'\"`~" },
    { 0x2b, "\\|zZxXcCvVbBnNmM,<.>/?" },
    { 0x39, "  " },
    { PAD_DECIMAL, ".." },
    { 0x56, "<>" },
};

static bool is_letter(uint16_t c) {
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

void keymap_us(keymap_t *map) {
    memset(map, 0, sizeof(*map));
    memcpy(map->name, "us", sizeof("us"));
    for (unsigned i = 0; i < sizeof(us) / sizeof(us[0]); ++i) {
        uint16_t(*chars)[KEYMAP_LEVELS] = &map->chars[us[i].first];
        for (const char *pair = us[i].chars; *pair != 0; pair += 2, ++chars) {
            for (unsigned level = 0; level < KEYMAP_LEVELS; ++level) {
                bool caps = (level & KEYMAP_CAPS) && is_letter(*pair);
                (*chars)[level] = pair[(level & KEYMAP_SHIFT) != caps];
            }
        }
    }
}

static bool is_down(const keymap_state_t *state, uint8_t key) {
    return state->down[key / 8] >> key % 8 & 1;
}

static size_t put_string(char *out, const char *before, const char *text) {
    size_t size = strlen(before), rest = strlen(text);
    memcpy(out, before, size);
    memcpy(out + size, text, rest);
    return size + rest;
}

static size_t put_char(char *out, uint16_t c) {
    if (c < 0x80) {
        out[0] = c;
        return 1;
    }
    size_t size = 0;
    if (c < 0x800) {
        out[size++] = 0xc0 | c >> 6;
    } else {
        out[size++] = 0xe0 | c >> 12;
        out[size++] = 0x80 | (c >> 6 & 0x3f);
    }
    out[size++] = 0x80 | (c & 0x3f);
    return size;
}

static uint16_t compose(const keymap_t *map, uint16_t dead, uint16_t c) {
    for (unsigned i = 0; i < map->composed_count; ++i) {
        if (map->composed[i][0] == dead && map->composed[i][1] == c) {
            return map->composed[i][2];
        }
    }
    return 0;
}

// What X makes of Ctrl and a character, as terminals do.
static uint16_t control(uint16_t c) {
    if ((c >= '@' && c < 0x7f) || c == ' ') {
        return c & 0x1f;
    }
    return c == '2' ? 0 : c >= '3' && c <= '7' ? c - '3' + 0x1b : c == '8' ? 0x7f : c == '/' ? 0x1f : c;
}

static bool is_dead(uint16_t c) {
    return c >= KEYMAP_DEAD_FIRST && c <= KEYMAP_DEAD_LAST;
}

// A character, behind the dead key before it: what they make together, or else both.
static size_t put_composed(keymap_state_t *state, const keymap_t *map, uint16_t c, char *out) {
    size_t size = 0;
    if (state->dead != 0) {
        uint16_t together = compose(map, state->dead, c);
        if (together == 0) {
            uint16_t accent = compose(map, state->dead, ' ');
            size += accent != 0 ? put_char(out, accent) : 0;
        }
        state->dead = 0;
        if (together != 0) {
            return put_char(out, together);
        }
    }
    if (is_dead(c)) {
        state->dead = c;
        return size;
    }
    return size + put_char(out + size, c);
}

// The key's character as it is now, or 0.
static uint16_t char_of(const keymap_state_t *state, const keymap_t *map, uint8_t key) {
    unsigned level = (is_down(state, SHIFT) || is_down(state, SHIFT_RIGHT) ? KEYMAP_SHIFT : 0)
        | (map->altgr && is_down(state, ALT_RIGHT) ? KEYMAP_ALTGR : 0)
        | (state->locks & KEYMAP_CAPS_LOCK ? KEYMAP_CAPS : 0);
    if (key >= PAD_FIRST && key <= PAD_DECIMAL) {
        bool digits = !(level & KEYMAP_SHIFT) == !!(state->locks & KEYMAP_NUM_LOCK);
        char c = key == PAD_DECIMAL ? 0 : pad_chars[key - PAD_FIRST];
        if (key != PAD_DECIMAL && (c < '0' || digits)) {
            return c;
        }
        return digits ? map->chars[key][0] : 0;
    }
    switch (key) {
        case ESCAPE:
            return 0x1b;
        case BACKSPACE:
            return 0x7f;
        case TAB:
            return level & KEYMAP_SHIFT ? 0 : '\t';
        case ENTER:
        case PAD_ENTER:
            return '\r';
        case PAD_MULTIPLY:
            return '*';
        case PAD_DIVIDE:
            return '/';
        default:
            return key < KEYMAP_KEYS ? map->chars[key][level] : 0;
    }
}

static size_t press(keymap_state_t *state, const keymap_t *map, uint8_t key, char *out) {
    uint16_t c = char_of(state, map, key);
    if (c != 0) {
        bool ctrl = is_down(state, CTRL) || is_down(state, CTRL_RIGHT);
        bool alt = is_down(state, ALT) || (!map->altgr && is_down(state, ALT_RIGHT));
        if (c < ' ' || c == 0x7f || (ctrl && !is_dead(c))) {
            state->dead = 0;
            c = ctrl && c >= ' ' ? control(c) : c;
        }
        size_t size = 0;
        if (alt && !is_dead(c)) {
            state->dead = 0;
            out[size++] = 0x1b;
        }
        return size + put_composed(state, map, c, out + size);
    }
    uint8_t code = key & ~EXTENDED;
    const char *text = "";
    char function[2] = { 0 };
    // The keypad's, and the same keys beside it.
    if (code >= PAD_FIRST && code <= PAD_DECIMAL) {
        text = pad_sequences[code - PAD_FIRST];
    } else if (key == TAB) {
        text = "Z";
    } else if ((key >= F1 && key <= F10) || key == F11 || key == F12) {
        // ESC O P to ESC O [, so that the line editor takes them for a whole.
        function[0] = 'P' + (key <= F10 ? key - F1 : key - F11 + 10);
    }
    if (*text == 0 && function[0] == 0) {
        return 0;
    }
    state->dead = 0;
    return function[0] != 0 ? put_string(out, "\x1bO", function) : put_string(out, "\x1b[", text);
}

size_t keymap_feed(keymap_state_t *state, const keymap_t *map, uint8_t byte, char out[KEYMAP_OUT_MAX]) {
    if (byte == LOST || byte == LOST_2) {
        // Some may have gone up meanwhile.
        memset(state->down, 0, sizeof(state->down));
        state->prefix = state->skip = 0;
        return 0;
    }
    if (state->skip > 0) {
        --state->skip;
        return 0;
    }
    if (byte == PREFIX || byte == PREFIX_PAUSE) {
        state->prefix = byte == PREFIX ? EXTENDED : 0;
        state->skip = byte == PREFIX ? 0 : 2;
        return 0;
    }
    uint8_t key = (byte & ~RELEASED) | state->prefix;
    state->prefix = 0;
    if (key == FAKE_SHIFT || key == FAKE_SHIFT_RIGHT) {
        return 0;
    }
    uint8_t bit = 1 << key % 8;
    if (byte & RELEASED) {
        state->down[key / 8] &= ~bit;
        return 0;
    }
    bool repeated = is_down(state, key);
    state->down[key / 8] |= bit;
    uint8_t lock = key == CAPS_LOCK ? KEYMAP_CAPS_LOCK : key == NUM_LOCK ? KEYMAP_NUM_LOCK
        : key == SCROLL_LOCK ? KEYMAP_SCROLL_LOCK : 0;
    if (lock != 0) {
        state->locks ^= repeated ? 0 : lock;
        return 0;
    }
    return press(state, map, key, out);
}
