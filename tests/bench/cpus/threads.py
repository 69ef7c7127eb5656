# The same in threads of MicroPython's unix port: prints what main.py prints of scale().
import _thread
import sys
import time

import work

ROUNDS = 60


def at_once(name, count):
    """Microseconds from where the first of so many threads begins to where the last has ended."""
    arrived, starts, ends = [], [], []

    def one():
        arrived.append(1)
        while len(arrived) < count:
            time.sleep_ms(1)
        starts.append(time.ticks_us())
        work.WORK[name]()
        ends.append(time.ticks_us())

    for _ in range(count - 1):
        _thread.start_new_thread(one, ())
    one()
    while len(ends) < count:
        time.sleep_ms(1)
    # With a GIL one may only begin when another has ended.
    return max(time.ticks_diff(end, start) for end in ends for start in starts)


# There are no frames, and pystone's variables would be the same for all.
names = [name for name in work.WORK if name not in ("alloc", "pystone")]
counts = range(1, int(sys.argv[1]) + 1)
best = {}
for _ in range(ROUNDS):
    for name in names:
        for count in counts:
            us = at_once(name, count)
            best[name, count] = min(best.get((name, count), us), us)
for name in names:
    print("scale", name, *(best[name, count] for count in counts))
