# Fields: bits of regions, of buffers, and of what lies behind an index or a bank.

from _aml_values import AmlError, kind_of

# Bytes of data by a serial bus's protocol, from 0 on: ACPI 6.5, 5.5.2.4.6.3. There is none where
# the number is negative.
_PROTOCOLS = (-1, -1, 0, -1, 1, -1, 1, -1, 2, -1, 255, 255, 2, 255, 255, 255)
_SMBUS = const(4)
_IPMI = const(7)
_GPIO = const(8)
_SERIAL = const(9)
BUSES = (_SMBUS, _IPMI, _GPIO, _SERIAL)


class Region:
    """`space`, a number, `address` and `length` in bytes; `node`, its name in `ns`."""

    kind = "Region"

    def __init__(self, ns, space, address, length, node, data=None):
        self.ns = ns
        self.location = None  # of a PCI device, once somebody has looked
        self.space = space
        self.address = address
        self.length = length
        self.node = node
        self.data = data  # of a table's region


class BufferField:
    """`width` bits of a buffer, from a bit on."""

    kind = "BufferField"

    def __init__(self, data, bit, width, whole=False):
        self.data = data
        self.bit = bit
        self.width = width
        self.whole = whole  # made by CreateField: its value is a buffer, however short

    def check(self):
        last = self.bit + self.width
        if not self.width or last > 8 * len(self.data):
            raise AmlError(
                "a field of bits %d to %d of %d bytes" % (self.bit, last, len(self.data))
            )

    def read(self, ns):
        self.check()
        last = (self.bit + self.width + 7) // 8
        value = int.from_bytes(self.data[self.bit // 8 : last], "little") >> (self.bit & 7)
        return ns.field_value(value & ((1 << self.width) - 1), self.width, self.whole)

    def write(self, ns, value):
        self.check()
        value = ns.field_bits(value, self.width)
        first = self.bit // 8
        last = (self.bit + self.width + 7) // 8
        shift = self.bit & 7
        mask = ((1 << self.width) - 1) << shift
        old = int.from_bytes(self.data[first:last], "little")
        self.data[first:last] = (old & ~mask | value << shift).to_bytes(last - first, "little")


class Field:
    """`width` bits from `bit` on. `flags` are those of ACPI 6.5, 20.2.5.2."""

    kind = "RegionField"

    def __init__(self, base, bit, width, flags):
        self.base = base  # the region
        self.bit = bit
        self.width = width
        self.flags = flags

    def size(self):
        # The bytes of an access. Any access is by the byte.
        access = self.flags & 15
        return 1 << access - 1 if 1 <= access <= 4 else 1

    def check(self):
        if self.base is None:
            raise AmlError("a field of a region that is not there")

    def get(self, ns, offset, size):
        # One access: a number.
        return access(ns, self.base, offset, size, None)

    def put(self, ns, offset, size, value):
        access(ns, self.base, offset, size, value)

    def read(self, ns):
        self.check()
        size = self.size()
        offset = self.bit // 8 // size * size
        shift = self.bit - 8 * offset
        count = self.count(ns, shift, size)
        if count == 1:
            value = self.get(ns, offset, size)
        else:
            data = bytearray()
            for at in range(offset, offset + count * size, size):
                data += self.get(ns, at, size).to_bytes(size, "little")
            value = int.from_bytes(data, "little")
        return ns.field_value(value >> shift & ((1 << self.width) - 1), self.width)

    def count(self, ns, shift, size):
        # How many accesses it takes. Many count as loops do.
        count = (shift + self.width + 8 * size - 1) // (8 * size)
        for _ in range(count >> 8):
            ns.step()
        return count

    def write(self, ns, value):
        self.check()
        size = self.size()
        value = ns.field_bits(value, self.width)
        offset = self.bit // 8 // size * size
        shift = self.bit - 8 * offset
        count = self.count(ns, shift, size)
        values = (value << shift).to_bytes(count * size, "little")
        whole = (1 << 8 * size) - 1
        for i in range(count):
            part = int.from_bytes(values[i * size : (i + 1) * size], "little")
            kept = 0
            if i == 0:
                kept = (1 << shift) - 1
            if i == count - 1:
                kept |= whole & ~((1 << shift + self.width - 8 * size * i) - 1)
            if kept:
                rule = self.flags >> 5 & 3
                if rule == 0:
                    part |= self.get(ns, offset + i * size, size) & kept
                elif rule == 1:
                    part |= kept
            self.put(ns, offset + i * size, size, part)


class BusField(Field):
    """A field of a bus, which takes and gives a buffer, or of pins: ACPI 6.5, 5.5.2.4.5 and 6."""

    def __init__(self, base, bit, width, bus):
        super().__init__(base, bit, width, 0)
        self.bus = bus  # (protocol, first pin, node of the connection's descriptors or None)

    def read(self, ns):
        if self.base.space == _GPIO:
            return self.pins(ns, None)
        if self.bus[0] == 15 and self.base.space == _SERIAL:
            raise AmlError("%s: that protocol begins with a write" % self.base.node)
        return self.transfer(ns, b"", False)

    def write(self, ns, value):
        """Returns what comes back, a buffer."""
        pins = self.base.space == _GPIO
        if not isinstance(value, int if pins else bytearray):
            raise AmlError("%s: a field cannot be a %s" % (self.base.node, kind_of(value)))
        if pins:
            self.pins(ns, value & ((1 << self.width) - 1))
            return None
        return self.transfer(ns, value, True)

    def pins(self, ns, value):
        if self.width > 64:
            raise AmlError("%s: %d pins at once" % (self.base.node, self.width))
        hardware, connection = self.reached(ns)
        return hardware.pins(self.base, self.bus[1], self.width, connection, value)

    def transfer(self, ns, given, write):
        protocol = self.bus[0]
        space = self.base.space
        size = 64 if space == _IPMI else 32
        if space == _SERIAL:
            size = _PROTOCOLS[protocol] if protocol < 16 else -1
            if size < 0:
                raise AmlError("%s: 0x%x is no protocol" % (self.base.node, protocol))
        # A byte for the status, one for the length.
        size += 2
        data = bytearray(given[:size])
        data += bytes(size - len(data))
        hardware, connection = self.reached(ns)
        hardware.transfer(self.base, self.bit // 8, protocol, connection, data, write)
        return data

    def reached(self, ns):
        if ns.hardware is None:
            raise AmlError("%s: there is no hardware" % self.base.node)
        node = self.bus[2]
        return ns.hardware, ns.given(ns.value(node)) if node else None


class BankField(Field):
    """A field that is there when another one has a value."""

    kind = "BankField"

    def __init__(self, base, bit, width, flags, bank, value):
        super().__init__(base, bit, width, flags)
        self.bank = bank
        self.value = value

    def get(self, ns, offset, size):
        self.bank.write(ns, self.value)
        return super().get(ns, offset, size)

    def put(self, ns, offset, size, value):
        self.bank.write(ns, self.value)
        super().put(ns, offset, size, value)


class IndexField(Field):
    """A field behind two others: one takes the offset, the other has the data."""

    kind = "IndexField"

    def check(self):
        pass

    def get(self, ns, offset, size):
        self.base[0].write(ns, offset)
        return ns.to_int(self.base[1].read(ns))

    def put(self, ns, offset, size, value):
        self.base[0].write(ns, offset)
        self.base[1].write(ns, value)


def access(ns, region, offset, size, value):
    """Reads `size` bytes of a region, or where there is a value, writes them."""
    if offset + size > region.length:
        raise AmlError(
            "%s: %d bytes at offset 0x%x of %d" % (region.node, size, offset, region.length)
        )
    if region.data is not None:
        if value is not None:
            raise AmlError("%s: a table cannot be written to" % region.node)
        return int.from_bytes(region.data[offset : offset + size], "little")
    if ns.hardware is None:
        raise AmlError("%s: there is no hardware" % region.node)
    if value is not None:
        ns.hardware.write(region, offset, size, value)
        return 0
    return ns.hardware.read(region, offset, size)
