# The frames module from Python: the same file runs on the kernel, on its real map, and on
# MicroPython's unix port, on a map of its own. Prints one line per test and at last how many.
import gc
import sys
from array import array

import frames

try:
    from micropython import heap_lock, heap_unlock
except ImportError:
    heap_lock = heap_unlock = None

M = 1 << 20
HOSTED = hasattr(frames, "deinit")
# Of several kinds in one: unaligned, touching, overlapping, out of order, above 4 GiB, empty.
MAP = (0x100000, 0x7FF800, 0x1234, 0x9FC00, 64 * M, 64 * M, 0x7FF800, 0xA00000)
MAP += (4096 * M, 4100 * M + 0x5123, 16 * M, 28 * M + 1, 20 * M, 24 * M)


def raises(error, function, *args, **kwargs):
    try:
        function(*args, **kwargs)
    except error:
        return True
    raise AssertionError("no " + error.__name__)


def counts():
    s = frames.stats()
    return s.total, s.free, s.used, s.reserved


def test_before_the_map():
    if not HOSTED:
        return
    frames.deinit()
    for call in (frames.alloc, frames.stats, frames.show, frames.runs, frames.check):
        raises(RuntimeError, call)
    raises(RuntimeError, frames.free, 0x1000)
    raises(RuntimeError, frames.fill, array("Q", [0]))
    raises(RuntimeError, frames.drain, array("Q", [0]))
    raises(RuntimeError, frames.reserve, 0, 4096)


def test_init():
    if HOSTED:
        raises(ValueError, frames.init, array("Q", [0]))
        raises(ValueError, frames.init, array("Q", [8192, 4096]))
        raises(ValueError, frames.init, array("Q", [0, 1 << 53]))
        raises(ValueError, frames.init, array("Q", [0, M]), 0)
        raises(ValueError, frames.init, array("Q", [0, M]), cpus=1000)
        raises(MemoryError, frames.init, array("Q", [1, 4096]))
        raises(TypeError, frames.init, bytearray(16))
        raises(RuntimeError, frames.alloc)
        frames.init(array("Q", MAP))
    raises(RuntimeError, frames.init, array("Q", [0, M]))


def test_alloc_and_free():
    before = counts()
    addrs = [frames.alloc() for _ in range(100)]
    assert len(set(addrs)) == 100
    assert all(a % 4096 == 0 for a in addrs)
    assert frames.stats().used == before[2] + 100
    assert frames.check()
    for a in addrs[::2] + addrs[1::2]:
        assert frames.free(a) is None
    assert counts() == before


def test_bad_frees():
    a = frames.alloc()
    b = frames.alloc(count=3)
    before = counts()
    for bad in (a + 1, a + 4095, 0xFFFFFFFFFF000, 1 << 52, (1 << 61) + 4096):
        raises(ValueError, frames.free, bad)
    raises(ValueError, frames.free, -4096)
    raises(OverflowError, frames.free, 1 << 80)
    raises(TypeError, frames.free, 1.5)
    raises(TypeError, frames.free)
    raises(TypeError, frames.free, a, 1, 1)
    for count in (0, 1 << 40, (1 << 62) - 1):
        raises(ValueError, frames.free, a, count)
    raises(ValueError, frames.free, a, -1)
    assert counts() == before
    frames.free(a)
    before = counts()
    raises(ValueError, frames.free, a)
    frames.free(b, count=3)
    raises(ValueError, frames.free, b, 3)
    assert counts()[1] == before[1] + 3
    assert frames.check()


def test_a_failed_contiguous_free_frees_nothing():
    a = frames.alloc(8)
    frames.free(a + 5 * 4096)
    before = counts()
    raises(ValueError, frames.free, a, 8)
    assert counts() == before
    frames.free(a, 5)
    frames.free(a + 6 * 4096, 2)


