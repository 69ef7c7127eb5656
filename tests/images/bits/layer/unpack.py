# Structures taken apart field by field, and printed with the fields' own formats.
#
# Data are strings of one character a byte, as in Python 2.

import struct
from collections import OrderedDict

from bits.python2 import decode, encode


class UnpackError(Exception):
    """There is less data than is asked for, or a format is wrong."""


class StructError(Exception):
    """A structure was put together wrongly."""


class Unpackable:
    """Data, and how far they are taken: `offset` and `size`, the end."""

    def __init__(self, data, offset=0, size=None):
        end = len(data) if size is None else offset + size
        if not 0 <= offset <= end <= len(data):
            raise UnpackError("bytes %d to %d of %d" % (offset, end, len(data)))
        self.data = data
        self.offset = offset
        self.size = end

    def _peek(self, size):
        if not 0 <= size <= self.size - self.offset:
            raise UnpackError("%d bytes of %d that are left" % (size, self.size - self.offset))
        return self.data[self.offset : self.offset + size]

    def skip(self, size):
        """Leave some bytes out."""
        self._peek(size)
        self.offset += size

    def unpack_peek(self, fmt):
        """The values of a format of `struct`, a tuple; they stay there."""
        return self._values(fmt)[0]

    def _values(self, fmt):
        # A character is not among MicroPython's formats.
        fmt = fmt.replace("c", "1s")
        try:
            size = struct.calcsize(fmt)
            values = struct.unpack(fmt, encode(self._peek(size)))
        except ValueError as error:
            raise UnpackError("%s: %s" % (fmt, error)) from None
        return tuple([decode(one) if isinstance(one, bytes) else one for one in values]), size

    def unpack(self, fmt):
        """The values of a format of `struct`, a tuple."""
        values, size = self._values(fmt)
        self.offset += size
        return values

    def unpack_one(self, fmt):
        """The first value of a format."""
        return self.unpack(fmt)[0]

    def unpack_peek_one(self, fmt):
        """The first value of a format; it stays there."""
        return self.unpack_peek(fmt)[0]

    def unpack_peek_raw(self, size):
        """So many bytes; they stay there."""
        return self._peek(size)

    def unpack_peek_rest(self):
        """All that is left; it stays there."""
        return self._peek(self.size - self.offset)

    def unpack_raw(self, size):
        """So many bytes."""
        data = self._peek(size)
        self.offset += size
        return data

    def unpack_rest(self):
        """All that is left."""
        return self.unpack_raw(self.size - self.offset)

    def unpack_unpackable(self, size):
        """So many bytes, as an Unpackable."""
        self._peek(size)
        found = Unpackable(self.data, self.offset, size)
        self.offset += size
        return found

    def at_end(self):
        """Whether nothing is left."""
        return self.offset == self.size


class Struct:
    """Fields by name, in the order in which they were added, each with its format."""

    def __init__(self):
        self.fields = OrderedDict()

    @classmethod
    def unpack(cls, u):
        """A structure of the fields that its _unpack() takes from an Unpackable."""
        made = cls()
        for field in cls._unpack(u):
            made.add_field(*field)
        return made

    def add_field(self, name, value, fmt=None):
        """A field; `fmt` is a format, or a function of the value. Numbers are hexadecimal."""
        if hasattr(self, name):
            raise StructError("field %s is there" % name)
        if fmt is None:
            number = isinstance(value, int) and not isinstance(value, bool)
            fmt = "{:#x}" if number else "{!r}"
        if isinstance(fmt, str):
            fmt = fmt.format
        elif not callable(fmt):
            raise StructError("field %s: %r is no format" % (name, fmt))
        setattr(self, name, value)
        self.fields[name] = fmt

    def format_field(self, name):
        """A field's value as text."""
        return self.fields[name](getattr(self, name))

    def _key(self):
        return tuple([(name, getattr(self, name)) for name in self.fields])

    def __repr__(self):
        fields = ["%s=%s" % (name, self.format_field(name)) for name in self.fields]
        return "%s(%s)" % (type(self).__name__, ", ".join(fields))

    def __iter__(self):
        return iter([getattr(self, name) for name in self.fields])

    def __eq__(self, other):
        return type(self) is type(other) and self._key() == other._key()

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self._key())


def format_each(fmt_one):
    """A format of all values of a sequence."""
    return lambda values: "(%s)" % ", ".join([fmt_one.format(one) for one in values])


format_each_hex = format_each("{:#x}")


def format_table(fmt, table, default="Reserved"):
    """A format of a value and its name in a table."""
    return lambda value: "%s (%s)" % (fmt.format(value), table.get(value, default))


def format_function(fmt, function):
    """A format of a value and what a function makes of it."""
    return lambda value: "%s (%s)" % (fmt.format(value), function(value))


def reserved_None(fmt="{!r}"):
    """A format of a value; None is reserved."""
    return lambda value: "Reserved" if value is None else fmt.format(value)


def unpack_all(u, structs, *args):
    """A tuple of structures, until nothing is left: each the first of `structs` that is not None.

    StructError where all are.
    """
    found = []
    while not u.at_end():
        for one in structs:
            made = one(u, *args)
            if made is not None:
                found.append(made)
                break
        else:
            raise StructError("no structure fits at byte %d" % u.offset)
    return tuple(found)
