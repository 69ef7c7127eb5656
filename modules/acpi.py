# ACPI: the tables that firmware left, found, checked and told field by field, and what AML in
# them says.

from _acpi_tables import decode as _decode
from _acpi_tables import text as _text

_HEADER = const(36)
_LARGEST = const(1 << 26)  # bytes; no table is near that
_BIOS = const(0xE0000)
_BIOS_SIZE = const(0x20000)

_hardware = None
_namespace = None


def hardware(new=None):
    """What all accesses to the machine go through: a Hardware, or `new`, which takes its place."""
    global _hardware, _namespace
    if new is not None:
        _hardware = new
        _namespace = None
    elif _hardware is None:
        from _acpi_hardware import Hardware

        _hardware = Hardware()
    return _hardware


class Table:
    """A table: `signature`, `addr`, `size` in bytes, and `problem`: what is wrong, or None."""

    def __init__(self, addr, kind=None):
        self.addr = addr
        self.signature = kind or "????"
        self.size = 0
        self.problem = None
        self._data = None
        try:
            self._read(kind)
        except ValueError as error:
            self.problem = "%s: %s" % (self.signature, error)

    def _read(self, kind):
        copy = hardware().copy
        if kind == "RSDP":
            size = 20
            data = copy(self.addr, size)
            if data[:8] != b"RSD PTR ":
                raise ValueError("no signature")
            sums = sum(data)
            if data[15] >= 2:
                size = int.from_bytes(copy(self.addr + 20, 4), "little")
                if not 36 <= size <= 4096:
                    raise ValueError("a length of %d bytes" % size)
                data = copy(self.addr, size)
                sums |= sum(data)
        else:
            data = copy(self.addr, 8)
            self.signature = _text(data[:4])
            size = int.from_bytes(data[4:], "little")
            if not (64 if kind == "FACS" else _HEADER) <= size <= _LARGEST:
                raise ValueError("a length of %d bytes" % size)
            if kind and self.signature != kind:
                raise ValueError("where %s should be" % kind)
            data = copy(self.addr, size)
            sums = 0 if kind == "FACS" else sum(data)
        self.size = size
        self._data = data
        if sums & 255:
            raise ValueError("its checksum is wrong")

    def __repr__(self):
        return "Table(%s, addr=0x%x, size=%d)" % (self.signature, self.addr, self.size)

    @property
    def data(self):
        """All of it, as bytes. ValueError where it is malformed."""
        if self.problem:
            raise ValueError(self.problem)
        return self._data

    def fields(self):
        """Its fields in order: (offset, size in bytes, name, value, note).

        The size of a bit field is minus its width in bits; a field without a name begins a
        structure. ValueError where the table ends too early.
        """
        fields, problem = _decode(self.signature, self.data)
        if problem:
            raise ValueError(problem)
        return fields

    def structures(self):
        """A dict, name to value, of each structure in it, the table's own fields first.

        The first field of a name counts.
        """
        found = [{}]
        for _, _, name, value, _ in self.fields():
            if name is None:
                found.append({})
            elif value is not None:
                name = name.replace(" (decoded below)", "")
                found[-1].setdefault(name, value)
        return found

    def __getitem__(self, name):
        return self.structures()[0][name]

    def show(self):
        """Print it as iasl -d does, field by field; bytes in hex where its layout is not known."""
        from _acpi_tables import show

        show(self.signature, self._data or b"")
        if self.problem:
            print("\n**** " + self.problem)


def rsdp():
    """The root pointer, a Table. ValueError where there is none."""
    addr = hardware().rsdp
    if addr is None:
        try:
            bios = hardware().copy(_BIOS, _BIOS_SIZE)
        except ValueError:
            bios = b""
        at = bios.find(b"RSD PTR ")
        while at >= 0 and (at & 15 or sum(bios[at : at + 20]) & 255):
            at = bios.find(b"RSD PTR ", at + 1)
        if at < 0:
            raise ValueError("RSDP: there is none")
        addr = _BIOS + at
    return Table(addr, "RSDP")


def _root():
    # The table that lists all others, and the size of its entries.
    root = rsdp().data
    found = None
    if root[15] >= 2:
        addr = int.from_bytes(root[24:32], "little")
        if addr:
            found = Table(addr, "XSDT")
            if not found.problem:
                return found, 8
    addr = int.from_bytes(root[16:20], "little")
    if addr or found is None:
        found = Table(addr, "RSDT")
    return found, 4


