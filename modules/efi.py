# UEFI, where it has started this machine: what its system table says, and its runtime services,
# which are called as UEFI 2.10, 8 and 2.3.4 say, with addresses that are the physical ones.

import errno as _errno
from binascii import crc32 as _crc32
from collections import namedtuple as _namedtuple

import _efi_words as _words
import bootinfo as _bootinfo
import memmap as _memmap
from _efi_words import number as _int
from acpi import hardware as _hardware

# UEFI 2.10, 3.3 and 8.2.1.
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
NON_VOLATILE = 0x01
BOOTSERVICE_ACCESS = 0x02
RUNTIME_ACCESS = 0x04
HARDWARE_ERROR_RECORD = 0x08
AUTHENTICATED = 0x20
APPEND_WRITE = 0x40
_ATTRIBUTES = const(0x6F)

# 4.5: where the addresses of the runtime services lie in their table.
_GET_TIME = const(24)
_SET_TIME = const(32)
_GET_VARIABLE = const(72)
_GET_NEXT_VARIABLE_NAME = const(80)
_SET_VARIABLE = const(88)
_RESET_SYSTEM = const(104)
_SERVICES_SIZE = const(136)

_ERROR = 1 << 63
_BUFFER_TOO_SMALL = _ERROR | 5
_NOT_FOUND = _ERROR | 14
_LARGEST = const(1 << 24)  # bytes, of what firmware says that it has
_MOST_VARIABLES = const(1 << 14)
_MOST_TABLES = const(1 << 12)

_MEMORY_ATTRIBUTES = "dcfa911d-26eb-469f-a220-38b7dc461220"
_CODE = (5, 6)  # memory of runtime services, code and data: 7.2.3

_RESETS = ("cold", "warm", "shutdown")
_UNSPECIFIED = const(2047)

_SystemTable = _namedtuple("SystemTable", ("addr", "revision", "vendor", "firmware_revision"))
_Memory = _namedtuple("Memory", ("start", "end", "type", "attributes"))
_Time = _namedtuple(
    "Time",
    "year month day hour minute second nanosecond timezone daylight".split(),
)

_firmware = None


class Error(OSError):
    """The firmware has refused: `status` is its number, `name` that of UEFI 2.10, appendix D."""

    def __init__(self, status):
        self.status = status
        self.name = _words.status_name(status)
        numbers = {
            2: _errno.EINVAL,
            3: _errno.EOPNOTSUPP,
            8: _errno.EACCES,
            9: _errno.ENOMEM,
            14: _errno.ENOENT,
            15: _errno.EACCES,
            26: _errno.EACCES,
        }
        super().__init__(numbers.get(status ^ _ERROR, _errno.EIO), "EFI_" + self.name)


def _checked(addr, signature, least):
    # A table whose header (4.2.1) is in order.
    size = _int(_hardware().copy(addr, 24), 12, 4)
    data = _hardware().copy(addr, size) if least <= size <= 4096 else b""
    if data[:8] != signature:
        raise ValueError("EFI: no table at 0x%x" % addr)
    if _crc32(data[:16] + bytes(4) + data[20:]) != _int(data, 16, 4):
        raise ValueError("EFI: the table at 0x%x has a wrong checksum" % addr)
    return data


def _memory():
    # The loader's copy of the memory map: Multiboot2 3.6.13, tag 17. bootinfo has checked it.
    from uctypes import bytearray_at

    addr = _bootinfo.addr
    data = bytes(bytearray_at(addr, _int(bytearray_at(addr, 8), 0, 4)))
    at = 8
    while at < len(data):
        tag, size = _int(data, at, 4), _int(data, at + 4, 4)
        if tag == 17:
            return _words.descriptors(data[at + 16 : at + size], _int(data, at + 8, 4))
        at += size + 7 & -8
    raise ValueError("EFI: the loader has no memory map of it")


