# The same in threads of MicroPython's unix port: prints what main.py prints of scale().
import _thread
import sys
import time

import work

ROUNDS = 5


def at_once(name, count):
    """Microseconds of the slowest of so many threads."""
    arrived, times = [], []

    def one():
        arrived.append(1)
        while len(arrived) < count:
            time.sleep_ms(1)
        start = time.ticks_us()
        work.WORK[name]()
        times.append(time.ticks_diff(time.ticks_us(), start))

    for _ in range(count - 1):
        _thread.start_new_thread(one, ())
    one()
    while len(times) < count:
        time.sleep_ms(1)
    return max(times)


for name in work.WORK:
    # There are no frames, and pystone's variables would be the same for all.
    if name not in ("alloc", "pystone"):
        best = {}
        for _ in range(ROUNDS):
            for count in range(1, int(sys.argv[1]) + 1):
                us = at_once(name, count)
                best[count] = min(best.get(count, us), us)
        print("scale", name, *(best[count] for count in sorted(best)))
