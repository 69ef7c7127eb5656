# What each CPU does: work() waits at a barrier for `count` of them, then works for some 0.1 s, so
# that a few of many rounds fall where the host does nothing else.
import time

import bm_fannkuch
import micropython
import misc_pystone


def pystone():
    misc_pystone.bm_setup((2400, 0))[0]()


def fannkuch():
    bm_fannkuch.bm_setup((7,))[0]()


def dictionary():
    d = {}
    for i in range(60000):
        d[i % 1000] = d.get(i % 700, 0) + 1


@micropython.viper
def add(n: int) -> int:
    s = 0
    for i in range(n):
        s += i ^ s
    return s


def viper():
    add(8000000)


def alloc():
    import frames

    for _ in range(40000):
        frames.free(frames.alloc())


WORK = {f.__name__: f for f in (pystone, fannkuch, dictionary, viper, alloc)}


def work(name, arrived, count):
    """When it has begun, and how long it has taken: us."""
    function = WORK[name]
    arrived.fetch_add(0, 1)
    while arrived.load(0) < count:
        pass
    start = time.ticks_us()
    function()
    return start, time.ticks_diff(time.ticks_us(), start)
