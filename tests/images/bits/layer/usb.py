# USB controllers, which firmware drives for its keyboard until it is asked to stop.

import time

import pci

_EHCI = 0x0C0320


def find_hc():
    """All USB host controllers: (bus, device, function)."""
    return [
        (found.bus, found.device, found.function)
        for found in pci.scan()
        if found.class_code >> 8 == 0x0C03
    ]


def handoff_to_os():
    """Ask firmware to leave all EHCI controllers to us. False where one has not, in 5 seconds."""
    return all([_handoff(found) for found in pci.scan() if found.class_code == _EHCI])


def _handoff(device):
    # EHCI 1.0, 2.1.7 and 5.1: capability 1 has a flag for firmware, bit 16, and ours, bit 24.
    with device.map(0) as registers:
        at = registers.read32(8) >> 8 & 0xFF
    seen = 0
    while at >= 0x40 and seen < 48:
        value = device.read32(at)
        if value & 0xFF == 1:
            device.write8(at + 3, 1)
            for _ in range(500):
                if not device.read32(at) >> 16 & 1:
                    return True
                time.sleep_ms(10)
            return False
        at = value >> 8 & 0xFF
        seen += 1
    return True
