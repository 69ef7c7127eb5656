"""Block devices in memory, for the file systems of `vfs`."""

import uctypes
from micropython import const

_FRAME = const(4096)


class RAMDisk:
    """A block device of `size` bytes, rounded up to whole blocks and frames.

    It takes contiguous frames, whose content stays as it was, until close(). With `addr` it lies
    over memory that is the caller's instead. MemoryError: no such frames are free.
    """

    def __init__(self, size, block_size=4096, addr=None):
        self._count = 0
        if addr is None:
            import frames

            self._count = -(-max(size, block_size) // _FRAME)
            size = self._count * _FRAME
            addr = frames.alloc(self._count)
        self.addr = addr
        self.block_size = block_size
        self.block_count = size // block_size
        self._data = memoryview(uctypes.bytearray_at(addr, size))

    def readblocks(self, block, buf, offset=0):
        start = block * self.block_size + offset
        buf[:] = self._data[start : start + len(buf)]

    def writeblocks(self, block, buf, offset=0):
        start = block * self.block_size + offset
        self._data[start : start + len(buf)] = buf

    def ioctl(self, op, arg):
        if op == 4:
            return self.block_count
        if op == 5:
            return self.block_size
        return 0

    def close(self):
        """Gives the frames back. Unmount first."""
        if self._count:
            import frames

            frames.free(self.addr, self._count)
            self._count = 0
        self._data = self._data[:0]
        self.block_count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()
