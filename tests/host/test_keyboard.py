"""The keyboard: what keymap.c and the layouts make of scan codes is what X makes of them."""

import ctypes
from array import array
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host import xkb
from tests.host.conftest import BUILD, build
from tests.host.frozen import frozen

keyboard = frozen("keyboard")
LAYOUTS = keyboard.layouts()
RELEASED = 0x80
SHIFT, CTRL, ALT, ALTGR = [0x2A], [0x1D], [0x38], [0xE0, 0x38]
CAPS_LOCK, NUM_LOCK, SCROLL_LOCK = [0x3A], [0x45], [0x46]
COMPOSED_MAX, OUT_MAX = 768, 8


class Map(ctypes.Structure):
    """keymap_t"""

    _fields_ = [
        ("name", ctypes.c_char * 16),
        ("chars", ctypes.c_uint16 * (128 * 8)),
        ("composed", ctypes.c_uint16 * (COMPOSED_MAX * 3)),
        ("composed_count", ctypes.c_uint),
        ("altgr", ctypes.c_bool),
    ]


class State(ctypes.Structure):
    """keymap_state_t"""

    _fields_ = [
        ("down", ctypes.c_uint8 * 32),
        ("locks", ctypes.c_uint8),
        ("prefix", ctypes.c_uint8),
        ("skip", ctypes.c_uint8),
        ("dead", ctypes.c_uint16),
    ]


@pytest.fixture(scope="module")
def library():
    build("keymap")
    library = ctypes.CDLL(str(BUILD / "keymap.so"))
    library.keymap_feed.restype = ctypes.c_size_t
    return library


class Keyboard:
    """The kernel's, with that layout, or with the one that C has by itself."""

    def __init__(self, library, name=None):
        self.feed_ = library.keymap_feed
        self.map = Map()
        library.keymap_us(ctypes.byref(self.map))
        if name:
            found, chars, composed, self.map.altgr = keyboard._table(name)
            assert found == name and len(composed) <= COMPOSED_MAX * 3
            self.map.chars[:] = list(chars)
            self.map.composed[: len(composed)] = list(composed)
            self.map.composed_count = len(composed) // 3
        self.reset()

    def reset(self):
        self.state = State()

    def feed(self, codes):
        out = ctypes.create_string_buffer(OUT_MAX + 1)
        text = b""
        for code in codes:
            out[OUT_MAX] = b"\xa5"
            size = self.feed_(ctypes.byref(self.state), ctypes.byref(self.map), code, out)
            assert size <= OUT_MAX and out[OUT_MAX] == b"\xa5"
            text += out[:size]
        return text

    def down(self, *keys):
        return self.feed([code for key in keys for code in key])

    def up(self, *keys):
        return self.feed([code for key in keys for code in (*key[:-1], key[-1] | RELEASED)])

    def tap(self, *keys):
        return b"".join(self.down(key) + self.up(key) for key in keys)

    def set_level(self, level, *more):
        self.reset()
        for bit, key in ((1, SHIFT), (2, ALTGR)):
            if level & bit:
                self.down(key)
        if level & 4:
            self.tap(CAPS_LOCK)
        self.down(*more)


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(library, name):
    """Each key with each of Shift, AltGr, Caps Lock and Ctrl gives the character of X's layout."""
    ours, theirs = Keyboard(library, name), xkb.Keyboard(name)
    count = 0
    assert ours.map.altgr == theirs.has_altgr()
    for key, level in product(sorted(keyboard._KEYS), range(8)):
        if (key == xkb.DECIMAL and level) or (level & 2 and not ours.map.altgr):
            continue
        num_lock = key == xkb.DECIMAL
        theirs.set_level(level, num_lock)
        want = theirs.character(key)
        if want == xkb.OTHER:
            # Caps Lock makes a capital letter of what has none.
            theirs.set_level(level & 3)
            want = theirs.character(key) if level & xkb.CAPS else ""
            want = "" if want == xkb.OTHER else want
        ours.set_level(level, *[NUM_LOCK] * num_lock)
        got = ours.tap([key]).decode()
        if want in xkb.DEAD.values():
            assert got == "" and chr(ours.state.dead) == want, (hex(key), level)
            continue
        assert (got, ours.state.dead) == (want, 0), (hex(key), level)
        count += 1
        if want and level < xkb.CAPS and want < "\x7f":
            theirs.press(xkb.CTRL)
            ours.set_level(level, *[NUM_LOCK] * num_lock, CTRL)
            assert ours.tap([key]).decode() == theirs.text(key), (hex(key), level)
    assert count > 180


@pytest.mark.parametrize("name", LAYOUTS)
def test_dead_keys(library, name):
    """A dead key and the next character make what X's compose table says, or else both."""
    ours, compose = Keyboard(library, name), xkb.Compose()
    chars = list(ours.map.chars)
    every = sorted({chr(one) for one in chars if one})
    places = {chr(one): divmod(at, 8) for at, one in reversed(list(enumerate(chars)))}
    for dead in [one for one in every if one in xkb.DEAD.values()]:
        for one in every:
            ours.reset()
            text = b""
            for key, level in (places[dead], places[one]):
                modifiers = [SHIFT] * (level & 1) + [ALTGR] * bool(level & 2)
                if level & 4:
                    text += ours.tap(CAPS_LOCK)
                text += ours.down(*modifiers)
                text += ours.tap([key])
                ours.up(*modifiers)
                if level & 4:
                    ours.tap(CAPS_LOCK)
            text = text.decode()
            made = compose(dead, one)
            if made:
                assert (text, ours.state.dead) == (made, 0), (dead, one)
            elif one in xkb.DEAD.values():
                assert (text, chr(ours.state.dead)) == (compose(dead, " "), one)
            else:
                assert (text, ours.state.dead) == (compose(dead, " ") + one, 0), (dead, one)


