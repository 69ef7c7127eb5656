# The machine as ACPI sees it: every access that this makes for firmware goes through a Hardware.

import time

import machine
import memmap
import pages
import uctypes
from _aml_values import AmlError, kind_of

_PAGE = const(4096)
_MAPPED_END = const(
    1 << 32
)  # memory up to here is mapped at its own address, but for the null frame


class Hardware:
    """This machine."""

    def __init__(self):
        self.windows = {}  # pages beyond what is mapped, and where they are

    @property
    def rsdp(self):
        """The address of ACPI's root pointer, or None."""
        return memmap.rsdp

    def copy(self, addr, size):
        """Bytes of physical memory. ValueError where there is none that can be read."""
        end = addr + size
        if addr < _PAGE or size < 0 or end > memmap.REACH:
            raise ValueError("0x%x to 0x%x cannot be read" % (addr, end))
        start = addr & -_PAGE
        count = (end - start + _PAGE - 1) // _PAGE
        for at in range(start, end, _PAGE):
            if not self._mapped(at):
                break
        else:
            return bytes(uctypes.bytearray_at(addr, size))
        # Beyond the 4 GiB that are mapped only what the memory map names is memory.
        at = start
        while at < end:
            region = memmap.find(at)
            if region is None or start < _MAPPED_END:
                raise ValueError("0x%x to 0x%x cannot be read" % (addr, end))
            at = region.end
        va = pages.reserve(count)
        pages.map(va, start, count, pages.READ)
        try:
            return bytes(uctypes.bytearray_at(va + addr - start, size))
        finally:
            pages.unmap(va, count)

    def _mapped(self, addr):
        found = pages.translate(addr)
        return found is not None and found[0] == addr

    # What AML's fields reach: each access is one of 1, 2, 4 or 8 bytes.

    def read(self, region, offset, size):
        """A number out of a region of AML's. AmlError where it cannot be reached."""
        return self._access(region, offset, size, None)

    def write(self, region, offset, size, value):
        """Writes a number into a region of AML's. AmlError where it cannot be reached."""
        self._access(region, offset, size, value)

    def transfer(self, region, offset, protocol, connection, data, write):
        """A transfer on a serial bus: AmlError, as there is no driver for any."""
        raise AmlError("%s: a serial bus has no driver here" % region.node)

    def pins(self, region, first, count, connection, value):
        """Reads pins or writes them: AmlError, as there is no driver for any."""
        raise AmlError("%s: pins have no driver here" % region.node)

    def _access(self, region, offset, size, value):
        addr = region.address + offset
        if region.space == 0:
            return self._memory(addr, size, value)
        if region.space == 1:
            return self._port(addr, size, value)
        if region.space == 2:
            return self._config(self._location(region), addr, size, value)
        if region.space == 3 and size == 1:
            return self._controller(addr, value)
        if region.space == 5 and size == 1:
            machine.port8[0x70] = addr & 0x7F
            if value is None:
                return machine.port8[0x71]
            machine.port8[0x71] = value
            return 0
        raise AmlError("%s: address space %d is not reached here" % (region.node, region.space))

    def _memory(self, addr, size, value):
        region = memmap.find(addr)
        if addr + size > memmap.REACH or region is not None and region.kind == memmap.USABLE:
            raise AmlError("0x%x is none of firmware's memory" % addr)
        page = addr & -_PAGE
        va = page
        if not self._mapped(page):
            va = self.windows.get(page)
            if va is None:
                va = pages.reserve(1)
                try:
                    pages.map(va, page, 1, pages.WRITE + pages.UNCACHED)
                except ValueError as error:
                    raise AmlError("0x%x cannot be reached: %s" % (addr, error)) from None
                self.windows[page] = va
        va += addr - page
        if addr % size:
            # Which no register can be: by the byte.
            if value is None:
                return sum([self._memory(addr + i, 1, None) << 8 * i for i in range(size)])
            for i in range(size):
                self._memory(addr + i, 1, value >> 8 * i & 255)
            return 0
        cells = _cells(machine.mem8, machine.mem16, machine.mem32, machine.mem64, size)
        if value is None:
            return cells[va]
        cells[va] = value
        return 0

    def _port(self, port, size, value):
        if size > 4 or port + size > 0x10000:
            raise AmlError("%d bytes of port 0x%x" % (size, port))
        ports = _cells(machine.port8, machine.port16, machine.port32, None, size)
        if value is None:
            return ports[port]
        ports[port] = value
        return 0

    def _config(self, location, offset, size, value):
        # By the ports, which reach the first 256 bytes of segment 0.
        segment, bus, device, function = location
        if segment or offset + size > 256 or size > 4:
            raise AmlError("PCI configuration at 0x%x of segment %d" % (offset, segment))
        state = machine.disable_irq()
        machine.port32[0xCF8] = 1 << 31 | bus << 16 | device << 11 | function << 8 | offset & 0xFC
        try:
            return self._port(0xCFC + (offset & 3), size, value)
        finally:
            machine.enable_irq(state)

    def _location(self, region):
        if region.location is None:
            region.location = self._device(region.ns, region.node.parent)
        return region.location

    def _device(self, ns, node):
        # (segment, bus, device, function) of the device that a name lies in.
        while node.obj is None or kind_of(node.obj) != "Device":
            node = node.parent
            if node is None:
                raise AmlError("PCI configuration of no device")
        address = ns.child(node, "_ADR", 0)
        here = address >> 16 & 31, address & 7
        if ns.child(node, "_BBN", None) is not None or ns.is_root_bridge(node):
            return (ns.child(node, "_SEG", 0), ns.child(node, "_BBN", 0)) + here
        above = self._device(ns, node.parent)
        # A device of a root bridge has that one's bus; any other is behind its parent's bridge.
        if ns.is_root_bridge(node.parent):
            return above[:2] + here
        return (above[0], self._config(above, 0x19, 1, None)) + here

    def _controller(self, addr, value):
        # ACPI 6.5, 12.2: a byte of the embedded controller's.
        self._command(0x80 if value is None else 0x81)
        self._data(addr)
        if value is not None:
            self._data(value)
            return 0
        self._await(1, 1)
        return machine.port8[0x62]

    def _command(self, value):
        self._await(2, 0)
        machine.port8[0x66] = value

    def _data(self, value):
        self._await(2, 0)
        machine.port8[0x62] = value

    def _await(self, mask, value):
        for _ in range(1000):
            if machine.port8[0x66] & mask == value:
                return
            time.sleep_us(100)
        raise AmlError("the embedded controller does not answer")

    def sleep(self, ms):
        time.sleep_ms(min(ms, 10000))

    def stall(self, us):
        time.sleep_us(min(us, 1000))

    def timer(self):
        """Time in units of 100 ns."""
        return time.ticks_us() * 10


def _cells(one, two, four, eight, size):
    return one if size == 1 else two if size == 2 else four if size == 4 else eight
