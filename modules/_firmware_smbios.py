# Checks of SMBIOS's structures.

from _firmware_base import Skip, equal, none, number, twice

# Of a type: the least length, where it has numbers of strings, and where handles of which type.
_TYPES = {
    0: (18, (4, 5, 8), ()),
    1: (8, (4, 5, 6, 7, 0x19, 0x1A), ()),
    2: (8, (4, 5, 6, 7, 8, 10), ((11, 3),)),
    3: (9, (4, 6, 7, 8), ()),
    4: (26, (4, 7, 0x10, 0x20, 0x21, 0x22), ((0x1A, 7), (0x1C, 7), (0x1E, 7))),
    7: (15, (4,), ()),
    8: (9, (4, 6), ()),
    9: (12, (4,), ()),
    16: (15, (), ()),
    17: (21, (0x10, 0x11, 0x17, 0x18, 0x19, 0x1A), ((4, 16),)),
    19: (15, (), ((12, 16),)),
    20: (19, (), ((12, 17), (14, 19))),
    32: (11, (), ()),
    41: (11, (4,), ()),
    127: (4, (), ()),
}
_REQUIRED = (0, 1, 3, 4, 7, 9, 16, 17, 19, 32)
_NONE = 0xFFFF


def _table():
    import smbios

    try:
        return smbios.table()
    except ValueError as error:
        raise Skip("%s" % error) from None


def entry():
    import smbios

    try:
        found = smbios.table()
    except ValueError as error:
        if str(error) == "SMBIOS: no entry point":
            raise Skip(str(error)) from None
        yield equal("entry point", "one in order", "%s" % error)
        return
    version = list(found.version[:2])
    yield "version", version >= [2, 0], "2.0 or newer", "%d.%d" % tuple(version)
    yield equal("structures", "complete", found.problem or "complete")


def structures():
    parts = _table().structures
    yield none("handles that come twice", twice([one.handle for one in parts]))
    last = [one.type for one in parts][-1:]
    yield equal("last type", [127], last)
    short = []
    strings = []
    for one in parts:
        least, names, _ = _TYPES.get(one.type, (4, (), ()))
        if len(one.data) < least:
            short.append("0x%x" % one.handle)
        for at in names:
            if at < len(one.data) and one.data[at] > len(one.strings):
                strings.append("0x%x at %d" % (one.handle, at))
    yield none("structures that are too short", short)
    yield none("strings that are not there", strings)


def required():
    kinds = [one.type for one in _table().structures]
    for kind in _REQUIRED:
        count = kinds.count(kind)
        if kind < 2:
            yield equal("structures of type %d" % kind, 1, count)
        else:
            yield "structures of type %d" % kind, count > 0, "some", count


def references():
    parts = _table().structures
    kinds = dict([(one.handle, one.type) for one in parts])
    wrong = []
    devices = {}
    for one in parts:
        for at, kind in _TYPES.get(one.type, (4, (), ()))[2]:
            handle = number(one.data, at, 2)
            if at + 2 <= len(one.data) and handle != _NONE and kinds.get(handle) != kind:
                wrong.append("0x%x at %d" % (one.handle, at))
        if one.type == 17:
            array = number(one.data, 4, 2)
            devices[array] = devices.get(array, 0) + 1
    yield none("handles of no structure, or of another type", wrong)
    for one in parts:
        if one.type == 16 and len(one.data) >= 15:
            count = number(one.data, 13, 2)
            yield equal("devices of array 0x%x" % one.handle, count, devices.get(one.handle, 0))


CHECKS = (
    ("smbios", "DSP0134 3.7, 5.2", entry),
    ("smbios_structures", "DSP0134 3.7, 6.1 and 7", structures),
    ("smbios_required", "DSP0134 3.7, 6.2", required),
    ("smbios_references", "DSP0134 3.7, 7", references),
)
