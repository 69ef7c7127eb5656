# Bit fields by their highest and lowest bit, both included.


def bitfield_max(msb, lsb=None):
    """The largest value of bits [msb:lsb], or of the one bit [msb]."""
    return (1 << msb - (msb if lsb is None else lsb) + 1) - 1


def bitmask(msb, lsb=None):
    """All bits of [msb:lsb] set."""
    return bitfield_max(msb, lsb) << (msb if lsb is None else lsb)


def bitfield(value, msb, lsb=None):
    """A value moved to [msb:lsb]. OverflowError where it does not fit."""
    if not 0 <= value <= bitfield_max(msb, lsb):
        raise OverflowError("0x%x does not fit bits [%s:%s]" % (value, msb, lsb))
    return value << (msb if lsb is None else lsb)


def getbits(value, msb, lsb=None):
    """The value of [msb:lsb]."""
    return value >> (msb if lsb is None else lsb) & bitfield_max(msb, lsb)


def setbits(value, fieldvalue, msb, lsb=None):
    """`value` with [msb:lsb] set to `fieldvalue`."""
    return value & ~bitmask(msb, lsb) | bitfield(fieldvalue, msb, lsb)
