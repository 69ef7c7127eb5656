# UUIDs as firmware has them.


class UUID:
    """A UUID of 16 characters: `bytes` in order, or `bytes_le` as SMBIOS and EFI have it.

    ValueError where there are not 16.
    """

    def __init__(self, bytes=None, bytes_le=None):
        data = bytes_le if bytes is None else bytes
        if data is None or len(data) != 16:
            raise ValueError("a UUID has 16 bytes")
        if bytes is None:
            order = (3, 2, 1, 0, 5, 4, 7, 6)
            data = "".join([data[at] for at in order]) + data[8:]
        self.bytes = data

    def __str__(self):
        digits = "".join(["%02x" % ord(one) for one in self.bytes])
        return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])

    def __repr__(self):
        return "UUID('%s')" % self

    def __eq__(self, other):
        return isinstance(other, UUID) and self.bytes == other.bytes

    def __hash__(self):
        return hash(self.bytes)
