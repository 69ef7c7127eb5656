# Network devices of virtio (1.2, 5.1).
import _nic
import _nics
import _virtio
import machine

_TYPE = 1
_MAC = 1 << 5
_STATUS = 1 << 16
_ANY_LAYOUT = 1 << 27  # of the older interface: header and frame need no buffers of their own
_QUEUE = 256


def places():
    """Where such devices are: a list of (place, what start() wants)."""
    return _virtio.find(_TYPE)


def start(place, make):
    """Starts one. OSError (ENODEV) where it knows only what nobody has built for twelve years."""
    device = make()
    features = device.start(_MAC | _STATUS | _ANY_LAYOUT)
    if not features & (_virtio.VERSION_1 | _ANY_LAYOUT):
        raise OSError(19)
    queues = device.queue(0, _QUEUE)[0], device.queue(1, _QUEUE)[0]
    own = device.own()
    address = bytes(machine.mem8[own + i] if features & _MAC else 0 for i in range(6))
    device.ready()
    header = 12 if features & _virtio.VERSION_1 else 10
    status = own + 6 if features & _STATUS else 0
    _nics.add(_nic.VIRTIO, "virtio", place, device.dma, address, *queues, header, status)
