# PCI: the functions on its buses, their configuration space, and what that says.
#
# Sources: PCI Local Bus 3.0 chapter 6 and appendix H, PCI-to-PCI Bridge 1.2 chapter 3, PCI Express
# Base 5.0 chapter 7, PCI Firmware 3.3 chapter 4, PCI Code and ID Assignment 1.15.
#
# A function's configuration space is reached through memory where ACPI's MCFG says so (ECAM, 4 KiB
# a function), else through two I/O ports (256 bytes a function).

import _pci
import machine as _machine

_MEMORY_END = const(1 << 32)  # below, what is no memory is mapped uncached at its own address

_COMMAND = const(0x04)
_STATUS = const(0x06)
_CLASS = const(0x08)
_HEADER = const(0x0E)
_BARS = const(0x10)
_BUSES = const(0x18)
_CAPABILITIES = const(0x34)
_CARDBUS_CAPABILITIES = const(0x14)
_INTERRUPT = const(0x3C)

_STATUS_CAPABILITIES = const(1 << 4)
_DECODE = const(3)  # of the command: I/O and memory
_NOBODY = const(0xFFFF)  # vendor where no function is
_BRIDGE = const(1)  # headers; 0: a device
_CARDBUS = const(2)

_MSI = const(0x05)
_MSIX = const(0x11)
_EXTENDED = const(0x100)
# More than fit the space; a list that is longer goes in a circle.
_CAPABILITIES_MAX = const(48)
_EXTENDED_MAX = const(960)

# Class, subclass and where it matters the interface, each in two hex digits.
_CLASSES = """
00 unclassified
0001 VGA device
01 storage controller
0100 SCSI controller
0101 IDE controller
0102 floppy controller
0103 IPI controller
0104 RAID controller
0105 ATA controller
0106 SATA controller
010601 SATA controller, AHCI
0107 SAS controller
0108 non-volatile memory controller
010802 NVM Express controller
0109 UFS controller
02 network controller
0200 Ethernet controller
0201 token ring controller
0202 FDDI controller
0203 ATM controller
0204 ISDN controller
0205 WorldFip controller
0206 PICMG 2.14 controller
0207 InfiniBand controller
0208 fabric controller
03 display controller
0300 VGA controller
0301 XGA controller
0302 3D controller
04 multimedia controller
0400 video device
0401 audio device
0402 telephony device
0403 HD audio device
05 memory controller
0500 RAM
0501 flash memory
0502 CXL memory
06 bridge
0600 host bridge
0601 ISA bridge
0602 EISA bridge
0603 MicroChannel bridge
0604 PCI bridge
0605 PCMCIA bridge
0606 NuBus bridge
0607 CardBus bridge
0608 RACEway bridge
0609 semi-transparent PCI bridge
060a InfiniBand bridge
060b advanced switching bridge
07 communication controller
0700 serial controller
0701 parallel controller
0702 multiport serial controller
0703 modem
0704 GPIB controller
0705 smart card controller
08 system peripheral
0800 interrupt controller
080010 I/O APIC
080020 I/O APIC
0801 DMA controller
0802 timer
080203 HPET
0803 real-time clock
0804 hot-plug controller
0805 SD host controller
0806 IOMMU
0807 root complex event collector
09 input controller
0900 keyboard controller
0901 digitizer
0902 mouse controller
0903 scanner controller
0904 gameport controller
0a docking station
0b processor
0b40 coprocessor
0c serial bus controller
0c00 FireWire controller
0c01 ACCESS.bus controller
0c02 SSA controller
0c03 USB controller
0c0300 USB controller, UHCI
0c0310 USB controller, OHCI
0c0320 USB controller, EHCI
0c0330 USB controller, xHCI
0c0340 USB4 host interface
0c03fe USB device
0c04 Fibre Channel controller
0c05 SMBus controller
0c06 InfiniBand controller
0c07 IPMI controller
0c08 SERCOS controller
0c09 CAN controller
0c0a I3C controller
0d wireless controller
0d00 IrDA controller
0d10 RF controller
0d11 Bluetooth controller
0d20 Wi-Fi controller
0d21 Wi-Fi controller
0e intelligent controller
0f satellite communication controller
10 encryption controller
11 signal processing controller
12 processing accelerator
13 non-essential instrumentation
40 coprocessor
ff device of no class
"""

