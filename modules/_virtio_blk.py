# Disks of virtio (1.2, 5.2).
import _block
import _dma
import _virtio
import _virtqueue
import pages

_TYPE = 2
_READ_ONLY = 1 << 5
_BLOCK_SIZE = 1 << 6
_SEGMENT_SIZE = 1 << 1
_SEGMENTS = 1 << 2
_FLUSH = 1 << 9
_WANTED = _READ_ONLY | _BLOCK_SIZE | _SEGMENT_SIZE | _SEGMENTS | _FLUSH

_GET_ID = 8  # a request: 20 bytes come


def _serial(device, queue):
    with pages.alloc() as page:
        page[0:4] = _GET_ID.to_bytes(4, "little")
        page[40] = 255
        addr = page.addr
        _virtqueue.add(queue, 0, 1, addr, 16, addr + 16, 20, addr + 40, 1)
        if not _dma.wait_until(lambda: _virtqueue.take(queue), 1000):
            _block._stop(device.dma)
            raise OSError(110)
        return _dma.text_of(page[16:36]) if page[40] == 0 else ""


def _start(make):
    device = make()
    features = device.start(_WANTED)
    queue, entries = device.queue(0)
    sector_size = device.read32(20) if features & _BLOCK_SIZE else 512
    # A size that makes no sense is not believed.
    if sector_size not in (512, 1024, 2048, 4096):
        sector_size = 512
    parts = entries - 2
    if features & _SEGMENTS:
        parts = min(parts, max(device.read32(12), 1))
    most = 1 << 22
    if features & _SEGMENT_SIZE:
        most = min(most, device.read32(8)) // sector_size * sector_size or sector_size
    sectors = device.read64(0) * 512 // sector_size
    device.ready()
    serial = _serial(device, queue)
    _dma.block(
        _block.VIRTIO,
        ("virtio", device.place, "virtio disk", serial),
        device.dma,
        sectors,
        sector_size,
        bool(features & _READ_ONLY),
        bool(features & _FLUSH),
        parts,
        most,
        1,
        0,
        (queue,),
    )


def find():
    """The disks: a list of (device, driver, place, model, serial)."""
    _dma.start_all("virtio", _virtio.find(_TYPE), _start)
    return _dma.known("virtio")
