# Controllers of NVM Express (Base 2.0) and their namespaces, of which each is a disk.
import struct

import _block
import _dma
import pages

_CLASS = 0x010802
# Registers (PCIe Transport 1.0, 3.1).
_CAP = 0x00
_CC = 0x14
_CSTS = 0x1C
_AQA = 0x24
_ASQ = 0x28
_ACQ = 0x30
_DOORBELLS = 0x1000
_ENABLE = 1
_READY = 1
_ADMIN_ENTRIES = 16
_ENTRIES = 16
_NAMESPACES = 8  # of a controller

# Admin commands (Base 5).
_CREATE_SUBMISSION = 0x01
_CREATE_COMPLETION = 0x05
_IDENTIFY = 0x06
_SET_FEATURES = 0x09
_QUEUES = 0x07
_READ_ONLY_ATTRIBUTE = 1


class _Controller:
    def __init__(self, function):
        _dma.switch_on(function)
        self.place = function.name()
        self.registers = function.map(0)
        capabilities = self.registers.read64(_CAP)
        self.entries = min(_ENTRIES, (capabilities & 0xFFFF) + 1)
        self.stride = 4 << (capabilities >> 32 & 15)
        self.timeout = 500 * max(capabilities >> 24 & 255, 1)
        self.memory = pages.alloc(3)
        self._tail = self._head = self._id = 0
        self._phase = 1
        self._enable(False)
        self.registers.write32(_AQA, _ADMIN_ENTRIES - 1 << 16 | _ADMIN_ENTRIES - 1)
        self.registers.write64(_ASQ, self.memory.addr)
        self.registers.write64(_ACQ, self.memory.addr + 4096)
        # Entries of 64 and of 16 bytes; pages of 4 KiB, the NVM command set.
        self.registers.write32(_CC, 6 << 16 | 4 << 20)
        self._enable(True)

    def _enable(self, on):
        value = self.registers.read32(_CC)
        self.registers.write32(_CC, value | _ENABLE if on else value & ~_ENABLE)
        if not _dma.wait_until(lambda: self.registers.read32(_CSTS) & _READY == on, self.timeout):
            raise OSError(110)

    def dma(self):
        va = self.registers.va
        return _dma.device(va + _CC, 0, 4, va + _CSTS, _READY, alive=va + _CSTS, alive_mask=_READY)

    def command(self, opcode, namespace=0, addr=0, *words):
        """An admin command: its result. OSError (EIO) where it fails."""
        self._id += 1
        at = 64 * self._tail
        entry = struct.pack("<BBHIQQQQ", opcode, 0, self._id, namespace, 0, 0, addr, 0)
        entry += struct.pack("<6I", *(words + (0,) * (6 - len(words))))
        self.memory[at : at + 64] = entry
        self._tail = (self._tail + 1) % _ADMIN_ENTRIES
        self.registers.write32(_DOORBELLS, self._tail)
        at = 4096 + 16 * self._head
        memory = self.memory
        if not _dma.wait_until(lambda: memory[at + 14] & 1 == self._phase, self.timeout):
            raise OSError(110)
        result, _, _, _, number, status = struct.unpack("<IIHHHH", memory[at : at + 16])
        self._head = (self._head + 1) % _ADMIN_ENTRIES
        self._phase ^= self._head == 0
        self.registers.write32(_DOORBELLS + self.stride, self._head)
        if status >> 1 or number != self._id:
            raise OSError(5)
        return result

    def identify(self, kind, namespace=0):
        """What it says of itself (Base 5.17.2): 4096 bytes."""
        addr = self.memory.addr + 8192
        self.command(_IDENTIFY, namespace, addr, kind)
        return self.memory[8192:12288]


def _disk(controller, number, namespace, name, serial, most, cache, dma, interrupts):
    about = controller.identify(0, namespace)
    (sectors,) = struct.unpack_from("<Q", about, 0)
    # Which format it has, and what that is: bytes of metadata, the sector's size as a power of 2.
    (format,) = struct.unpack_from("<I", about, 128 + 4 * (about[26] & 15))
    shift = format >> 16 & 255
    if format & 0xFFFF or not 9 <= shift <= 12:
        print(
            "nvme %s: namespace %d has sectors that are not known" % (controller.place, namespace)
        )
        return
    queues = pages.alloc(2)
    size = controller.entries - 1 << 16 | number
    # Contiguous; the vector in the upper half.
    vector = number - 1 << 16 if interrupts == 2 else 0
    controller.command(
        _CREATE_COMPLETION, 0, queues.addr + 4096, size, vector | 1 | (2 if interrupts else 0)
    )
    controller.command(_CREATE_SUBMISSION, 0, queues.addr, size, number << 16 | 1)
    doorbell = controller.registers.va + _DOORBELLS + 2 * number * controller.stride
    _dma.block(
        _block.NVME,
        ("nvme", controller.place, name, serial, str(namespace)),
        dma,
        sectors,
        1 << shift,
        bool(about[99] & _READ_ONLY_ATTRIBUTE),
        cache,
        126,
        most,
        4,
        0,
        (
            queues.addr,
            queues.addr + 4096,
            doorbell,
            doorbell + controller.stride,
            controller.entries,
            namespace,
        ),
    )


def _start(function):
    controller = _Controller(function)
    about = controller.identify(1)
    serial = _dma.text_of(about[4:24])
    name = _dma.text_of(about[24:64])
    # The most that one command moves, in pages; 0: no limit.
    most = min(1 << 20, 4096 << about[77]) if about[77] else 1 << 20
    cache = bool(about[525] & 1)
    names = controller.identify(2)[: 4 * _NAMESPACES]
    namespaces = [one for one in struct.unpack("<%dI" % _NAMESPACES, names) if one]
    if not namespaces:
        return
    count = len(namespaces) - 1
    got = controller.command(_SET_FEATURES, 0, 0, _QUEUES, count << 16 | count)
    namespaces = namespaces[: min(got & 0xFFFF, got >> 16) + 1]
    dmas = [controller.dma() for _ in namespaces]
    interrupts = _dma.interrupts(function, dmas)
    for number, namespace in enumerate(namespaces):
        _disk(
            controller, number + 1, namespace, name, serial, most, cache, dmas[number], interrupts
        )


def find():
    """The disks: a list of (device, driver, place, model, serial)."""
    _dma.start_all("nvme", _dma.functions(_CLASS), _start)
    return _dma.known("nvme")