_CAPABILITY_NAMES = (
    "null|power management|AGP|vital product data|slot identification|MSI|hot swap|PCI-X|"
    "HyperTransport|vendor specific|debug port|resource control|hot-plug|subsystem ids|AGP 8x|"
    "secure device|PCI Express|MSI-X|SATA|advanced features|enhanced allocation|flattening bridge"
)
_EXTENDED_NAMES = (
    "null|advanced error reporting|virtual channel|serial number|power budgeting|"
    "root complex links|root complex internal link|event collector|multi-function channel|"
    "virtual channel|root complex registers|vendor specific|configuration access|"
    "access control services|alternative routing|address translation|SR-IOV|MR-IOV|multicast|"
    "page request|AMD reserved|resizable BAR|dynamic power allocation|TPH requester|"
    "latency tolerance|secondary PCI Express|PMUX|PASID|LN requester|downstream containment|"
    "L1 PM substates|precision time|PCI Express over M-PHY|FRS queueing|readiness time|"
    "designated vendor specific|VF resizable BAR|data link feature|16 GT/s physical layer|"
    "lane margining|hierarchy id|native PCIe enclosure|32 GT/s physical layer|"
    "alternate protocol|system firmware intermediary"
)


class Msi:
    """What a function has of MSI. `wide`: 64-bit addresses; `maskable`: each vector for itself."""

    def __init__(self, offset, control):
        self.offset = offset
        self.vectors = 1 << (control >> 1 & 7)
        self.enabled = bool(control & 1)
        self.wide = bool(control & 0x80)
        self.maskable = bool(control & 0x100)

    def __repr__(self):
        return "Msi(%d vectors, %s)" % (self.vectors, "on" if self.enabled else "off")


class Msix:
    """What a function has of MSI-X: where table and pending bits lie, by BAR and offset."""

    def __init__(self, offset, control, table, pending):
        self.offset = offset
        self.vectors = (control & 0x7FF) + 1
        self.enabled = bool(control & 0x8000)
        self.table_bar = table & 7
        self.table_offset = table & ~7
        self.pba_bar = pending & 7
        self.pba_offset = pending & ~7

    def __repr__(self):
        return "Msix(%d vectors, %s)" % (self.vectors, "on" if self.enabled else "off")


def _named(names, number):
    names = names.split("|")
    return names[number] if number < len(names) else "0x%x" % number


class _Ports:
    # Segment 0 by the two I/O ports.
    segment = first = 0
    last = 255
    size = 256

    def next(self, function, end):
        # The first device from there on, by its function 0, or -1.
        return _pci.next(0, function, end)

    def read(self, function, offset, size):
        return _pci.read(function, offset, size)

    def write(self, function, offset, size, value):
        _pci.write(function, offset, size, value)


class _Ecam:
    # The buses of an entry of MCFG, in memory.
    size = 4096

    def __init__(self, addr, segment, first, last):
        self.segment = segment
        self.first = first
        self.last = last
        start = addr + (first << 20)
        if start + (last - first + 1 << 20) <= _MEMORY_END:
            self._va = addr
        else:
            self._va = _map(start, last - first + 1 << 20) - (first << 20)
        self._memory = {1: _machine.mem8, 2: _machine.mem16, 4: _machine.mem32}

    def next(self, function, end):
        return _pci.next(self._va, function, end)

    def read(self, function, offset, size):
        return self._memory[size][self._va + (function << 12) + offset]

    def write(self, function, offset, size, value):
        self._memory[size][self._va + (function << 12) + offset] = value


def _map(addr, size):
    # Registers beyond what is mapped from the start: a virtual address of theirs.
    import pages

    start = addr & ~0xFFF
    count = (addr + size + 0xFFF >> 12) - (start >> 12)
    va = pages.reserve(count)
    pages.map(va, start, count, pages.WRITE | pages.UNCACHED)
    return va + addr - start


def _mcfg():
    # PCI Firmware 3.3, table 4-2: where segments' buses lie in memory.
    import struct

    import acpi

    try:
        data = acpi.table("MCFG").data
    except ValueError:
        return ()
    return [struct.unpack_from("<QHBB", data, at) for at in range(44, len(data) - 15, 16)]


