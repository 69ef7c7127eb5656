# The PS/2 keyboard: its layouts. C makes text of its keys, by the tables that this gives it.

# Keys with a character, by their code in scan code set 1, in the order in which the layouts have
# them: from top left to bottom right, the space bar, Brazil's one beside the right Shift key, and
# the keypad's decimal separator.
_KEYS = (
    b"\x29\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x10\x11\x12\x13\x14\x15\x16\x17\x18"
    b"\x19\x1a\x1b\x1e\x1f\x20\x21\x22\x23\x24\x25\x26\x27\x28\x2b\x56\x2c\x2d\x2e\x2f\x30\x31"
    b"\x32\x33\x34\x35\x39\x73\x53"
)
_LEVELS = 8
_CAPS = 4
_ALTGR = 2
_NOT_USED = "□"


def _blocks():
    from _keyboard_layouts import TEXT

    return TEXT.strip("\n").split("\n\n")


def _table(name):
    # What _keyboard.set() takes for the layout of that name; None: there is none.
    from array import array

    accents, *blocks = _blocks()
    for block in blocks:
        if not block.startswith(name + "\n"):
            continue
        chars = array("H", bytes(2 * 128 * _LEVELS))
        rows = block.split("\n")[1:]
        altgr = False
        dead = set()
        for level in range(_LEVELS):
            row = rows[level] if level < len(rows) else ""
            for i, key in enumerate(_KEYS):
                char = row[i] if i < len(row) else " "
                at = key * _LEVELS + level
                if level >= _CAPS and char == " ":
                    chars[at] = chars[at - _CAPS]
                elif char != _NOT_USED:
                    chars[at] = ord(char)
                    if level == _ALTGR and char != rows[0][i]:
                        altgr = True
                    if "ⓐ" <= char <= "ⓩ":
                        dead.add(char)
        composed = array("H")
        for line in accents.split("\n"):
            if line[0] in dead:
                for i in range(1, len(line), 2):
                    composed.extend(array("H", (ord(line[0]), ord(line[i]), ord(line[i + 1]))))
        return name, chars, composed, altgr
    return None


def layouts():
    """The names of all layouts, a tuple of str."""
    return tuple(block.split("\n", 1)[0] for block in _blocks()[1:])


def layout(name=None):
    """Use this layout from now on; its name. Without one, the name of the layout in use.

    ValueError if there is none of that name.
    """
    import _keyboard

    if name is None:
        return _keyboard.name()
    if not isinstance(name, str):
        raise TypeError("a layout's name is a str, not %s" % type(name).__name__)
    table = _table("gb" if name == "uk" else name)
    if table is None:
        raise ValueError("keyboard=%s is not one of %s" % (name, " ".join(layouts())))
    _keyboard.set(*table)
    return table[0]


def present():
    """Whether the machine has a controller for a PS/2 keyboard, or firmware that acts as one."""
    import _keyboard

    return _keyboard.present()


def pressed():
    """The keys that are down now, a tuple of their codes in scan code set 1.

    Codes behind 0xe0 have 0x80 added: 0x48 is 8 on the keypad, 0xc8 the arrow up.
    """
    import _keyboard

    down = _keyboard.down()
    return tuple(key for key in range(256) if down[key // 8] >> key % 8 & 1)
