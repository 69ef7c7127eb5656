# Intel's Ethernet controllers: the 8254x on PCI and the 82574 on PCI Express. Sections are those
# of port/devices/nic_e1000.c.
import time

import _block
import _dma
import _nic
import _nics

_VENDOR = const(0x8086)
_PCI = (0x1008, 0x100E, 0x100F)  # 82544, 82540, 82545
_EXPRESS = const(0x10D3)
_COMMAND = const(0x04)
_NO_PIN = const(0x400)
_LINE = const(0x3C)

# Registers (13.4).
_CTRL = const(0x0000)
_ICR = const(0x00C0)
_IMS = const(0x00D0)
_IMC = const(0x00D8)
_RCTL = const(0x0100)
_TCTL = const(0x0400)
_TXDCTL = const(0x3828)
_ADDRESS = const(0x5400)
_RESET = const(1 << 26)
_VALID = const(1 << 31)
_RECEIVED = const(1 << 7)  # an interrupt that stays allowed until it is reset


def places():
    """Where such controllers are: a list of (place, what start() wants)."""
    import pci

    return [
        (one.name(), one)
        for one in pci.scan()
        if one.vendor == _VENDOR and (one.id in _PCI or one.id == _EXPRESS)
    ]


def _interrupts(function, dma):
    # By message on PCI Express. MSI-X would have causes of its own for each of its vectors.
    if function.id == _EXPRESS and _dma.interrupts(function, (dma,), False):
        return
    # Where firmware says that the pin is connected. That may be of no use with an I/O APIC; then
    # the timer looks.
    line = function.read8(_LINE)
    if 0 < line < 16 and _block._input(dma, line):
        function.write16(_COMMAND, function.read16(_COMMAND) & ~_NO_PIN)


def start(place, function):
    """Starts one. OSError (ETIMEDOUT) where it cannot be reset."""
    _dma.switch_on(function)
    registers = function.map(0)
    va = registers.va
    # 14.3: no interrupts, nothing moves, then all registers as they are after power-on.
    registers.write32(_IMC, 0xFFFFFFFF)
    registers.write32(_RCTL, 0)
    registers.write32(_TCTL, 0)
    time.sleep_ms(10)
    registers.write32(_CTRL, registers.read32(_CTRL) | _RESET)
    time.sleep_ms(5)
    if not _dma.wait_until(lambda: not registers.read32(_CTRL) & _RESET, 1000):
        raise OSError(110)
    registers.write32(_IMC, 0xFFFFFFFF)
    dma = _dma.device(
        va + _CTRL,
        _RESET,
        4,
        va + _CTRL,
        _RESET,
        alive=va + _IMS,
        alive_mask=_RECEIVED,
        cause=va + _ICR,
        clear=va + _ICR,
        also=va + _RCTL,
    )
    if function.id == _EXPRESS:
        # 82574 10.2.6.7: it is to be set.
        registers.write32(_TXDCTL, registers.read32(_TXDCTL) | 1 << 22)
    high = registers.read32(_ADDRESS + 4)
    address = (registers.read32(_ADDRESS) | (high & 0xFFFF) << 32).to_bytes(6, "little")
    _interrupts(function, dma)
    _nics.add(_nic.E1000, "e1000", place, dma, address if high & _VALID else bytes(6), va)
