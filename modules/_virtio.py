# Devices of virtio (1.2), on PCI (4.1) and in memory (4.2): what they are, what is agreed with
# them, and their queues.
import _block
import _dma
import _virtqueue
import machine

VERSION_1 = 1 << 32
_ACCESS_PLATFORM = 1 << 33

# Of device status (2.1).
_ACKNOWLEDGE = const(1)
_DRIVER = const(2)
_DRIVER_OK = const(4)
_FEATURES_OK = const(8)

# Parts of a PCI function (4.1.4), and the registers of the common one (4.1.4.3).
_COMMON = const(1)
_NOTIFY = const(2)
_OWN = const(4)
_C_OFFERED_HALF = const(0)
_C_OFFERED = const(4)
_C_ACCEPTED_HALF = const(8)
_C_ACCEPTED = const(12)
_C_VECTOR = const(16)
_C_STATUS = const(20)
_C_QUEUE = const(22)
_C_SIZE = const(24)
_C_QUEUE_VECTOR = const(26)
_C_ENABLE = const(28)
_C_NOTIFY_OFF = const(30)
_C_ADDRS = (32, 40, 48)

# Registers in memory (4.2.2), and those of the older interface (4.2.4).
_MAGIC = const(0x74726976)
_M_VERSION = const(0x04)
_M_TYPE = const(0x08)
_M_OFFERED = const(0x10)
_M_OFFERED_HALF = const(0x14)
_M_ACCEPTED = const(0x20)
_M_ACCEPTED_HALF = const(0x24)
_M_OLD_PAGE_SIZE = const(0x28)
_M_QUEUE = const(0x30)
_M_MAX = const(0x34)
_M_SIZE = const(0x38)
_M_OLD_ALIGN = const(0x3C)
_M_OLD_PAGE = const(0x40)
_M_ENABLE = const(0x44)
_M_NOTIFY = const(0x50)
_M_CAUSE = const(0x60)
_M_CLEAR = const(0x64)
_M_STATUS = const(0x70)
_M_ADDRS = (0x80, 0x90, 0xA0)
_M_OWN = const(0x100)

_ACPI_ID = "LNRO0005"
_VENDOR = const(0x1AF4)
_VENDOR_CAPABILITY = const(9)
_NO_VECTOR = const(0xFFFF)
_PAGE = const(4096)


class _Device:
    # What both kinds have: `place`, and `dma` once it has been reset. Each sets `_own`, where its
    # own registers are; `_features`, where those of features are, offered and accepted, each one
    # that says which 32 bits are meant and one with them; `_halves`, how many times 32 there are.

    def own(self):
        """The address of its own registers."""
        return self._own

    def read32(self, offset):
        """32 bits of its own registers."""
        return machine.mem32[self._own + offset]

    def read64(self, offset):
        """64 bits of them, in halves: it need not know of more (4.1.3.1)."""
        return self.read32(offset) | self.read32(offset + 4) << 32

    def _offered(self):
        which, bits = self._features[:2]
        value = 0
        for half in range(self._halves):
            machine.mem32[which] = half
            value |= machine.mem32[bits] << 32 * half
        return value

    def _accept(self, features):
        which, bits = self._features[2:]
        for half in range(self._halves):
            machine.mem32[which] = half
            machine.mem32[bits] = features >> 32 * half & 0xFFFFFFFF

    def start(self, wanted):
        """Resets it and agrees on features, of those that are wanted. Returns them.

        OSError (EIO) where it does not agree.
        """
        self._reset()
        self._status(_ACKNOWLEDGE)
        self._status(_ACKNOWLEDGE | _DRIVER)
        offered = self._offered()
        accepted = offered & (wanted | VERSION_1 | _ACCESS_PLATFORM)
        self._accept(accepted)
        if accepted & VERSION_1:
            agreed = _ACKNOWLEDGE | _DRIVER | _FEATURES_OK
            self._status(agreed)
            if self._status() & _FEATURES_OK == 0:
                self._status(128)
                raise OSError(5)
        else:
            agreed = _ACKNOWLEDGE | _DRIVER
        self._agreed = agreed
        return accepted

    def ready(self):
        """All queues are there: it may begin."""
        self._status(self._agreed | _DRIVER_OK)

    def queue(self, index, most=128):
        """Makes its queue of that index, of at most so many entries: (number, entries).

        OSError (ENODEV) where it has no such queue.
        """
        size = self._select(index)
        if not size:
            raise OSError(19)
        most = min(most, size)
        size = 1
        while 2 * size <= most:
            size *= 2
        number, descs, avail, used = _virtqueue.new(size)
        self._place_queue(index, number, size, descs, avail, used)
        return number, size


