# The device of virtio (1.2, 5.4) that gives random bytes: os.urandom() asks for this module once.
import _dma
import _virtio
import _virtqueue

_TYPE = 4


def _start():
    for place, make in _virtio.find(_TYPE):
        try:
            device = make()
            device.start(0)
            queue = device.queue(0, 8)[0]
            device.ready()
            _virtqueue.entropy(queue, device.dma)
            return
        except (OSError, ValueError, MemoryError) as error:
            print("virtio %s: %r" % (place, error))


if _dma.may_look():
    _start()