class _Firmware:
    def __init__(self):
        addr = _bootinfo.efi
        if addr is None:
            raise OSError(_errno.ENODEV, "UEFI has not started this machine")
        self.system = _checked(addr, b"IBI SYST", 120)
        self.services = _checked(_int(self.system, 88, 8), b"RUNTSERV", _SERVICES_SIZE)
        self.tables = {}
        count = _int(self.system, 104, 8)
        if count > _MOST_TABLES:
            raise ValueError("EFI: %d configuration tables" % count)
        data = _hardware().copy(_int(self.system, 112, 8), 24 * count)
        for at in range(0, len(data), 24):
            self.tables.setdefault(_words.guid(data[at : at + 16]), _int(data, at + 16, 8))
        self.memory = _memory()
        self.regions = self._regions()

    def _split(self, code):
        # What of code and data may be written and run (4.6.4), if it is told, and of that memory:
        # the table lies where somebody may have written since.
        addr = self.tables.get(_MEMORY_ATTRIBUTES)
        try:
            count, step = [_int(_hardware().copy(addr, 16), at, 4) for at in (4, 8)]
            if count * step <= 1 << 20:
                found = _words.descriptors(_hardware().copy(addr + 16, count * step), step)
                if _words.same_memory(code, found):
                    return found
        except (TypeError, ValueError):
            pass
        return code

    def _regions(self):
        # Firmware's own memory, for _efi.call(): start, pages and flags of each region.
        from array import array

        own = [one for one in self.memory if one[3] >> 63]
        code = [one for one in own if one[2] in _CODE]
        split = self._split(code)
        regions = array("L")
        for start, pages, kind, bits in split + [one for one in own if one[2] not in _CODE]:
            for region in _memmap.regions():
                end = start + (pages << 12)
                if region.kind == _memmap.USABLE and region.start < end and start < region.end:
                    raise ValueError("EFI: 0x%x is firmware's, and usable memory, too" % start)
            flags = 1  # pages.WRITE
            if kind not in _CODE:
                flags |= 0 if bits & 8 else 8  # pages.UNCACHED
            elif split is not code:
                # RO and XP.
                flags = (not bits >> 17 & 1) | (not bits >> 14 & 1) << 1
            elif kind == 5:
                flags = 3
            regions.extend(array("L", (start, pages, flags)))
        return regions

    def run(self, service, *args):
        from _efi import call

        return call(self.regions, _int(self.services, service, 8), args)


def _get():
    global _firmware
    if _firmware is None:
        _firmware = _Firmware()
    return _firmware


def _run(service, *args):
    status, data = _get().run(service, *args)
    if status:
        raise Error(status)
    return data


def _bytes(data):
    if isinstance(data, str):
        raise TypeError("a variable has bytes, not a str")
    return bytes(memoryview(data))


