# SMBIOS: what firmware says that the machine is made of, found, checked and told field by field.
# DMTF DSP0134 3.7.

from acpi import hardware as _hardware

_BIOS = const(0xF0000)
_BIOS_SIZE = const(0x10000)
_LARGEST = const(1 << 20)  # bytes; no table is near that
_END = const(127)  # the type of the last structure

# UEFI 2.10, 4.6.1: SMBIOS3_TABLE_GUID and SMBIOS_TABLE_GUID, as they lie in memory.
_GUIDS = (
    b"\x44\x15\xfd\xf2\x94\x97\x2c\x4a\x99\x2e\xe5\xbb\xcf\x20\xe3\x94",
    b"\x31\x2d\x9d\xeb\x88\x2d\xd3\x11\x9a\x16\x00\x90\x27\x3f\xc1\x4d",
)


def _int(data, at, size):
    return int.from_bytes(data[at : at + size], "little")


class Structure:
    """A structure: `type`, `handle`, `data` without strings, and `strings`, the first being 1."""

    def __init__(self, data, strings, version):
        self.type = data[0]
        self.handle = _int(data, 2, 2)
        self.data = data
        self.strings = strings
        self._version = version

    def __repr__(self):
        return "Structure(type=%d, handle=0x%04x)" % (self.type, self.handle)

    def _fields(self):
        from _smbios_fields import Fields

        return Fields(self.data, self.strings, self._version).found

    def fields(self):
        """Its fields in order: (name, value), a str or a list of str; one without a name begins
        a part of its own, whose title is the value."""
        return [(name, value if items is None else items) for name, value, items in self._fields()]

    def __getitem__(self, name):
        for one, value in self.fields():
            if one == name:
                return value
        raise KeyError(name)

    def show(self):
        """Print it as dmidecode does."""
        print("Handle 0x%04X, DMI type %d, %d bytes" % (self.handle, self.type, len(self.data)))
        for name, value, items in self._fields():
            if name is None:
                print(value)
                continue
            print("\t%s:%s" % (name, "" if value is None else " " + value))
            for item in items or ():
                print("\t\t" + item)


class Table:
    """A machine's structures, of the bytes of an entry point and of all of them.

    `version` is a tuple of numbers, `structures` a tuple of Structure, `problem` what is wrong,
    in words, or None: then those before it are there.
    """

    def __init__(self, entry, data):
        self.version, self.addr, self.size, self.count = _entry(entry)
        self.data = data[: self.size]
        self.problem = None
        found = []
        at = 0
        while at < len(self.data) and len(found) != self.count:
            at = self._read(at, found)
            if self.problem or self.count is None and found[-1].type == _END:
                break
        if not self.problem and self.count and len(found) != self.count:
            self.problem = "%d structures where %d should be" % (len(found), self.count)
        self.structures = tuple(found)

    def _read(self, at, found):
        # Adds the structure at an offset, and returns that of the next one.
        data = self.data
        size = data[at + 1] if at + 4 <= len(data) else 0
        end = data.find(b"\0\0", at + size)
        if size < 4:
            self.problem = "no structure at offset %d" % at
        elif end < 0:
            self.problem = "the structure at offset %d has no end" % at
        else:
            strings = []
            for string in data[at + size : end].split(b"\0"):
                if not string:
                    break
                strings.append(_text(string))
            found.append(Structure(data[at : at + size], strings, self.version))
        return end + 2

    def show(self, type=None):
        """Print them, or those of a type, as dmidecode does."""
        if type is None:
            print("SMBIOS %s present." % ".".join(["%d" % part for part in self.version]))
            if self.count is not None:
                print("%d structures occupying %d bytes." % (self.count, self.size))
            print("Table at 0x%08X.\n" % self.addr)
        for one in self.structures:
            if type is None or one.type == type:
                one.show()
                print()
        if self.problem:
            print("**** " + self.problem)


def _text(data):
    from _smbios_fields import text

    return text(data)


def _entry(data):
    # (version, address, size in bytes, number of structures or None) of an entry point.
    most = len(data)
    data += bytes(32)
    if data[:5] == b"_SM3_":
        size = data[6]
        good = 24 <= size <= most and not sum(data[:size]) & 0xFF
        found = tuple(data[7:10]), _int(data, 16, 8), _int(data, 12, 4), None
    elif data[:4] == b"_SM_":
        # 2.1 says 30 where it has 31 bytes.
        size = data[5]
        good = 30 <= size <= most and not sum(data[:size]) & 0xFF
        good = good and data[16:21] == b"_DMI_" and not sum(data[16:31]) & 0xFF
        version = tuple(data[6:8])
        # What firmware has been seen to have for 2.3, 2.3 and 2.6.
        version = {(2, 31): (2, 3), (2, 33): (2, 3), (2, 51): (2, 6)}.get(version, version)
        found = version, _int(data, 24, 4), _int(data, 22, 2), _int(data, 28, 2) or None
    else:
        raise ValueError("SMBIOS: no entry point")
    if not good:
        raise ValueError("SMBIOS: an entry point whose length or checksum is wrong")
    return found


def _entries():
    # The entry points in memory: of EFI's tables, then of the BIOS's memory; the newer kind first.
    import bootinfo

    copy = _hardware().copy
    if bootinfo.efi is not None:
        # UEFI 2.10, 4.3: of the system table, number and address of configuration tables.
        system = copy(bootinfo.efi, 120)
        count = _int(system, 104, 8)
        if system[:8] != b"IBI SYST" or count > 4096:
            raise ValueError("SMBIOS: EFI's system table is malformed")
        tables = copy(_int(system, 112, 8), 24 * count)
        for guid in _GUIDS:
            for at in range(0, 24 * count, 24):
                if tables[at : at + 16] == guid:
                    yield copy(_int(tables, at + 16, 8), 32)
    try:
        bios = copy(_BIOS, _BIOS_SIZE)
    except ValueError:
        return
    for anchor in (b"_SM3_", b"_SM_"):
        at = bios.find(anchor)
        while at >= 0:
            if not at & 15:
                yield bios[at : at + 32]
            at = bios.find(anchor, at + 1)


def table():
    """The machine's Table. ValueError where there is none, or it cannot be read."""
    problem = "SMBIOS: no entry point"
    for entry in _entries():
        try:
            _, addr, size, _ = _entry(entry)
            return Table(entry, _hardware().copy(addr, min(size, _LARGEST)))
        except ValueError as error:
            problem = str(error)
    raise ValueError(problem)


def structures(type=None):
    """The machine's structures, or those of a type: a list of Structure."""
    return [one for one in table().structures if type is None or one.type == type]


def show(type=None):
    """Print the machine's structures, or those of a type, as dmidecode does."""
    table().show(type)