def _cba():
    # PCI Firmware 3.3, 4.1.3: the same of host bridges, by their _CBA, _SEG, _BBN and _CRS.
    import acpi
    from aml import AmlError

    def value(path, name, default):
        try:
            found = acpi.evaluate(path + name)
        except AmlError:
            return default
        return found if isinstance(found, int) else default

    try:
        bridges = [path for path, hid, there in acpi.devices() if there and hid == "PNP0A08"]
    except ValueError:
        return
    for path in bridges:
        addr = value(path, "._CBA", 0)
        first = last = value(path, "._BBN", 0)
        try:
            resources = acpi.resources(path)
        except AmlError:
            resources = ()
        for one in resources:
            if one.get("type") == 2:
                first = one["min"]
                last = one["max"]
        if addr and 0 <= first <= last < 256:
            yield addr, value(path, "._SEG", 0), first, last


_all = None


def _accesses():
    global _all
    if _all is None:
        import memmap

        def take(entries):
            for addr, segment, first, last in entries:
                region = memmap.find(addr + (first << 20))
                # A table that names memory lies, and one that names what this CPU cannot reach.
                if first <= last and (region is None or region.kind == memmap.RESERVED):
                    try:
                        found.append(_Ecam(addr, segment, first, last))
                    except ValueError:
                        pass

        found = []
        take(_mcfg())
        if not any(access.segment == 0 for access in found) and _pci.present():
            found.append(_Ports())
        if not found:
            take(_cba())
        _all = found
    return _all


class Bar:
    """A base address register: `index` 0 to 5, or 6 for the expansion ROM.

    `kind` is "io", "memory" or "rom", `addr` 0 where nobody has placed it, `size` in bytes, `wide`
    whether it takes 64 bits, and two registers, and `prefetchable` whether reads change nothing.
    """

    def __init__(self, index, kind, addr, size, wide=False, prefetchable=False):
        self.index = index
        self.kind = kind
        self.addr = addr
        self.size = size
        self.wide = wide
        self.prefetchable = prefetchable

    def __repr__(self):
        return "Bar(%d, %s at 0x%x, size 0x%x%s%s)" % (
            self.index,
            self.kind,
            self.addr,
            self.size,
            ", 64-bit" if self.wide else "",
            ", prefetchable" if self.prefetchable else "",
        )


class Registers:
    """Memory of a device, uncached: `va`, `addr`, `size`. It stays mapped until close()."""

    def __init__(self, addr, size):
        self.addr = addr
        self.size = size
        self._mapped = addr + size > _MEMORY_END
        self.va = _map(addr, size) if self._mapped else addr

    def _place(self, offset, size):
        if self.va is None:
            raise ValueError("closed registers")
        if offset % size or not 0 <= offset <= self.size - size:
            raise ValueError(
                "offset 0x%x is not in 0x%x bytes, or no multiple of %d"
                % (offset, self.size, size)
            )
        return self.va + offset

    def read8(self, offset):
        return _machine.mem8[self._place(offset, 1)]

    def read16(self, offset):
        return _machine.mem16[self._place(offset, 2)]

    def read32(self, offset):
        return _machine.mem32[self._place(offset, 4)]

    def read64(self, offset):
        return _machine.mem64[self._place(offset, 8)]

    def write8(self, offset, value):
        _machine.mem8[self._place(offset, 1)] = value

    def write16(self, offset, value):
        _machine.mem16[self._place(offset, 2)] = value

    def write32(self, offset, value):
        _machine.mem32[self._place(offset, 4)] = value

    def write64(self, offset, value):
        _machine.mem64[self._place(offset, 8)] = value

    def close(self):
        """Take the mapping away. A second time does nothing."""
        va = self.va
        self.va = None
        if va is not None and self._mapped:
            import pages

            count = (self.addr + self.size + 0xFFF >> 12) - (self.addr >> 12)
            pages.unmap(va & ~0xFFF, count)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()

    def __repr__(self):
        if self.va is None:
            return "Registers(closed)"
        return "Registers(0x%x, size 0x%x)" % (self.addr, self.size)


