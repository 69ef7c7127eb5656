# Damages a disk's image at random, and uses it.
import os
import random

import _block
import disks
import vfs

_FILES_MAX = 200
_DEPTH_MAX = 4
_MOVES_MAX = 100000


def _use(path, depth):
    count = 0
    for name, kind, *_ in os.ilistdir(path):
        count += 1
        if count == _FILES_MAX:
            break
        one = path + "/" + name
        try:
            os.stat(one)
            if kind == 0x4000:
                if depth < _DEPTH_MAX and name not in (".", ".."):
                    _use(one, depth + 1)
            else:
                with open(one, "rb") as file:
                    for _ in range(50):
                        if not file.read(4000):
                            break
        except (OSError, ValueError):
            pass


def _write(path):
    with open(path + "/new", "wb") as file:
        for _ in range(5):
            file.write(bytes(3000))
    os.mkdir(path + "/folder")
    os.rename(path + "/new", path + "/folder/new")
    os.remove(path + "/folder/new")
    os.statvfs(path)


def run(path, seed, rounds):
    """How often it was refused, and how often it was used."""
    random.seed(seed)
    with open(path, "rb") as file:
        data = bytearray(file.read())
    zeros = bytes(512)
    whole = memoryview(bytes(data))
    places = [at for at in range(0, len(data), 512) if whole[at : at + 512] != zeros]
    device = _block.Device(data)
    refused = 0
    for _ in range(rounds):
        data[:] = whole
        for _ in range(1 << random.randrange(8)):
            # Half of them where file systems have what they say of themselves.
            at = random.choice(places if random.random() < 0.5 else places[:16])
            at += random.randrange(512)
            data[at] = random.choice((0, 1, 0xFF, 0x80, data[at] ^ 1, random.randrange(256)))
        device.moves = 0
        device.moves_max = _MOVES_MAX
        try:
            disks.mount(disks.all()[0], "/damaged")
        except (OSError, ValueError):
            refused += 1
            continue
        for use in (lambda path: _use(path, 0), _write, lambda path: _use(path, 0)):
            try:
                use("/damaged")
            except (OSError, ValueError):
                pass
        vfs.umount("/damaged")
    device.moves_max = 1 << 30
    _block.devices.clear()
    disks._disks.clear()
    return refused, rounds - refused
