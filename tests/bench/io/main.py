# What bench_io.py measures: the same as io_linux.c does on Linux.
import time

import bootinfo
import cmdline
import disks

SIZE = 64 << 20
STEP = 7919  # blocks, of which there are 2^14: all are met


def measure(disk, name, write, size, count, step):
    buf = bytearray(size)
    move = disk.writeblocks if write else disk.readblocks
    sectors = size // disk.sector
    blocks = SIZE // size
    start = time.ticks_us()
    for i in range(count):
        move(i * step % blocks * sectors, buf)
    if write:
        disk.ioctl(3, 0)
    print(name, "%.6f" % (time.ticks_diff(time.ticks_us(), start) / 1e6))


disk = disks.all()[0]
count = int(cmdline.parse(bootinfo.cmdline).get("COUNT", "0"))
measure(disk, "read", False, 65536, 0 if count else SIZE // 65536, 1)
measure(disk, "write", True, 65536, 0 if count else SIZE // 65536, 1)
measure(disk, "random read", False, 4096, count or 2000, STEP)
measure(disk, "random write", True, 4096, 0 if count else 2000, STEP)
