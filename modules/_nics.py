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


_FORM = "it is like ip=10.0.0.5::10.0.0.1:255.255.255.0:NAME:lan0:off:10.0.0.2"


def _ipv4(text):
    parts = text.split(".")
    return len(parts) == 4 and all(part.isdigit() and int(part) < 256 for part in parts)


def _parse(value):
    # Of ip= as Linux has it (admin-guide/nfs/nfsroot.rst): (interface or "", address or None).
    if value in ("dhcp", "on", "any"):
        return "", None
    client, _, gateway, mask, _, device, how, dns = (value.split(":") + [""] * 8)[:8]
    if value.count(":") > 8 or how not in ("", "off", "none", "static", "dhcp", "on", "any"):
        raise ValueError(_FORM)
    if device[:3] != "lan" and device:
        raise ValueError("%s is no interface: lan0 is the first" % device)
    if how in ("dhcp", "on", "any"):
        return device, None
    client, _, bits = client.partition("/")
    if bits:
        if mask or not bits.isdigit() or int(bits) > 32:
            raise ValueError(_FORM)
        number = (1 << 32) - (1 << 32 - int(bits))
        mask = ".".join([str(number >> shift & 255) for shift in (24, 16, 8, 0)])
    address = (client, mask or "255.255.255.0", gateway or "0.0.0.0", dns or gateway or "0.0.0.0")
    if not all(_ipv4(part) for part in address):
        raise ValueError(_FORM)
    return device, address


def address(number):
    """What the command line's ip= has for an interface: (address, mask, gateway, DNS).

    None, for DHCP, where it has nothing. The last word for it counts. ValueError for what is
    none.
    """
    import bootinfo

    found = None
    for word in bootinfo.cmdline.split():
        if word[:3] == "ip=":
            try:
                device, given = _parse(word[3:])
            except ValueError as error:
                raise ValueError("command line: %s: %s" % (word, error)) from None
            if device in ("", "lan%d" % number) and (device or number == 0):
                found = given
    return found