def _write_addrs(base, offsets, addrs):
    for offset, addr in zip(offsets, addrs):
        machine.mem32[base + offset] = addr & 0xFFFFFFFF
        machine.mem32[base + offset + 4] = addr >> 32


class _Pci(_Device):
    def __init__(self, function, parts):
        self.function = function
        self.place = function.name()
        self._parts = parts
        self._maps = {}
        _dma.switch_on(function)
        self._common = common = self._va(_COMMON)
        self._own = self._va(_OWN) if _OWN in parts else 0
        offered = (common + _C_OFFERED_HALF, common + _C_OFFERED)
        self._features = offered + (common + _C_ACCEPTED_HALF, common + _C_ACCEPTED)
        self._halves = 2

    def _va(self, kind):
        bar, offset = self._parts[kind][:2]
        if bar not in self._maps:
            self._maps[bar] = self.function.map(bar)
        return self._maps[bar].va + offset

    def _status(self, value=None):
        if value is None:
            return machine.mem8[self._common + _C_STATUS]
        machine.mem8[self._common + _C_STATUS] = value

    def _reset(self):
        at = self._common + _C_STATUS
        self._status(0)
        if not _dma.wait_until(lambda: self._status() == 0, 1000):
            raise OSError(110)
        self.dma = _dma.device(at, 0, 1, at, 0xFF, alive=at, alive_mask=_DRIVER_OK)
        self._interrupts = _dma.interrupts(self.function, (self.dma,))
        machine.mem16[self._common + _C_VECTOR] = _NO_VECTOR

    def _select(self, index):
        machine.mem16[self._common + _C_QUEUE] = index
        return machine.mem16[self._common + _C_SIZE]

    def _place_queue(self, index, number, size, descs, avail, used):
        common = self._common
        machine.mem16[common + _C_SIZE] = size
        machine.mem16[common + _C_QUEUE_VECTOR] = 0 if self._interrupts else _NO_VECTOR
        _write_addrs(common, _C_ADDRS, (descs, avail, used))
        off = machine.mem16[common + _C_NOTIFY_OFF]
        notify = self._va(_NOTIFY) + off * self._parts[_NOTIFY][3]
        _virtqueue.notify_by(number, notify, index, 2)
        machine.mem16[common + _C_ENABLE] = 1


class _Memory(_Device):
    def __init__(self, va, irq):
        self._base = va
        self.place = "0x%x" % va
        self._irq = irq
        self._legacy = machine.mem32[va + _M_VERSION] == 1
        self._own = va + _M_OWN
        offered = (va + _M_OFFERED_HALF, va + _M_OFFERED)
        self._features = offered + (va + _M_ACCEPTED_HALF, va + _M_ACCEPTED)
        self._halves = 1 if self._legacy else 2

    def _status(self, value=None):
        if value is None:
            return machine.mem32[self._base + _M_STATUS]
        machine.mem32[self._base + _M_STATUS] = value

    def _reset(self):
        at = self._base + _M_STATUS
        self._status(0)
        self.dma = _dma.device(
            at,
            0,
            4,
            at,
            0xFF,
            alive=at,
            alive_mask=_DRIVER_OK,
            cause=self._base + _M_CAUSE,
            clear=self._base + _M_CLEAR,
        )
        if self._irq is not None:
            _block._input(self.dma, self._irq)
        if self._legacy:
            machine.mem32[self._base + _M_OLD_PAGE_SIZE] = _PAGE

    def _select(self, index):
        machine.mem32[self._base + _M_QUEUE] = index
        return machine.mem32[self._base + _M_MAX]

    def _place_queue(self, index, number, size, descs, avail, used):
        base = self._base
        machine.mem32[base + _M_SIZE] = size
        if self._legacy:
            machine.mem32[base + _M_OLD_ALIGN] = _PAGE
            machine.mem32[base + _M_OLD_PAGE] = descs // _PAGE
        else:
            _write_addrs(base, _M_ADDRS, (descs, avail, used))
        _virtqueue.notify_by(number, base + _M_NOTIFY, index, 4)
        if not self._legacy:
            machine.mem32[base + _M_ENABLE] = 1


