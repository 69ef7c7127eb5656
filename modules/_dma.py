# What the drivers of devices that read and write memory have in common.
import struct

import _block

_COMMAND = const(0x04)
_COMMAND_ON = const(0x406)  # memory, bus master; no interrupt by a pin
_MSIX_ON = const(0x8000)
_MSI_ON = const(1)


def device(
    stop,
    stop_value,
    stop_size,
    stopped,
    stopped_mask,
    alive=0,
    alive_mask=0,
    cause=0,
    clear=0,
    summary=0,
    summary_value=0,
    also=0,
):
    """The number of a device for C: a dma_device_t of port/devices/dma.h."""
    return _block._dma(
        struct.pack(
            "<12Q",
            stop,
            stop_value,
            stop_size,
            stopped,
            stopped_mask,
            alive,
            alive_mask,
            cause,
            clear,
            summary,
            summary_value,
            also,
        )
    )


def block(
    driver,
    text,
    dma,
    sectors,
    sector_size,
    readonly,
    flushes,
    parts_max,
    bytes_max,
    align,
    addr_end,
    registers,
):
    """A disk for C: a block_setup_t of port/devices/block.h, with what its driver has to know.

    `text` is a tuple of strings: driver, place, model, serial number.
    """
    _block._add(
        driver,
        struct.pack(
            "<16Q",
            dma,
            sectors,
            sector_size,
            readonly + 2 * flushes,
            parts_max,
            bytes_max,
            align,
            addr_end,
            *(tuple(registers) + (0,) * (8 - len(registers))),
        ),
        "\x01".join(text)[:180],
    )


def known(driver):
    """Disks of a driver that are there: a list of (device, driver, place, model, serial)."""
    found = []
    for number, text in _block._devices():
        text = text.split("\x01")
        if text[0] == driver:
            place = ":".join(text[1:2] + text[4:])
            found.append((number, driver, place, text[2], text[3]))
    return found


def functions(code):
    """The PCI functions of a class: a list of (name, Device)."""
    import pci

    return [(one.name(), one) for one in pci.scan() if one.class_code == code]


def may_look():
    """Whether this CPU may look for devices: the others use what the first one has found."""
    import cpus

    return cpus.here() == 0


def start_all(driver, places, start):
    """Calls start(what) for each (place, what) that this driver has no disk at yet.

    One that does not start is reported and left out. CPUs other than the first start none.
    """
    if not may_look():
        return
    there = [text.split("\x01")[:2] for _, text in _block._devices()]
    for place, what in places:
        if [driver, place] not in there:
            try:
                start(what)
            except (OSError, ValueError, MemoryError) as error:
                print("%s %s: %r" % (driver, place, error))


def switch_on(function):
    """A PCI function answers at its addresses, and may reach memory."""
    function.write16(_COMMAND, function.read16(_COMMAND) | _COMMAND_ON)


def interrupts(function, dmas, several=True):
    """Interrupts of a PCI function for these devices, by MSI-X only where `several` says so.

    With MSI-X each has the vector of its place in the list, with MSI all have the same one: 2 or
    1, and 0 where it has none by message.
    """
    have = function.msix() if several else None
    if have is not None and have.vectors >= len(dmas):
        table = function.map(have.table_bar)
        for index, dma in enumerate(dmas):
            message = _block._msi(dma)
            if message is None:
                return 0
            at = have.table_offset + 16 * index
            table.write64(at, message[0])
            table.write32(at + 8, message[1])
            table.write32(at + 12, 0)
        function.write16(have.offset + 2, function.read16(have.offset + 2) & 0x3FFF | _MSIX_ON)
        table.close()
        return 2
    have = function.msi()
    message = None if have is None else _block._msi(dmas[0])
    if message is None:
        return 0
    function.write32(have.offset + 4, message[0] & 0xFFFFFFFF)
    at = have.offset + 8
    if have.wide:
        function.write32(at, message[0] >> 32)
        at += 4
    function.write16(at, message[1])
    control = function.read16(have.offset + 2)
    function.write16(have.offset + 2, control & ~0x70 | _MSI_ON)
    for dma in dmas[1:]:
        _block._share(dma, dmas[0])
    return 1


def text_of(data):
    """A name that a device gives of itself: bytes, filled up with spaces or zeros."""
    data = bytes(data).split(b"\0")[0]
    return "".join([chr(code) for code in data if 0x20 <= code < 0x7F]).strip()


def wait_until(done, ms):
    """Whether done() has become true within so many milliseconds."""
    import time

    start = time.ticks_ms()
    while not done():
        if time.ticks_diff(time.ticks_ms(), start) > ms:
            return bool(done())
    return True
