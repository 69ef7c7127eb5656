# FAT on a disk with a cache whose power fails: what is left after one cut of one without a fault.
import os
import random

import vfs

_SIZE = 512 << 10


class Cut(Exception):
    pass


class Disk:
    # What it was given since the last flush may be there after a cut or not, sector by sector.
    def __init__(self):
        self.lasting = bytearray(_SIZE)
        self.seen = bytearray(_SIZE)
        self.pending = []
        self.left = -1
        self.off = False

    def readblocks(self, block, buf):
        if self.off:
            return 0
        buf[:] = memoryview(self.seen)[block * 512 : block * 512 + len(buf)]

    def writeblocks(self, block, buf):
        if self.off:
            return 0
        for at in range(0, len(buf), 512):
            self._step()
            data = bytes(buf[at : at + 512])
            start = block * 512 + at
            self.seen[start : start + 512] = data
            self.pending.append((start, data))

    def ioctl(self, op, arg):
        if op == 3 and not self.off:
            self._step()
            self.settle(1)
        return _SIZE // 512 if op == 4 else 512 if op == 5 else 0

    def _step(self):
        if self.left == 0:
            # The collector closes what is open, and finds a disk that does nothing.
            self.off = True
            raise Cut
        self.left -= 1

    def settle(self, share):
        for start, data in self.pending:
            if share == 1 or random.random() < share:
                self.lasting[start : start + 512] = data
        self.pending = []
        self.seen[:] = self.lasting


def _write(path, mode, size):
    data = bytes([random.getrandbits(8)]) * size
    with open(path, mode) as file:
        file.write(data)
    return data


def _change(folder):
    path = folder + "/%d" % random.randrange(5)
    what = random.randrange(6)
    if what < 3:
        _write(path, "ab" if what else "wb", random.randrange(9000))
    elif what == 3:
        os.remove(path)
    elif what == 4:
        os.rename(path, folder + "/%d" % random.randrange(5))
    else:
        os.mkdir(folder + "/folder%d" % random.randrange(20))


def _series(touch):
    disk = Disk()
    vfs.VfsFat.mkfs(disk)
    vfs.mount(disk, "/fat")
    os.mkdir("/fat/sub")
    kept = {}
    disk.left = 20 + random.randrange(400)
    while not disk.off:
        folder = random.choice(("/fat", "/fat/sub"))
        try:
            if random.randrange(4) == 0 and len(kept) < 20:
                path = folder + "/kept%d" % len(kept)
                kept[path] = _write(path, "wb", random.randrange(9000))
            elif touch and kept:
                _write(random.choice(list(kept)), "ab", 4000)
            else:
                _change(folder)
        except (Cut, OSError):
            # It is full, or the power has failed.
            pass
    vfs.umount("/fat")
    disk.settle(random.choice((0, 0.5, 0.9)))
    after = Disk()
    after.seen[:] = disk.lasting
    vfs.mount(after, "/fat")
    bad = 0
    for path, data in kept.items():
        try:
            with open(path, "rb") as file:
                bad += file.read() != data
        except OSError:
            bad += 1
    vfs.umount("/fat")
    return len(kept), bad


def run(seed, count, touch=False):
    """(files that were closed and then left alone, how many of them were not as they were)."""
    random.seed(seed)
    sums = [_series(touch) for _ in range(count)]
    return sum([kept for kept, _ in sums]), sum([bad for _, bad in sums])