def test_layouts():
    """There are layouts, each of its own name, and uk is gb's other name."""
    assert len(LAYOUTS) == len(set(LAYOUTS)) > 30
    assert {"us", "gb", "de", "fr", "es", "it", "pl", "cz", "tr"} <= set(LAYOUTS)
    assert all(0 < len(name) <= 15 and name.isascii() for name in LAYOUTS)
    assert keyboard._table("e") is None and keyboard._table("") is None


def test_us_in_c(library):
    """What C has before Python has set a layout is that of the United States."""
    ours, table = Keyboard(library), keyboard._table("us")
    assert ours.map.name == b"us" and not ours.map.altgr and ours.map.composed_count == 0
    chars = list(ours.map.chars)
    # C has it of all levels, the layouts of one.
    decimal = slice(xkb.DECIMAL * 8 + 1, xkb.DECIMAL * 8 + 8)
    chars[decimal] = [0] * 7
    assert array("H", chars) == table[1]


def test_keys_without_a_character(library):
    """The other keys send what terminals do, the keypad by Num Lock and Shift."""
    ours = Keyboard(library)
    keys = {0x01: "\x1b", 0x0E: "\x7f", 0x0F: "\t", 0x1C: "\r", 0x37: "*", 0x4A: "-", 0x4E: "+"}
    for key, text in keys.items():
        assert ours.tap([key]) == text.encode(), hex(key)
    assert ours.tap([0xE0, 0x1C]) == b"\r" and ours.tap([0xE0, 0x35]) == b"/"
    ends = ["H", "A", "5~", None, "D", "", "C", None, "F", "B", "6~", "2~", "3~"]
    for key, end in enumerate(ends, 0x47):
        if end is None:
            continue
        sequence = f"\x1b[{end}".encode() if end else b""
        digit = b"789-456+1230."[key - 0x47 : key - 0x46]
        # Shift around them, as keyboards send it.
        assert ours.feed([0xE0, 0x2A, 0xE0, key, 0xE0, key | 0x80, 0xE0, 0xAA]) == sequence
        assert ours.tap([key]) == sequence
        ours.tap(NUM_LOCK)
        assert ours.state.locks == 2 and ours.tap([key]) == digit
        assert ours.tap([0xE0, key]) == sequence
        ours.down(SHIFT)
        assert ours.tap([key]) == sequence
        ours.up(SHIFT)
        ours.tap(NUM_LOCK)
        ours.down(SHIFT)
        assert ours.tap([key]) == digit
        ours.up(SHIFT)
    for number, key in enumerate([*range(0x3B, 0x45), 0x57, 0x58]):
        assert ours.tap([key]) == b"\x1bO" + bytes([ord("P") + number])
    ours.down(SHIFT)
    assert ours.tap([0x0F]) == b"\x1b[Z"
    # The Pause key, print screen, the keys of windows.
    assert ours.feed([0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5]) == b""
    assert ours.state.locks == 0 and not ours.state.down[0x1D // 8]
    assert ours.tap([0xE0, 0x2A], [0xE0, 0x37], [0xE0, 0x5B], [0xE0, 0x5C], [0xE0, 0x5D]) == b""


def test_modifiers_and_locks(library):
    """Both keys of a kind count, Alt sends an escape first, a lock that repeats turns once."""
    ours = Keyboard(library)
    for right in ([0x36], [0x2A]):
        ours.down(right)
        assert ours.tap([0x1E]) == b"A"
        ours.up(right)
        assert ours.tap([0x1E]) == b"a"
    for ctrl in (CTRL, [0xE0, 0x1D]):
        ours.down(ctrl)
        assert ours.tap([0x2E], [0x39], [0x1C]) == b"\x03\0\r"
        ours.up(ctrl)
    for alt in (ALT, ALTGR):
        ours.down(alt)
        assert ours.tap([0x21], [0x0E]) == b"\x1bf\x1b\x7f"
        ours.up(alt)
    for lock, bit in ((SCROLL_LOCK, 1), (NUM_LOCK, 2), (CAPS_LOCK, 4)):
        ours.down(lock, lock, lock)
        assert ours.state.locks == bit
        ours.up(lock)
        ours.tap(lock)
        assert ours.state.locks == 0
    # A key that is held down repeats.
    assert ours.down([0x10], [0x10], [0x10]) == b"qqq"
    german = Keyboard(library, "de")
    german.down(ALTGR)
    assert german.tap([0x12]) == "€".encode() and german.tap([0x10]) == b"@"
    german.up(ALTGR)
    # A key that has no character lets go of the accent.
    assert german.tap([0x0D], [0x0E], [0x12]) == b"\x7fe"
    assert german.tap([0x0D], [0x12], [0x0D], [0x39], [0x0D], [0x0D]) == "é'´".encode()


@settings(max_examples=300, deadline=None)
@given(codes=st.lists(st.integers(0, 255), max_size=300), name=st.sampled_from(LAYOUTS))
def test_garbage(library, codes, name):
    """Whatever comes, nothing breaks, and after keys that were lost the keyboard is as it was."""
    ours = Keyboard(library, name)
    ours.feed(codes).decode()
    locks = ours.state.locks
    # An accent that waits, then what keyboards send when they have lost something.
    ours.feed([0, 0xFF])
    assert not any(ours.state.down) and ours.state.locks == locks
    ours.tap([0x0E])
    assert ours.tap([0x02]) == Keyboard(library, name).tap([0x02]) or locks & 4