class Device:
    """A function of a device on a PCI bus: `segment`, `bus`, `device`, `function`.

    `vendor`, `id`, `revision`, `class_code` (24 bits) and `header` (0 a device, 1 a bridge, 2 a
    CardBus bridge) are as they were when it was found; all else is read when it is asked for.
    """

    def __init__(self, access, address):
        self._access = access
        self._address = address
        self.segment = access.segment
        self.bus = address >> 8
        self.device = address >> 3 & 31
        self.function = address & 7
        ids = self.read32(0)
        self.vendor = ids & 0xFFFF
        self.id = ids >> 16
        code = self.read32(_CLASS)
        self.revision = code & 0xFF
        self.class_code = code >> 8
        self.header = self.read8(_HEADER) & 0x7F

    def __repr__(self):
        return "<%s %04x:%04x %s>" % (self.name(), self.vendor, self.id, self.kind())

    def name(self):
        """Its place as lspci writes it: "00:1f.2", "0001:00:1f.2" in another segment."""
        place = "%02x:%02x.%x" % (self.bus, self.device, self.function)
        return "%04x:%s" % (self.segment, place) if self.segment else place

    def kind(self):
        """Its class in words: "SATA controller, AHCI"."""
        code = "%06x" % self.class_code
        for length in (6, 4, 2):
            at = _CLASSES.find("\n" + code[:length] + " ")
            if at >= 0:
                at += length + 2
                return _CLASSES[at : _CLASSES.find("\n", at)]
        return "class 0x" + code

    def _check(self, offset, size):
        # Also True and other ints; what is not an int is a TypeError of the comparison.
        if offset % size or not 0 <= offset <= self._access.size - size:
            raise ValueError(
                "offset 0x%x is not in 0x%x bytes of configuration space, or no multiple of %d"
                % (offset, self._access.size, size)
            )

    def _read(self, offset, size):
        self._check(offset, size)
        return self._access.read(self._address, offset, size)

    def _write(self, offset, size, value):
        self._check(offset, size)
        self._access.write(self._address, offset, size, value)

    def read8(self, offset):
        """8 bits of configuration space. ValueError outside of it."""
        return self._read(offset, 1)

    def read16(self, offset):
        """16 bits of configuration space, at a multiple of 2."""
        return self._read(offset, 2)

    def read32(self, offset):
        """32 bits of configuration space, at a multiple of 4."""
        return self._read(offset, 4)

    def write8(self, offset, value):
        """Write 8 bits of configuration space."""
        self._write(offset, 1, value)

    def write16(self, offset, value):
        """Write 16 bits of configuration space, at a multiple of 2."""
        self._write(offset, 2, value)

    def write32(self, offset, value):
        """Write 32 bits of configuration space, at a multiple of 4."""
        self._write(offset, 4, value)

    def config(self):
        """All of its configuration space: 256 or 4096 bytes."""
        import struct

        size = self._access.size
        data = bytearray(size)
        for offset in range(0, size, 4):
            struct.pack_into("<I", data, offset, self.read32(offset))
        return bytes(data)

    # --- Base addresses ---

    def _size_register(self, offset):
        # What of a register can be written. The caller has switched decoding off.
        before = self.read32(offset)
        self.write32(offset, 0xFFFFFFFF)
        mask = self.read32(offset)
        self.write32(offset, before)
        return before, mask

    def bars(self):
        """Its base address registers that are there, a tuple of Bar, expansion ROM last.

        The sizes are found by writing to them, with the device deaf to its addresses for these
        few microseconds and interrupts off; all is then as it was.
        """
        count = (6, 2, 1)[self.header] if self.header < 3 else 0
        rom = (0x30, 0x38, 0)[self.header] if self.header < 3 else 0
        registers = []
        state = _machine.disable_irq()
        try:
            command = self.read16(_COMMAND)
            if command & _DECODE:
                self.write16(_COMMAND, command & ~_DECODE)
            try:
                for index in range(count):
                    registers.append(self._size_register(_BARS + 4 * index))
                if rom:
                    registers.append(self._size_register(rom))
            finally:
                if command & _DECODE:
                    self.write16(_COMMAND, command)
        finally:
            _machine.enable_irq(state)
        found = []
        index = 0
        while index < count:
            value, mask = registers[index]
            first = index
            index += 1
            if mask & 1:
                # Some have no more than 16 bits.
                size = -(mask & ~3 | (0 if mask >> 16 else 0xFFFF0000)) & 0xFFFFFFFF
                if mask & ~3:
                    found.append(Bar(first, "io", value & ~3, size))
                continue
            addr = value & ~15
            mask &= ~15
            size = -mask & 0xFFFFFFFF
            wide = value & 6 == 4 and index < count
            if wide:
                high, high_mask = registers[index]
                index += 1
                addr |= high << 32
                mask |= high_mask << 32
                size = -mask & 0xFFFFFFFF_FFFFFFFF
            if mask:
                found.append(Bar(first, "memory", addr, size, wide, bool(value & 8)))
        if rom:
            value, mask = registers[count]
            mask &= ~0x7FF
            if mask:
                found.append(Bar(6, "rom", value & ~0x7FF, -mask & 0xFFFFFFFF))
        return tuple(found)

    def map(self, index):
        """The memory of base address register `index`, uncached, as Registers.

        ValueError where it is not there, not memory, or has no address.
        """
        for bar in self.bars():
            if bar.index == index:
                if bar.kind == "io":
                    raise ValueError("%s: BAR %d is of I/O ports" % (self.name(), index))
                if not bar.addr:
                    raise ValueError("%s: BAR %d has no address" % (self.name(), index))
                return Registers(bar.addr, bar.size)
        raise ValueError("%s has no BAR %r" % (self.name(), index))

    # --- Capabilities ---

    def capabilities(self):
        """Its capabilities, a tuple of (id, offset) in the order of its list.

        What is no list is cut off: where it goes in a circle or out of its space.
        """
        found = []
        if self.read16(_STATUS) & _STATUS_CAPABILITIES:
            at = self.read8(_CARDBUS_CAPABILITIES if self.header == _CARDBUS else _CAPABILITIES)
            while at & 0xFC >= 0x40 and len(found) < _CAPABILITIES_MAX:
                at &= 0xFC
                head = self.read16(at)
                entry = (head & 0xFF, at)
                if entry[0] == 0xFF or entry in found:
                    break
                found.append(entry)
                at = head >> 8
        return tuple(found)

    def extended_capabilities(self):
        """Those of PCI Express, behind the first 256 bytes: a tuple of (id, offset, version)."""
        found = []
        if self._access.size > _EXTENDED:
            at = _EXTENDED
            while at >= _EXTENDED and len(found) < _EXTENDED_MAX:
                head = self.read32(at)
                entry = (head & 0xFFFF, at, head >> 16 & 15)
                if not head or head == 0xFFFFFFFF or entry in found:
                    break
                found.append(entry)
                at = head >> 20 & 0xFFC
        return tuple(found)

    def capability(self, number):
        """The offset of its first capability with this id, or None."""
        for found, offset in self.capabilities():
            if found == number:
                return offset
        return None

    # --- Interrupts ---

    def irq(self):
        """(line, pin): where its interrupt is routed, 0xff for nowhere, and "A" to "D" or None."""
        value = self.read16(_INTERRUPT)
        pin = value >> 8
        return value & 0xFF, "ABCD"[pin - 1] if 1 <= pin <= 4 else None

    def msi(self):
        """What it has of MSI, an Msi, or None."""
        at = self.capability(_MSI)
        return None if at is None else Msi(at, self.read16(at + 2))

    def msix(self):
        """What it has of MSI-X, an Msix, or None."""
        at = self.capability(_MSIX)
        if at is None:
            return None
        return Msix(at, self.read16(at + 2), self.read32(at + 4), self.read32(at + 8))

    # --- Bridges ---

    def is_bridge(self):
        """Whether there is a bus behind it."""
        return self.header == _BRIDGE or self.header == _CARDBUS

    def buses(self):
        """(secondary, subordinate): the bus behind it, the last behind that. None: no bridge."""
        if not self.is_bridge():
            return None
        numbers = self.read32(_BUSES)
        return numbers >> 8 & 0xFF, numbers >> 16 & 0xFF

    def windows(self):
        """What a bridge lets through: a tuple of (kind, start, end), half open.

        `kind` is "io", "memory" or "prefetchable". Empty for all but PCI bridges.
        """
        if self.header != _BRIDGE:
            return ()
        found = []
        base, limit = self.read8(0x1C), self.read8(0x1D)
        start, last = (base & 0xF0) << 8, (limit & 0xF0) << 8 | 0xFFF
        if base & 15 == 1:
            start |= self.read16(0x30) << 16
            last |= self.read16(0x32) << 16
        # A bridge without such a window has zeros that cannot be written.
        if start <= last and (base or limit):
            found.append(("io", start, last + 1))
        base, limit = self.read16(0x20), self.read16(0x22)
        start, last = (base & 0xFFF0) << 16, (limit & 0xFFF0) << 16 | 0xFFFFF
        if start <= last and (base or limit):
            found.append(("memory", start, last + 1))
        base, limit = self.read16(0x24), self.read16(0x26)
        start, last = (base & 0xFFF0) << 16, (limit & 0xFFF0) << 16 | 0xFFFFF
        if base & 15 == 1:
            start |= self.read32(0x28) << 32
            last |= self.read32(0x2C) << 32
        if start <= last and (base or limit):
            found.append(("prefetchable", start, last + 1))
        return tuple(found)


