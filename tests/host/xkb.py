"""X's keyboard layouts and compose table, by libxkbcommon: the oracle for the kernel's.

`.venv/bin/python -m tests.host.xkb de ch-fr` prints lines for
modules/layouts/_keyboard_layouts.py, with the accents' own first.
"""

import ctypes
import sys

# Dead keys, by the letters in circles that stand for them.
DEAD = {
    "abovedot": "ⓓ",
    "abovering": "ⓡ",
    "acute": "ⓐ",
    "belowcomma": "ⓥ",
    "belowdot": "ⓑ",
    "belowmacron": "ⓦ",
    "breve": "ⓔ",
    "caron": "ⓚ",
    "cedilla": "ⓢ",
    "circumflex": "ⓒ",
    "diaeresis": "ⓤ",
    "doubleacute": "ⓛ",
    "grave": "ⓖ",
    "hook": "ⓗ",
    "horn": "ⓝ",
    "macron": "ⓜ",
    "ogonek": "ⓞ",
    "stroke": "ⓘ",
    "tilde": "ⓣ",
}
# Layouts by our names where X has others.
NAMES = {"ch-fr": ("ch", "fr"), "us-intl": ("us", "intl"), "dvorak": ("us", "dvorak")}
NAMES["colemak"] = ("us", "colemak")

# X's numbers of keys with a character are those of scan code set 1, but for one of Brazil's.
X_KEYS = {0x73: 89}
SHIFT, CTRL, ALTGR, CAPS_LOCK, NUM_LOCK, DECIMAL = 42, 29, 100, 58, 69, 0x53
CAPS = 4
COMPOSED = 2  # XKB_COMPOSE_COMPOSED
NOT_USED, OTHER = "□", "\0"


class Rules(ctypes.Structure):
    """struct xkb_rule_names"""

    _fields_ = [
        (name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")
    ]


LIBRARY = ctypes.CDLL("libxkbcommon.so.0")
for name in (
    *("context_new", "keymap_new_from_names", "state_new", "compose_table_new_from_locale"),
    "compose_state_new",
):
    getattr(LIBRARY, f"xkb_{name}").restype = ctypes.c_void_p


def call(name, *arguments):
    return getattr(LIBRARY, f"xkb_{name}")(*arguments)


CONTEXT = ctypes.c_void_p(call("context_new", 0))


class Keyboard:
    """A keyboard with a layout of ours: press() its keys, read their characters."""

    def __init__(self, layout):
        name, variant = NAMES.get(layout, (layout, ""))
        rules = Rules(b"evdev", b"pc105", name.encode(), variant.encode(), b"")
        keymap = call("keymap_new_from_names", CONTEXT, ctypes.byref(rules), 0)
        assert keymap, f"X has no layout {name}({variant})"
        self.keymap = ctypes.c_void_p(keymap)
        self.reset()

    def reset(self):
        self.state = ctypes.c_void_p(call("state_new", self.keymap))

    def press(self, key, down=True):
        call("state_update_key", self.state, key + 8, int(down))

    def set_level(self, level, num_lock=False):
        """Of our eight: a sum of Shift 1, AltGr 2 and Caps Lock 4."""
        self.reset()
        for lock in (CAPS_LOCK,) * bool(level & CAPS) + (NUM_LOCK,) * num_lock:
            self.press(lock)
            self.press(lock, False)
        for bit, key in ((1, SHIFT), (2, ALTGR)):
            if level & bit:
                self.press(key)

    def symbol(self, key):
        return call("state_key_get_one_sym", self.state, X_KEYS.get(key, key) + 8)

    def symbol_name(self, key):
        text = ctypes.create_string_buffer(64)
        call("keysym_get_name", self.symbol(key), text, len(text))
        return text.value.decode()

    def text(self, key):
        """What a terminal gets, as a str: also with Ctrl."""
        text = ctypes.create_string_buffer(16)
        size = call("state_key_get_utf8", self.state, X_KEYS.get(key, key) + 8, text, len(text))
        return text.raw[:size].decode()

    def character(self, key):
        """Of the key at the level: a character, a dead key's letter in a circle, "" for none, or
        OTHER for what the kernel has not."""
        symbol = self.symbol(key)
        name = self.symbol_name(key)
        if name.startswith("dead_"):
            return DEAD.get(name[5:], OTHER)
        code = call("keysym_to_utf32", symbol)
        return chr(code) if code else "" if name in ("NoSymbol", "VoidSymbol") else OTHER

    def has_altgr(self):
        self.reset()
        return self.symbol_name(ALTGR) == "ISO_Level3_Shift"


class Compose:
    """What dead keys and characters make together, as X has it for UTF-8."""

    def __init__(self):
        table = call("compose_table_new_from_locale", CONTEXT, b"en_US.UTF-8", 0)
        assert table, "X's compose table for en_US.UTF-8 is missing"
        self.state = ctypes.c_void_p(call("compose_state_new", ctypes.c_void_p(table), 0))
        self.symbols = {
            letter: call("keysym_from_name", f"dead_{name}".encode(), 0)
            for name, letter in DEAD.items()
        }

    def symbol(self, character):
        return self.symbols.get(character) or call("utf32_to_keysym", ord(character))

    def __call__(self, dead, character):
        """The one character of both, or "" where they make none."""
        call("compose_state_reset", self.state)
        call("compose_state_feed", self.state, self.symbol(dead))
        call("compose_state_feed", self.state, self.symbol(character))
        if call("compose_state_get_status", self.state) != COMPOSED:
            return ""
        text = ctypes.create_string_buffer(16)
        size = call("compose_state_get_utf8", self.state, text, len(text))
        made = text.raw[:size].decode()
        return made if len(made) == 1 and made <= "\uffff" else ""


def rows(layout, keys):
    """A layout's eight levels, a character for each of the keys."""
    keyboard = Keyboard(layout)
    found = []
    for level in range(8):
        row = ""
        for key in keys:
            keyboard.set_level(level, num_lock=key == DECIMAL)
            made = keyboard.character(key) if key != DECIMAL or level == 0 else ""
            if made == OTHER and level & CAPS:
                made = found[level - CAPS][len(row)]
            row += made if made not in ("", OTHER) else NOT_USED
        found.append(row)
    return found


def main(layouts):
    from tests.host.frozen import frozen

    keys = frozen("keyboard")._KEYS
    every = {layout: rows(layout, keys) for layout in layouts}
    used = sorted(set("".join("".join(row) for row in every.values())) - {NOT_USED})
    compose = Compose()
    for dead in sorted(set(used) & set(DEAD.values())):
        pairs = [one + compose(dead, one) for one in used if compose(dead, one)]
        for at in range(0, len(pairs), 40):
            print(dead + "".join(pairs[at : at + 40]))
    for layout, levels in every.items():
        print(f"\n{layout}")
        for level, row in enumerate(levels):
            if level >= CAPS:
                pairs = zip(row, levels[level - CAPS], strict=True)
                row = "".join(" " if one == other else one for one, other in pairs).rstrip()
            print(row)


if __name__ == "__main__":
    main(sys.argv[1:])