def system_table():
    """What the system table says: (addr, revision, vendor, firmware_revision).

    OSError (ENODEV) where UEFI has not started this machine; ValueError where a table is broken.
    """
    system = _get().system
    revision = _int(system, 8, 4)
    try:
        vendor = _words.char16(_hardware().copy(_int(system, 24, 8), 200))
    except ValueError:
        vendor = ""
    minor = revision & 0xFFFF
    return _SystemTable(
        _bootinfo.efi,
        (revision >> 16, minor // 10, minor % 10),
        vendor,
        _int(system, 32, 4),
    )


def tables():
    """The configuration tables: a dict, GUID to address."""
    return dict(_get().tables)


def words(guid):
    """What a GUID stands for, in words, or None."""
    _words.guid_bytes(guid)
    return _words.guid_words(guid.lower())


def memory_map():
    """EFI's memory map, in order: a list of (start, end, type, attributes), in words."""
    return [
        _Memory(start, start + (pages << 12), *_words.memory_words(kind, bits))
        for start, pages, kind, bits in _get().memory
    ]


def variables():
    """All variables that can be read now: a list of (name, GUID)."""
    found = []
    size = 512
    name = bytes(size)
    guid = bytes(16)
    while len(found) < _MOST_VARIABLES:
        status, data = _get().run(_GET_NEXT_VARIABLE_NAME, size.to_bytes(8, "little"), name, guid)
        if status == _NOT_FOUND:
            return found
        if status == _BUFFER_TOO_SMALL and size < _int(data[0], 0, 8) <= _LARGEST:
            size = _int(data[0], 0, 8)
            name += bytes(size - len(name))
            continue
        if status:
            raise Error(status)
        name, guid = bytes(data[1]), bytes(data[2])
        found.append((_words.char16(name), _words.guid(guid)))
    raise ValueError("EFI: variables without an end")


def get(name, guid=GLOBAL):
    """(attributes, bytes) of a variable. Error, ENOENT: there is none that can be read now."""
    name, guid = _words.name_bytes(name), _words.guid_bytes(guid)
    size = 1024
    while True:
        status, data = _get().run(
            _GET_VARIABLE, name, guid, bytes(4), size.to_bytes(8, "little"), bytes(size)
        )
        needed = _int(data[3], 0, 8)
        if status == _BUFFER_TOO_SMALL and size < needed <= _LARGEST:
            size = needed
            continue
        if status or needed > size:
            raise Error(status or _BUFFER_TOO_SMALL)
        return _int(data[2], 0, 4), bytes(data[4][:needed])


def set(name, data, guid=GLOBAL, attributes=NON_VOLATILE | BOOTSERVICE_ACCESS | RUNTIME_ACCESS):
    """Write a variable: some bytes, at least one."""
    name, guid = _words.name_bytes(name), _words.guid_bytes(guid)
    data = _bytes(data)
    if not isinstance(attributes, int):
        raise TypeError("attributes are an int")
    if not data:
        raise ValueError("a variable has one byte at least: delete() deletes it")
    if not attributes or attributes & ~_ATTRIBUTES:
        raise ValueError("attributes 0x%x: some of 0x%x" % (attributes, _ATTRIBUTES))
    _run(_SET_VARIABLE, name, guid, attributes, len(data), data)


def delete(name, guid=GLOBAL):
    """Delete a variable. Error, ENOENT: there is none."""
    _run(_SET_VARIABLE, _words.name_bytes(name), _words.guid_bytes(guid), 0, 0, 0)


def time():
    """The firmware's clock: (year, month, day, hour, minute, second, nanosecond, timezone,
    daylight). `timezone` is in minutes, UTC less the time shown, or None."""
    data = _run(_GET_TIME, bytes(16), 0)[0]
    zone = _int(data, 12, 2)
    zone -= (zone & 0x8000) << 1
    return _Time(
        *([_int(data, 0, 2)] + list(data[2:7])),
        _int(data, 8, 4),
        None if zone == _UNSPECIFIED else zone,
        data[14],
    )


def set_time(when):
    """Set the firmware's clock to what time() returns, or the first six of its numbers or more."""
    given = tuple(when)
    if not 6 <= len(given) <= 9:
        raise ValueError("a time has 6 to 9 numbers")
    full = list(given + (0, None, 0)[len(given) - 6 :])
    if full[7] is None:
        full[7] = _UNSPECIFIED
    limits = ((1900, 9999), (1, 12), (1, 31), (0, 23), (0, 59), (0, 59), (0, 999999999))
    limits += ((-1440, 1440), (0, 3))
    for i, (low, high) in enumerate(limits):
        if not isinstance(full[i], int):
            raise TypeError("a time has numbers")
        if not low <= full[i] <= high and not (i == 7 and full[i] == _UNSPECIFIED):
            raise ValueError("%d is not from %d to %d" % (full[i], low, high))
    year, month, day = full[:3]
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if day > (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]:
        raise ValueError("month %d has no day %d" % (month, day))
    data = year.to_bytes(2, "little") + bytes(full[1:6]) + b"\0"
    data += full[6].to_bytes(4, "little") + (full[7] & 0xFFFF).to_bytes(2, "little")
    _run(_SET_TIME, data + bytes([full[8], 0]))


def reset(kind="cold"):
    """Reset the machine by its firmware: "cold" or "warm", or "shutdown" switches it off."""
    if kind not in _RESETS:
        raise ValueError("%r: a reset is cold, warm or shutdown" % (kind,))
    _run(_RESET_SYSTEM, _RESETS.index(kind), 0, 0, 0)
    raise OSError(_errno.EIO, "the firmware has not done it")


def explain(name, data):
    """What a well-known variable's bytes say, as text, or None: BootOrder, Boot0000 and others."""
    if not isinstance(name, str):
        raise TypeError("a variable's name is a str")
    return _words.explain(name, _bytes(data))


def show():
    """Print the system table, the configuration tables, and the variables, explained."""
    system = system_table()
    print("UEFI %d.%d.%d by %s, firmware 0x%x" % (system.revision + (system.vendor, system[3])))
    print("\nconfiguration tables:")
    for guid, addr in sorted(tables().items()):
        print("  %s 0x%016x %s" % (guid, addr, words(guid) or ""))
    print("\nvariables:")
    for name, guid in variables():
        try:
            attributes, data = get(name, guid)
        except Error as error:
            print("  %s %s: %s" % (guid, name, error.name))
            continue
        print("  %s %s 0x%x %d bytes" % (guid, name, attributes, len(data)))
        text = explain(name, data) if guid == GLOBAL or name in ("db", "dbx") else None
        if text:
            print("      " + text)
