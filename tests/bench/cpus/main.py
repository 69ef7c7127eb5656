# Prints lines of a name and numbers, for bench_cpus.py.
import sys
import time

import cpus
import pages
import work

REPEATS = 5
ROUNDS = 60


def at_once(name, count):
    """The same work on that many CPUs: us from the first begin to the last end."""
    with pages.alloc() as p:
        calls = [cpu.run(work.work, name, p, count) for cpu in cpus.all()[1:count]]
        times = [work.work(name, p, count)] + [call.result() for call in calls]
    first = times[0][0]
    for start, _ in times:
        if time.ticks_diff(start, first) < 0:
            first = start
    return max(time.ticks_diff(start, first) + took for start, took in times)


def scale(counts):
    """Each work in turn, on each number of CPUs: what the host does beside it hits all of them."""
    best = {}
    for _ in range(ROUNDS):
        for name in work.WORK:
            for count in counts:
                us = at_once(name, count)
                best[name, count] = min(best.get((name, count), us), us)
    for name in work.WORK:
        print("scale", name, *(best[name, count] for count in counts))


def best_of(function, count):
    best = None
    for _ in range(REPEATS):
        start = time.ticks_cpu()
        begin = time.ticks_us()
        function(count)
        took = time.ticks_cpu() - start, time.ticks_diff(time.ticks_us(), begin)
        best = took if best is None or took < best else best
    return best[0] / count, best[1] / count


def call(count):
    cpu = cpus.all()[-1]
    for _ in range(count):
        cpu.run(cpus.here).result()


def echo(p):
    while True:
        while p.load(0) == 0:
            pass
        if p.load(0) == 2:
            return
        p.store(0, 0)


def spin(p, count):
    for _ in range(count):
        p.store(0, 1)
        while p.load(0):
            pass


def send(q, value, count):
    for _ in range(count):
        q.put(value)


def receive(value, count):
    q = cpus.Queue(64)
    sender = cpus.all()[-1].run(send, q, value, count)
    for _ in range(count):
        q.get()
    sender.result()


cpus.all()
call(10)
if "cost" in WHAT:  # noqa: F821
    print("call", *best_of(call, 300))
if "all" in WHAT:  # noqa: F821
    with pages.alloc() as p:
        there = cpus.all()[-1].run(echo, p)
        print("spin", *best_of(lambda count: spin(p, count), 1000))
        p.store(0, 2)
        there.result()
    print("queue16", *best_of(lambda count: receive(bytes(16), count), 2000))
    print("queue64k", *best_of(lambda count: receive(bytes(65536), count), 200))
    scale(range(1, len(cpus.all()) + 1))
sys.exit(0)
