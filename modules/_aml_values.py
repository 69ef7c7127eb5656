# What AML's values are in Python, and how one kind becomes another: ACPI 6.5, 19.3.5.
#
# An integer is an int, a string a str with a character for each byte, a buffer a bytearray, a
# package a list. Buffers and packages are objects: names, locals and elements may share one.


class AmlError(Exception):
    """AML that cannot be run, or asks for what is not there."""


class Node:
    """A name in the namespace: `seg`, `parent`, `kids`, a dict or None, and the object it has."""

    kind = "Reference"  # as a value

    def __init__(self, seg, parent, obj=None):
        self.seg = seg
        self.parent = parent
        self.kids = None
        self.obj = obj

    @property
    def path(self):
        """Its name from the root on, each part without underscores at its end."""
        if self.parent is None:
            return "\\"
        path = self.parent.path
        return path + seg_text(self.seg) if path == "\\" else path + "." + seg_text(self.seg)

    def __repr__(self):
        return self.path


class Plain:
    """An object that is nothing but of a type."""

    def __init__(self, kind):
        self.kind = kind


DEVICE = Plain("Device")
SCOPE = Plain("Scope")
THERMAL = Plain("Thermal")
DEBUG = Plain("Debug")


class Processor:
    kind = "Processor"

    def __init__(self, uid, address, length):
        self.uid = uid
        self.address = address
        self.length = length


class Power:
    kind = "Power"

    def __init__(self, level, order):
        self.level = level
        self.order = order


class Mutex:
    kind = "Mutex"

    def __init__(self, level):
        self.level = level
        self.count = 0


class Event:
    kind = "Event"

    def __init__(self):
        self.count = 0


class Method:
    """`aml` from `start` to `end`; `native` is a function that takes its place."""

    kind = "Method"

    def __init__(self, aml, start, end, flags, native=None):
        self.aml = aml
        self.start = start
        self.end = end
        self.flags = flags
        self.native = native

    @property
    def count(self):
        """How many arguments it takes."""
        return self.flags & 7


class Handle:
    """A table that AML has loaded."""

    kind = "DdbHandle"


class Later:
    """A buffer or a package that a table declares: made when somebody looks."""

    def __init__(self, aml, at, scope):
        self.aml = aml
        self.at = at
        self.scope = scope


class Ref:
    """A reference: to a node, or to what lies at an index of a list, a buffer or a string."""

    kind = "Reference"

    def __init__(self, base, index=None, place=None):
        self.base = base
        self.index = index
        self.place = place  # where a string came from, which cannot be changed itself


class Missing:
    """A name in a package that is not in the namespace."""

    kind = "Reference"

    def __init__(self, path):
        self.path = path

    def __repr__(self):
        return self.path


def seg_text(seg):
    """Four characters in an int as text, without underscores at the end."""
    text = ""
    for shift in (0, 8, 16, 24):
        text += chr(seg >> shift & 255)
    return text.rstrip("_") or "_"


def seg_of(text):
    """The other way round."""
    if not 1 <= len(text) <= 4:
        raise AmlError("%s: a name of 1 to 4 characters" % text)
    seg = 0
    for i in range(4):
        seg |= (ord(text[i]) & 255 if i < len(text) else 95) << 8 * i
    return seg


def kind_of(obj):
    """The type of an object, by ACPI's name."""
    if isinstance(obj, int):
        return "Integer"
    if isinstance(obj, str):
        return "String"
    if isinstance(obj, bytearray):
        return "Buffer"
    if isinstance(obj, list):
        return "Package"
    if isinstance(obj, Later):
        return "Buffer" if obj.aml[obj.at] == 0x11 else "Package"
    if obj is None:
        return "Untyped"
    return obj.kind


NUMBERS = (
    ("Untyped", 0),
    ("Integer", 1),
    ("String", 2),
    ("Buffer", 3),
    ("Package", 4),
    ("RegionField", 5),
    ("BankField", 5),
    ("IndexField", 5),
    ("Device", 6),
    ("Event", 7),
    ("Method", 8),
    ("Mutex", 9),
    ("Region", 10),
    ("Power", 11),
    ("Processor", 12),
    ("Thermal", 13),
    ("BufferField", 14),
    ("DdbHandle", 15),
    ("Debug", 16),
)


def copy(value):
    """What is stored of a value: buffers and packages are copied, with what is in them."""
    if isinstance(value, bytearray):
        return bytearray(value)
    if isinstance(value, list):
        return [copy(one) for one in value]
    return value


def _digits(text, base):
    # The number at the start of a text.
    value = 0
    for char in text.lstrip(" \t"):
        code = ord(char)
        digit = code - 48 if 48 <= code < 58 else (code | 32) - 87 if code > 64 else 99
        if not 0 <= digit < base:
            break
        value = value * base + digit
        if value >> 64:
            break
    return value


def to_int(value, mask, explicit=False):
    """An integer. A string is hexadecimal, if explicit decimal or after 0x hexadecimal."""
    if isinstance(value, int):
        return value & mask
    if isinstance(value, str):
        value = value.lstrip(" \t")
        if value[:2].lower() == "0x":
            return _digits(value[2:], 16) & mask
        return _digits(value, 10 if explicit else 16) & mask
    if isinstance(value, bytearray):
        return int.from_bytes(value[: 4 if mask >> 32 == 0 else 8], "little")
    raise AmlError("an integer is needed, not a %s" % kind_of(value))


def to_buffer(value, mask):
    """A buffer; that of a string has a zero at its end."""
    if isinstance(value, bytearray):
        return value
    if isinstance(value, int):
        return bytearray((value & mask).to_bytes(4 if mask >> 32 == 0 else 8, "little"))
    if isinstance(value, str):
        return bytearray([ord(char) & 255 for char in value] + [0])
    raise AmlError("a buffer is needed, not a %s" % kind_of(value))


def to_str(value, mask, form="X"):
    """A string: hexadecimal as implied, "X", or as asked for, "x"; or "d", decimal."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        value &= mask
        if form == "d":
            return "%d" % value
        return "%08X" % value if mask >> 32 == 0 else "%016X" % value
    if isinstance(value, bytearray):
        one = "%d" if form == "d" else "0x%02X"
        return (" " if form == "X" else ",").join([one % byte for byte in value])
    raise AmlError("a string is needed, not a %s" % kind_of(value))


def text_of(data):
    """Bytes as a string of AML's."""
    return "".join([chr(byte) for byte in data])