def tables():
    """All tables, as Table: the root pointer, the root table, and those that it and the FADT name.

    ValueError where the root pointer or the root table is malformed; any other table that is has
    a `problem`.
    """
    root, width = _root()
    found = [rsdp(), root]
    data = root.data
    for at in range(_HEADER, len(data) - width + 1, width):
        addr = int.from_bytes(data[at : at + width], "little")
        if addr:
            table = Table(addr)
            found.append(table)
            if table.signature == "FACP" and not table.problem:
                found += _named_by(table.data)
    return found


def _named_by(fadt):
    # FACS and DSDT: by 64 bits, or by 32.
    found = []
    for kind, at, wide in (("FACS", 36, 132), ("DSDT", 40, 140)):
        addr = int.from_bytes(fadt[wide : wide + 8], "little")
        if not addr:
            addr = int.from_bytes(fadt[at : at + 4], "little")
        if addr:
            found.append(Table(addr, kind))
    return found


def table(signature, n=0):
    """The n-th table of a signature, from 0 on. ValueError: there is none, or it is malformed."""
    found = [one for one in tables() if one.signature == signature]
    if not 0 <= n < len(found):
        raise ValueError("%s: %d of them" % (signature, len(found)))
    if found[n].problem:
        raise ValueError(found[n].problem)
    return found[n]


def show(signature=None, n=0):
    """Print a table field by field as iasl -d does; without a signature a list of all."""
    if signature is not None:
        found = [one for one in tables() if one.signature == signature]
        if not 0 <= n < len(found):
            raise ValueError("%s: %d of them" % (signature, len(found)))
        found[n].show()
        return
    for one in tables():
        print(
            "%-4s  0x%016x  %7d bytes  %s" % (one.signature, one.addr, one.size, one.problem or "")
        )


def namespace():
    """The aml.Namespace of the DSDT and all SSDTs, which the first call makes.

    ValueError where there is no DSDT that is in order.
    """
    global _namespace
    if _namespace is None:
        from aml import Namespace

        found = [table("DSDT").data]
        for one in tables():
            if one.signature in ("SSDT", "PSDT") and not one.problem:
                found.append(one.data)
        _namespace = Namespace(found, hardware())
    return _namespace


def evaluate(path, *args):
    """The value of a name in the namespace, or what a method returns."""
    return namespace().evaluate(path, *args)


def devices():
    """(path, hardware ID or None, whether it is there) of each device and processor."""
    return namespace().devices()


def resources(path):
    """The resources of a device: a dict each."""
    return namespace().resources(path)


def sleep(state):
    """Switch the machine off, which is state 5: by _PTS, then the PM1 control registers.

    ValueError for any other state, and where firmware does not say how.
    """
    if state != 5:
        raise ValueError("state %s: only 5, off, is one without a way back" % state)
    from _aml_fields import Region
    from _aml_values import Node

    fadt = table("FACP")
    here = namespace()
    levels = here.evaluate("\\_S5")
    if not isinstance(levels, list) or not all([isinstance(level, int) for level in levels[:2]]):
        raise ValueError("_S5: no levels")
    if ("\\_PTS", "Method") in here.names():
        here.evaluate("\\_PTS", state)
    fields = fadt.structures()[0]
    reach = hardware()

    def region(name):
        # The register's long address counts, where it is there.
        part = _wide(fadt.data, name)
        addr, space = part or (fields.get("PM1%s Control Block Address" % name, 0), 1)
        return Region(None, space, addr, 2, Node(0, None)) if addr else None

    def put(at, level, go):
        old = reach.read(at, 0, 2)
        reach.write(at, 0, 2, old & ~0x3C00 | (level & 7) << 10 | go << 13)

    first = region("A")
    if first is None:
        raise ValueError("FACP: no PM1A control block")
    command = fields["SMI Command Port"]
    if command and not reach.read(first, 0, 2) & 1:
        # Firmware still has the registers: it hands them over when it is asked to.
        port = Region(None, 1, command, 1, Node(0, None))
        reach.write(port, 0, 1, fields["ACPI Enable Value"])
        for _ in range(300):
            if reach.read(first, 0, 2) & 1:
                break
            reach.sleep(10)
    both = [(first, levels[0])]
    second = region("B")
    if second:
        both.append((second, levels[1] if len(levels) > 1 else 0))
    for go in (0, 1):
        for at, level in both:
            put(at, level, go)


def _wide(fadt, name):
    # (address, space) of a PM1 control block where the FADT has it as a GAS: ACPI 6.5, 5.2.9.
    at = 172 if name == "A" else 184
    addr = int.from_bytes(fadt[at + 4 : at + 12], "little")
    return (addr, fadt[at]) if addr else None