def test_alignment_and_limit():
    before = counts()
    for power in range(12, 22):
        a = frames.alloc(3, align=1 << power)
        assert a % (1 << power) == 0
        frames.free(a, 3)
    a = frames.alloc(below=16 * M)
    assert a < 16 * M
    frames.free(a)
    a = frames.alloc(2, 8192, M)
    assert a + 8192 <= M and a % 8192 == 0
    frames.free(a, 2)
    raises(MemoryError, frames.alloc, below=4096)
    raises(MemoryError, frames.alloc, 1 << 41)
    raises(MemoryError, frames.alloc, align=1 << 60)
    for bad in (0, -1):
        raises(ValueError, frames.alloc, bad)
    for bad in (0, 1, 2048, 4097, 12288, -4096):
        raises(ValueError, frames.alloc, align=bad)
    raises(ValueError, frames.alloc, below=-1)
    raises(OverflowError, frames.alloc, 1 << 70)
    raises(OverflowError, frames.alloc, align=1 << 64)
    raises(TypeError, frames.alloc, size=1)
    assert counts() == before


def test_2m_frames():
    before = counts()
    a = frames.alloc(512, align=2 * M)
    assert a % (2 * M) == 0
    raises(ValueError, frames.free, a)
    raises(ValueError, frames.free, a + 4096, 511)
    raises(ValueError, frames.free, a + 4096)
    frames.free(a, 512)
    raises(ValueError, frames.free, a, 512)
    assert counts() == before
    assert frames.check()


def test_fill_and_drain():
    before = counts()
    buf = array("Q", bytearray(8 * 150))
    assert frames.fill(buf) == 150
    assert len(set(buf)) == 150
    assert frames.stats().used == before[2] + 150
    spoilt = array("Q", buf)
    spoilt[140] = spoilt[3]
    raises(ValueError, frames.drain, spoilt)
    assert frames.stats().used == before[2] + 150
    spoilt[140] = buf[140] + 1
    raises(ValueError, frames.drain, spoilt)
    assert frames.drain(buf) == 150
    raises(ValueError, frames.drain, buf)
    assert counts() == before
    raises(TypeError, frames.fill, bytearray(16))
    raises(TypeError, frames.drain, [4096])
    assert frames.fill(array("Q")) == 0


def test_exhaustion():
    # As one list in the frames' own order of use, without more heap than an array.
    before = counts()
    held = []
    size = 4096
    while size:
        try:
            buf = array("Q", bytearray(8 * size))
            while True:
                frames.fill(buf)
                held.append(buf)
                buf = array("Q", bytearray(8 * size))
                if len(held) * size > 30000:
                    raise MemoryError
        except MemoryError:
            if len(held) * size > 30000:
                break
            size //= 2
    if frames.stats().free == 0:
        raises(MemoryError, frames.alloc)
        raises(MemoryError, frames.fill, array("Q", [0]))
        assert frames.check()
    for buf in held:
        frames.drain(buf)
    assert counts() == before
    assert frames.check()


def test_reserve():
    a = frames.alloc(4)
    frames.free(a, 4)
    before = counts()
    frames.reserve(a + 1, a + 4097)
    assert counts() == (before[0] - 2, before[1] - 2, before[2], before[3] + 2)
    raises(ValueError, frames.free, a)
    raises(ValueError, frames.free, a, 2)
    b = frames.alloc()
    before = counts()
    raises(ValueError, frames.reserve, b - 4096, b + 8192)
    raises(ValueError, frames.reserve, 8192, 4096)
    assert counts() == before
    frames.free(b)
    assert frames.check()


def test_no_heap():
    if heap_lock is None:
        return
    alloc, free = frames.alloc, frames.free
    heap_lock()
    try:
        a = alloc()
        free(a)
        free(alloc())
    finally:
        heap_unlock()


def test_reports_without_heap():
    if heap_lock is None:
        return
    heap_lock()
    try:
        frames.show()
        frames.show(40, 8)
        frames.runs()
        frames.check()
    finally:
        heap_unlock()


passed = 0
for name in (
    "before_the_map",
    "init",
    "alloc_and_free",
    "bad_frees",
    "a_failed_contiguous_free_frees_nothing",
    "alignment_and_limit",
    "2m_frames",
    "fill_and_drain",
    "exhaustion",
    "reserve",
    "no_heap",
    "reports_without_heap",
):
    gc.collect()
    try:
        globals()["test_" + name]()
    except Exception as error:  # noqa: BLE001
        print("FAILED", name)
        sys.print_exception(error)
        continue
    passed += 1
    print("passed", name)
print("frames_python:", passed, "of 12 passed")
