# Values in memory by address: the few types of C that scripts look at memory with.

from bits import memory


class _Type:
    """A type of C: `size` in bytes; a number, or characters."""

    def __init__(self, size, number):
        self.size = size
        self._number = number

    def __mul__(self, count):
        # An array; of characters it is a string.
        return _Type(self.size * count, self._number)

    def from_address(self, addr):
        """What is there now; its `value` is a number, or characters up to the first 0."""
        return _Value(str(memory(addr, self.size)), self._number)


class _Value:
    def __init__(self, raw, number):
        self.raw = raw
        if number:
            self.value = 0
            for one in reversed(raw):
                self.value = self.value << 8 | ord(one)
        else:
            self.value = raw.split("\0")[0]


def sizeof(kind):
    """Bytes of a type."""
    return kind.size


c_char = _Type(1, False)
c_ubyte = c_uint8 = _Type(1, True)
c_ushort = c_uint16 = _Type(2, True)
c_uint = c_uint32 = _Type(4, True)
c_ulong = c_ulonglong = c_uint64 = _Type(8, True)
