# Consoles of virtio (1.2, 5.3): machine.Console asks for this module once.
#
# A device has one port, or says on two more queues which ports it has: then each has a name, if
# whoever started the machine gave it one.
import struct

import _dma
import _virtio
import _virtqueue
import pages

_TYPE = 3
_MULTIPORT = 2
_PORTS = 4  # of a device, as many as are used
_EVERY = 0xFFFFFFFF

# Control messages (5.3.6.2): id, event, value, and for a name its text.
_MESSAGE = "<IHH"
_DEVICE_READY = 0
_PORT_ADD = 1
_PORT_READY = 3
_PORT_OPEN = 6
_PORT_NAME = 7
_BUFFERS = 8
_BUFFER = 256
_QUIET_MS = 20

_kept = []  # memory that devices write to


class _Control:
    # The two queues on which a device and its driver talk about ports.

    def __init__(self, device):
        self.receive = device.queue(2, 16)[0]
        self.send = device.queue(3, 16)[0]
        self.page = pages.alloc()
        _kept.append(self.page)
        for number in range(_BUFFERS):
            self._give(number)

    def _give(self, number):
        _virtqueue.add(self.receive, number, 0, self.page.addr + number * _BUFFER, _BUFFER)

    def tell(self, port, event):
        at = _BUFFERS * _BUFFER
        self.page[at : at + 8] = struct.pack(_MESSAGE, port, event, 1)
        _virtqueue.add(self.send, 0, 1, self.page.addr + at, 8)
        if not _dma.wait_until(lambda: _virtqueue.take(self.send), 1000):
            raise OSError(110)

    def _came(self):
        self._taken = _virtqueue.take(self.receive)
        return self._taken

    def messages(self):
        # Until none has come for a while.
        while _dma.wait_until(self._came, _QUIET_MS):
            number, size = self._taken
            message = self.page[number * _BUFFER : number * _BUFFER + size]
            self._give(number)
            if size >= 8:
                port, event, value = struct.unpack(_MESSAGE, message[:8])
                yield port, event, value, message[8:]

    def ports(self):
        """What the device says of its ports: a dict of number to name."""
        found = {}
        self.tell(_EVERY, _DEVICE_READY)
        for port, event, _, rest in self.messages():
            if port < _PORTS and event == _PORT_ADD:
                found[port] = ""
                self.tell(port, _PORT_READY)
            elif port in found and event == _PORT_NAME:
                found[port] = _dma.text_of(rest)
        for port in found:
            self.tell(port, _PORT_OPEN)
        return found


def _start_one(device):
    several = device.start(_MULTIPORT) & _MULTIPORT
    count = min(device.read32(4), _PORTS) if several else 1
    queues = []
    for port in range(count):
        first = 2 * port + 2 if port else 0
        queues.append((device.queue(first, 32)[0], device.queue(first + 1, 32)[0]))
    control = _Control(device) if several else None
    device.ready()
    ports = control.ports() if several else {0: ""}
    for port in sorted(ports):
        if port < count:
            _virtqueue.console(queues[port][0], queues[port][1], ports[port])


def _start():
    for place, make in _virtio.find(_TYPE):
        try:
            _start_one(make())
        except (OSError, ValueError, MemoryError) as error:
            print("virtio %s: %r" % (place, error))


if _dma.may_look():
    _start()
