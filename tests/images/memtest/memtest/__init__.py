# Tests every free frame, with all CPUs at once: what is written must be what is read, after all
# else has been written.

import sys

import cpus
import frames
from machine import mem32

from . import patterns

CHUNK = 256  # frames between two looks at the progress bar and at Ctrl-C
SHOWN = 10  # bad words of a test that are shown
BAR = 40  # characters
CALLS = 8  # frames of those of a CPU that are under way, and of their results

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


def everywhere(runs, function, arguments, finish):
    """function(addr, words, *arguments) for each run, by whichever CPU is free, this one as well;
    finish(addr, words, result) for each here."""
    waiting = [(cpu, []) for cpu in cpus.all()[1:]]

    def collect(calls, room):
        while len(calls) > room or calls and calls[0][2].done():
            addr, words, call = calls.pop(0)
            finish(addr, words, call.result())

    for addr, count in runs:
        words = count << 10
        for cpu, calls in waiting:
            collect(calls, 2)
            if len(calls) < 2:
                calls.append((addr, words, cpu.run(function, addr, words, *arguments)))
                break
        else:
            finish(addr, words, function(addr, words, *arguments))
    for _, calls in waiting:
        collect(calls, 0)


def test(runs, name, steps, fill, verify):
    """Fills all and then checks all, in each step; the number of bad words."""
    total = 2 * steps * len(runs)
    done = 0
    percent = -1
    bad = 0

    def tick(addr, words, result):
        nonlocal done, percent
        done += 1
        if 100 * done // total != percent:
            percent = 100 * done // total
            bar(done, total, name)

    def check(addr, words, result):
        nonlocal bad
        while result != words:
            bad += 1
            at, bits = result & 0xFFFFFFFF, result >> 32
            if bad <= SHOWN:
                where = addr + 4 * at
                # Up to here all has been checked and may be written again.
                fill(addr, at + 1, step)
                wrote = mem32[where]
                text = "%s: bad word at 0x%x: wrote 0x%08x, read 0x%08x"
                print("\r" + text % (name, where, wrote, wrote ^ bits))
            result = verify(addr, words, step, at + 1)
        tick(addr, words, result)

    for step in range(steps):
        everywhere(runs, fill, (step,), tick)
        everywhere(runs, verify, (step, 0), check)
    bar(total, total, name)
    print()
    return bad


def run(passes=1):
    """Test all free memory `passes` times, print a table, return the number of bad words."""
    # The others have what they need before all that is left is taken, and frames for calls.
    cpus.each(cpus.here)
    spare = [frames.alloc() for _ in range(CALLS * (len(cpus.all()) - 1))]
    runs = take()
    for addr in spare:
        frames.free(addr)
    try:
        count = sum(run[1] for run in runs)
        print("memtest: %d frames, %.1f MiB, %d CPUs" % (count, count / 256, len(cpus.all())))
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