def _pci():
    # 4.1.2: by id, or by the older ids of transitional ones, whose type is their subsystem's id.
    import pci

    for function in pci.scan():
        if function.vendor != _VENDOR or not 0x1000 <= function.id < 0x1080:
            continue
        type = function.id - 0x1040 if function.id >= 0x1040 else function.read16(0x2E)
        parts = {}
        for kind, at in function.capabilities():
            if kind == _VENDOR_CAPABILITY:
                entry = (
                    function.read8(at + 4),
                    function.read32(at + 8),
                    function.read32(at + 12),
                    function.read32(at + 16) if function.read8(at + 2) > 16 else 0,
                )
                # The first of a kind that it has a BAR for is meant (4.1.4.1).
                if entry[0] < 6:
                    parts.setdefault(function.read8(at + 3), entry)
        # One that knows the old interface alone has no such capabilities.
        if _COMMON in parts and _NOTIFY in parts:
            make = lambda function=function, parts=parts: _Pci(function, parts)  # noqa: E731
            yield type, function.name(), make


def _memory_places():
    # Of the command line, as Linux has them, and of ACPI: (address, interrupt).
    import bootinfo

    for word in bootinfo.cmdline.split():
        if word.startswith("virtio_mmio.device="):
            try:
                size, place = word.split("=", 1)[1].split("@")
                addr, irq = place.split(":")[:2]
                yield int(addr, 0), int(irq)
            except ValueError:
                print("command line: %s: it is like virtio_mmio.device=512@0xfeb00000:5" % word)
    import acpi
    from aml import AmlError

    try:
        # Most tables have none, and running them takes its time.
        if _ACPI_ID.encode() not in acpi.table("DSDT").data:
            return
        paths = [path for path, hid, there in acpi.devices() if there and hid == _ACPI_ID]
    except (AmlError, ValueError):
        return
    for path in paths:
        addr = irq = None
        try:
            for resource in acpi.resources(path):
                if "min" in resource and addr is None:
                    addr = resource["min"]
                elif resource.get("interrupts") and irq is None:
                    irq = resource["interrupts"][0]
        except AmlError:
            pass
        if addr is not None:
            yield addr, irq


def _memory():
    import memmap

    seen = []
    for addr, irq in _memory_places():
        region = memmap.find(addr)
        if (
            addr in seen
            or addr % 4
            or not 0 < addr < 0xFFFFF000
            or not (region is None or region.kind == memmap.RESERVED)
        ):
            continue
        seen.append(addr)
        if machine.mem32[addr] == _MAGIC and machine.mem32[addr + _M_VERSION] in (1, 2):
            type = machine.mem32[addr + _M_TYPE]
            if type:
                yield type, "0x%x" % addr, lambda addr=addr, irq=irq: _Memory(addr, irq)


_found = None


def find(type):
    """The devices of a type (5): a list of (place, a function that gives the device).

    Those on PCI are looked for each time, the others stay where they are.
    """
    global _found
    if _found is None:
        _found = list(_memory())
    return [(place, make) for kind, place, make in list(_pci()) + _found if kind == type]