# --- Finding them ---


def _bus(access, bus, seen):
    # The functions on a bus, and where one is a bridge, on the buses behind it. None now and then.
    seen.add(bus)
    end = bus + 1 << 8
    address = access.next(bus << 8, end)
    while address >= 0:
        several = access.read(address, _HEADER, 1) & 0x80
        for function in range(8 if several else 1):
            if function and access.read(address + function, 0, 2) == _NOBODY:
                continue
            device = Device(access, address + function)
            yield device
            if device.is_bridge():
                secondary = device.buses()[0]
                # One that nobody has set up has 0, and a wrong one may name any.
                if bus < secondary <= access.last and secondary not in seen:
                    yield from _bus(access, secondary, seen)
        address = access.next(address + 8, end)
    yield None


def _walk():
    for access in _accesses():
        seen = set()
        bus = access.first
        while bus <= access.last:
            # Buses that no bridge leads to have a host bridge of their own.
            if bus not in seen:
                address = access.next(bus << 8, access.last + 1 << 8)
                if address < 0:
                    break
                if address >> 8 != bus:
                    bus = address >> 8
                    continue
                yield from _bus(access, bus, seen)
            bus += 1


class _Scan:
    def __init__(self):
        self._found = _walk()

    def __iter__(self):
        for device in self._found:
            if device is not None:
                yield device

    def __aiter__(self):
        return self

    async def __anext__(self):
        from asyncio import sleep

        for device in self._found:
            await sleep(0)
            if device is not None:
                return device
        raise StopAsyncIteration


