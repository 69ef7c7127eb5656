# AHCI controllers (1.3.1) and the disks at their ports.
import struct

import _block
import _dma
import machine
import pages

_CLASS = 0x010601
# Registers of the controller (3.1), and of a port (3.3).
_CAP = 0x00
_GHC = 0x04
_IS = 0x08
_PI = 0x0C
_CAP2 = 0x24
_BOHC = 0x28
_PORTS = 0x100  # and 0x80 bytes for each
_CLB = 0x00
_FB = 0x08
_PIS = 0x10
_PIE = 0x14
_CMD = 0x18
_TFD = 0x20
_SIG = 0x24
_SSTS = 0x28
_SERR = 0x30
_CI = 0x38
_ATA = 0x101  # a port's signature
_BUSY = 0x88
_ALL = 0xFFFFFFFF
_IDENTIFY = 0xEC
_START = 1
_RECEIVE = 16
_RUNS = 1 << 15
_RECEIVES = 1 << 14
_CAUSES = 0x7D40002F


def _swapped(words):
    # ACS-3, 3.3.10: text has the first of two characters in the upper byte.
    return _dma.text_of(bytes([words[i ^ 1] for i in range(len(words))]))


class _Port:
    # One of a controller's ports, with the memory that it works on: a list of commands of which
    # the first is used, its table, and where answers are put.

    def __init__(self, base, number, addr_end):
        self.va = base + _PORTS + 0x80 * number
        self.number = number
        self.memory = pages.alloc(3, below=addr_end)
        self._write(_CMD, self._read(_CMD) & ~(_START | _RECEIVE))
        if not _dma.wait_until(lambda: not self._read(_CMD) & (_RUNS | _RECEIVES), 1000):
            raise OSError(110)
        addr = self.memory.addr
        self.table = addr + 4096
        for at, value in ((_CLB, addr), (_FB, addr + 1024)):
            self._write(at, value & _ALL)
            self._write(at + 4, value >> 32)
        self.memory[8:16] = struct.pack("<Q", self.table)
        self._write(_SERR, _ALL)
        self._write(_PIS, _ALL)
        # Received first, powered and spun up; then it starts once the disk is ready.
        self._write(_CMD, self._read(_CMD) | _RECEIVE | 6)
        if not _dma.wait_until(lambda: not self._read(_TFD) & _BUSY, 10000):
            raise OSError(110)
        self._write(_CMD, self._read(_CMD) | _START)

    def _read(self, offset):
        return machine.mem32[self.va + offset]

    def _write(self, offset, value):
        machine.mem32[self.va + offset] = value

    def identify(self):
        """What the disk says of itself (ACS-3, 7.12): 512 bytes."""
        at = 4096
        self.memory[at : at + 20] = bytes((0x27, 0x80, _IDENTIFY)) + bytes(17)
        self.memory[at + 128 : at + 144] = struct.pack("<QII", self.table + 4096, 0, 511)
        self.memory[0:4] = struct.pack("<I", 5 | 1 << 16)
        self._write(_CI, 1)
        if not _dma.wait_until(lambda: not self._read(_CI) & 1, 5000) or self._read(_TFD) & 1:
            raise OSError(5)
        self._write(_PIS, _ALL)
        return self.memory[8192:8704]

    def dma(self, controller):
        va = self.va
        return _dma.device(
            va + _CMD,
            0,
            4,
            va + _CMD,
            _RUNS | _RECEIVES,
            alive=va + _SSTS,
            alive_mask=15,
            cause=va + _PIS,
            clear=va + _PIS,
            summary=controller + _IS,
            summary_value=1 << self.number,
        )


def _disk(port, place, dma, addr_end):
    about = port.identify()
    words = struct.unpack("<256H", about)
    # 48 bits of address, without which there is no more than 128 GiB.
    if not words[83] & 1 << 10:
        print("ahci %s port %d: a disk too old" % (place, port.number))
        return
    (sectors,) = struct.unpack_from("<Q", about, 200)
    sector_size = 512
    if words[106] & 0xD000 == 0x5000:
        sector_size = 2 * (words[117] | words[118] << 16)
    if sector_size not in (512, 1024, 2048, 4096):
        print("ahci %s port %d: sectors of %d bytes" % (place, port.number, sector_size))
        return
    _dma.block(
        _block.AHCI,
        ("ahci", place, _swapped(about[54:94]), _swapped(about[20:40]), str(port.number)),
        dma,
        sectors,
        sector_size,
        False,
        True,
        126,
        1 << 20,
        2,
        addr_end,
        (port.va, port.memory.addr, port.table),
    )


def _start(function):
    _dma.switch_on(function)
    registers = function.map(5)
    base = registers.va
    # The firmware lets go of it (10.6.3), where it has to.
    if registers.read32(_CAP2) & 1:
        registers.write32(_BOHC, registers.read32(_BOHC) | 2)
        _dma.wait_until(lambda: not registers.read32(_BOHC) & 1, 1000)
    registers.write32(_GHC, registers.read32(_GHC) & ~2 | 1 << 31)
    addr_end = 0 if registers.read32(_CAP) >> 31 else 1 << 32
    there = registers.read32(_PI)
    ports = []
    for number in range(32):
        at = _PORTS + 0x80 * number
        if there >> number & 1 and at + 0x80 <= registers.size:
            if registers.read32(at + _SSTS) & 15 == 3 and registers.read32(at + _SIG) == _ATA:
                ports.append(_Port(base, number, addr_end))
    dmas = [port.dma(base) for port in ports]
    for port, dma in zip(ports, dmas):
        _disk(port, function.name(), dma, addr_end)
    if ports and _dma.interrupts(function, dmas):
        for port in ports:
            machine.mem32[port.va + _PIE] = _CAUSES
        registers.write32(_IS, _ALL)
        registers.write32(_GHC, registers.read32(_GHC) | 2)


def find():
    """The disks: a list of (device, driver, place, model, serial)."""
    _dma.start_all("ahci", _dma.functions(_CLASS), _start)
    return _dma.known("ahci")
