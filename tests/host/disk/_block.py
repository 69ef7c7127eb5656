# _block without a kernel: the devices are files of the host, or memory.
import errno

devices = []


class Device:
    def __init__(self, where, sector=512, readonly=False, serial=""):
        self.data = self.file = None
        if isinstance(where, str):
            self.file = open(where, "r+b")
            self.size = self.file.seek(0, 2)
        else:
            self.data = where
            self.size = len(where)
        self.sector = sector
        self.readonly = readonly
        self.serial = serial
        self.moves = 0
        self.moves_max = 1 << 30  # more: a file system that finds no end
        devices.append(self)


class Block:
    def __init__(self, device, start=0, size=None, block_size=None):
        self._of = of = devices[device]
        if size is None:
            size = of.size - start
        if block_size is None:
            block_size = of.sector
        if not 0 <= start <= start + size <= of.size or start % of.sector or size % of.sector:
            raise ValueError("start 0x%x, size 0x%x" % (start, size))
        if not block_size or block_size % of.sector:
            raise ValueError("block_size %d" % block_size)
        self.device = device
        self.start = start
        self.size = size - size % block_size
        self.block_size = block_size
        self.sector = of.sector
        self.readonly = of.readonly

    def _seek(self, block, buf, offset):
        of = self._of
        at = block * self.block_size + offset
        if block < 0 or offset < 0 or at + len(buf) > self.size:
            raise OSError(errno.EINVAL)
        of.moves += 1
        if of.moves > of.moves_max:
            raise RuntimeError("too many reads and writes")
        if of.file is not None:
            of.file.seek(self.start + at)
        return self.start + at

    def readblocks(self, block, buf, offset=0):
        at = self._seek(block, buf, offset)
        if self._of.file is not None:
            self._of.file.readinto(buf)
        else:
            buf[:] = memoryview(self._of.data)[at : at + len(buf)]
        return 0

    def writeblocks(self, block, buf, offset=0):
        if self._of.readonly:
            raise OSError(errno.EROFS)
        at = self._seek(block, buf, offset)
        if self._of.file is not None:
            self._of.file.write(buf)
        else:
            self._of.data[at : at + len(buf)] = buf
        return 0

    def ioctl(self, op, arg):
        if op == 3 and self._of.file is not None:
            self._of.file.flush()
        return {4: self.size // self.block_size, 5: self.block_size}.get(op, 0)