def scan():
    """All functions on all buses, one by one: for `for`, or `async for` beside other tasks.

    Goes through bridges, and to buses that have a host bridge of their own.
    """
    return _Scan()


def devices():
    """All functions on all buses, a tuple of Device."""
    return tuple(scan())


def device(bus, number, function=0, segment=0):
    """The Device at this place, or None if nothing is there. ValueError where nothing can be."""
    if not (0 <= bus < 256 and 0 <= number < 32 and 0 <= function < 8):
        raise ValueError("a place is bus 0 to 255, device 0 to 31, function 0 to 7")
    address = bus << 8 | number << 3 | function
    for access in _accesses():
        if access.segment == segment and access.first <= bus <= access.last:
            if access.read(address, 0, 2) == _NOBODY:
                return None
            return Device(access, address)
    return None


def find(vendor, id):
    """The first Device with these ids, or None."""
    for found in scan():
        if found.vendor == vendor and found.id == id:
            return found
    return None


def capability_name(number):
    """The name of a capability's id."""
    return _named(_CAPABILITY_NAMES, number)


def extended_name(number):
    """The name of an extended capability's id."""
    return _named(_EXTENDED_NAMES, number)


# --- The tree ---


def _rest(line):
    # What stands below a line that goes on: its branches.
    return "".join(["|" if char in "+|" else " " for char in line])


def _show_device(found, line, tree):
    line += "%02x.%x" % (found.device, found.function)
    if found.is_bridge():
        first, last = found.buses()
        line += "-[%02x]--" % first if first == last else "-[%02x-%02x]--" % (first, last)
        # A bus is shown once, behind the first bridge that names it.
        _show_bus(tree.pop((found.segment, first), ()), line, tree)
    else:
        print("%s  %04x:%04x %s" % (line, found.vendor, found.id, found.kind()))


def _show_bus(found, line, tree):
    if not found:
        print(line)
    elif len(found) == 1:
        _show_device(found[0], line + "--", tree)
    else:
        for entry in found[:-1]:
            _show_device(entry, line + "+-", tree)
            line = _rest(line)
        _show_device(found[-1], line + "\\-", tree)


def show():
    """Print the buses and what is on them, as `lspci -tv` does."""
    tree = {}
    for found in scan():
        tree.setdefault((found.segment, found.bus), []).append(found)
    behind = set()
    for bus in tree.values():
        for found in bus:
            if found.is_bridge() and found.buses()[0] > found.bus:
                behind.add((found.segment, found.buses()[0]))
    roots = [key for key in sorted(tree) if key not in behind]
    line = "-"
    for i, key in enumerate(roots):
        if len(roots) == 1:
            mark = ""
        else:
            mark = "\\-" if i == len(roots) - 1 else "+-"
        _show_bus(tree.pop(key), line + mark + "[%04x:%02x]-" % key, tree)
        line = " "
