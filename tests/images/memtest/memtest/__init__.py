# Tests every free frame: what is written must be what is read, after all else has been written.

import sys

import frames
from machine import mem32

from . import patterns

CHUNK = 256  # frames between two looks at the progress bar and at Ctrl-C
SHOWN = 10  # bad words of a test that are shown
BAR = 40  # characters

TESTS = (
    ("walking ones", 32, patterns.fill_walking, patterns.check_walking),
    ("own address", 2, patterns.fill_address, patterns.check_address),
    ("random", 4, patterns.fill_random, patterns.check_random),
)


def take():
    """All free frames, as (addr, count) of contiguous ones."""
    runs = []
    count = CHUNK
    while count:
        try:
            while True:
                runs.append((frames.alloc(count), count))
        except MemoryError:
            count >>= 1
    return runs


def bar(done, total, name):
    filled = BAR * done // total
    sys.stdout.write(
        "\r[%s%s] %3d%% %-12s" % ("#" * filled, "." * (BAR - filled), 100 * done // total, name)
    )


def check(runs, name, step, fill, verify, tick):
    """How many words are not what was written."""
    bad = 0
    for addr, count in runs:
        words = count << 10
        at = verify(addr, words, step, 0)
        while at < words:
            bad += 1
            if bad <= SHOWN:
                where = addr + 4 * at
                read = mem32[where]
                # Up to here all has been checked and may be written again.
                fill(addr, at + 1, step)
                wrote = mem32[where]
                text = "%s: bad word at 0x%x: wrote 0x%08x, read 0x%08x"
                print("\r" + text % (name, where, wrote, read))
            at = verify(addr, words, step, at + 1)
        tick()
    return bad


def test(runs, name, steps, fill, verify):
    """Fills all and then checks all, in each step; the number of bad words."""
    total = 2 * steps * len(runs)
    done = 0
    percent = -1

    def tick():
        nonlocal done, percent
        done += 1
        if 100 * done // total != percent:
            percent = 100 * done // total
            bar(done, total, name)

    bad = 0
    for step in range(steps):
        for addr, count in runs:
            fill(addr, count << 10, step)
            tick()
        bad += check(runs, name, step, fill, verify, tick)
    bar(total, total, name)
    print()
    return bad


def run(passes=1):
    """Test all free memory `passes` times, print a table, return the number of bad words."""
    runs = take()
    try:
        count = sum(run[1] for run in runs)
        print("memtest: %d frames, %.1f MiB" % (count, count / 256))
        bad = {name: 0 for name, _, _, _ in TESTS}
        for number in range(passes):
            print("pass %d of %d" % (number + 1, passes))
            for name, steps, fill, verify in TESTS:
                bad[name] += test(runs, name, steps, fill, verify)
    finally:
        for addr, count in runs:
            frames.free(addr, count)
    print("test          steps  bad words")
    for name, steps, _, _ in TESTS:
        print("%-12s %6d %10d" % (name, steps * passes, bad[name]))
    found = sum(bad.values())
    print("memtest: %s" % ("%d bad words" % found if found else "no bad word"))
    return found
