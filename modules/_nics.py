# Network interfaces: which there are, whatever their drivers.
import struct

import _dma
import _nic


def add(driver, name, place, dma, address, *registers):
    """Registers an interface with C: a nic_setup_t of port/devices/nic.h.

    `address` is the 6 bytes of its MAC; one that can be no station's is replaced by one made up.
    """
    if address[0] & 1 or not any(address):
        import os

        # IEEE 802, 8.4: the second bit says that it is administered locally.
        address = b"\x02" + os.urandom(5)
    registers += (0,) * (10 - len(registers))
    words = struct.pack("<Q6s2x10Q", dma, address, *registers)
    return _nic._add(driver, words, name + "\x01" + place)


def start():
    """Starts all interfaces that were not yet, in the order of their places.

    One that does not start is reported and left out. Nothing is done where another CPU asks.
    """
    if not _dma.may_look():
        return
    import _e1000
    import _virtio_net

    there = [text for _, text in _nic._all()]
    found = []
    for name, driver in (("virtio", _virtio_net), ("e1000", _e1000)):
        found += [(place, name, driver.start, what) for place, what in driver.places()]
    for place, name, start_one, what in sorted(found, key=lambda entry: entry[0]):
        if name + "\x01" + place not in there:
            try:
                start_one(place, what)
            except (OSError, ValueError, MemoryError) as error:
                print("%s %s: %r" % (name, place, error))
