"""Guest code: calls, cancels, queues, frames, pages, mappings, faults and resets on several CPUs.

soak(seed, seconds) works until the time is over and prints how many steps it did. The same seed
makes the same choices; what the CPUs do at once differs from run to run.
"""

import gc
import random
import time

import cpus
import frames
import pages

# --- What runs on the others: each function brings what it needs ------------------------------


def make_objects(size):
    kept = {}
    for i in range(size):
        kept[i % 100] = [str(i), (i, bytes(i % 300)), {i: {i}}]
    total = 0
    for i in kept:
        total += int(kept[i][0])
    return len(kept), total


def take_frames(count):
    import frames
    import machine

    taken = []
    try:
        for _ in range(count):
            addr = frames.alloc()
            taken.append(addr)
            machine.mem64[addr] = addr
        return count
    finally:
        wrong = 0
        for addr in taken:
            wrong += machine.mem64[addr] != addr
            frames.free(addr)
        assert not wrong, "a frame was written to"


def map_frames(count):
    import frames
    import machine
    import pages

    va = pages.reserve(count)
    addr = frames.alloc(count)
    try:
        pages.map(va, addr, count)
        try:
            for i in range(count):
                machine.mem64[va + i * 4096] = i
            pages.protect(va, 1, pages.READ)
            try:
                machine.mem64[va] = 1
                raise AssertionError("no fault")
            except FaultError:  # noqa: F821
                pass
        finally:
            pages.unmap(va, count)
        for i in range(count):
            assert machine.mem64[addr + i * 4096] == i
        try:
            machine.mem64[va]
            raise AssertionError("still mapped")
        except FaultError:  # noqa: F821
            return count
    finally:
        frames.free(addr, count)


def fault(addr):
    import machine

    machine.mem8[addr] = 1


def fill_memory(most):
    held = []
    for _ in range(most):
        held.append(bytearray(100000))
    return len(held)


def loop():
    while True:
        pass


def echo(q, answers, count):
    for _ in range(count):
        answers.put(q.get(20000))
    return count


def add(shared, lock, count):
    for _ in range(count):
        shared.fetch_add(0, 1)
        with lock:
            shared.store(8, shared.load(8) + 1)
    return count


# --- What CPU 0 does -------------------------------------------------------------------------


class Soak:
    def __init__(self, seed):
        random.seed(seed)
        self.calls = []  # (call, what it returns, the exception that it may raise)
        self.shared = pages.alloc()
        self.lock = cpus.Lock()
        self.added = 0
        self.short = 0
        self.others = cpus.all()[1:]
        self.kinds = (
            self.objects, self.objects, self.frames, self.frames, self.map, self.map, self.fault,
            self.fill, self.echo, self.add, self.settle, self.settle, self.cancel, self.reset,
            self.own_frames, self.collect,
        )  # fmt: skip

    def below(self, limit):
        return random.getrandbits(30) % limit

    def cpu(self):
        return self.others[self.below(len(self.others))]

    def run(self, function, args, result, error=MemoryError):
        if len(self.calls) > 20:
            self.settle()
        self.calls.append((self.cpu().run(function, *args), result, error))

    def objects(self):
        size = 1 + self.below(300)
        last = {}
        for i in range(size):
            last[i % 100] = i
        self.run(make_objects, (size,), (len(last), sum(last.values())))

    def frames(self):
        count = self.below(100)
        self.run(take_frames, (count,), count)

    def map(self):
        count = 1 + self.below(40)
        self.run(map_frames, (count,), count)

    def fault(self):
        self.run(fault, (self.below(4096),), None, FaultError)  # noqa: F821

    def fill(self):
        count = self.below(40)
        self.run(fill_memory, (count,), count)

    def add(self):
        count = self.below(100)
        self.added += count
        self.run(add, (self.shared, self.lock, count), count)

    def echo(self):
        count = 1 + self.below(50)
        q, answers = cpus.Queue(1 + self.below(10)), cpus.Queue(100)
        call = self.cpu().run(echo, q, answers, count)
        for i in range(count):
            q.put([i, bytes(self.below(6000))], 20000)
        for i in range(count):
            assert answers.get(20000)[0] == i
        assert call.result() == count

    def settle_one(self):
        call, result, error = self.calls.pop(self.below(len(self.calls)))
        try:
            got = call.result()
            assert result is None or got == result, (got, result)
        except error:
            self.short += error is MemoryError

    def settle(self):
        while self.calls:
            self.settle_one()

    def cancel(self):
        call = self.cpu().run(loop)
        call.wait(self.below(5))
        call.cancel()
        try:
            call.result()
            raise AssertionError("not cancelled")
        except KeyboardInterrupt:
            pass

    def reset(self):
        self.settle()
        cpu = self.cpu()
        call = cpu.run(loop)
        # What has not begun would begin after it.
        while "running" not in repr(call):
            pass
        cpu.reset()
        try:
            call.result()
            raise AssertionError("not reset")
        except RuntimeError:
            pass

    def own_frames(self):
        taken = [frames.alloc() for _ in range(self.below(100))]
        for addr in taken:
            frames.free(addr)

    def collect(self):
        gc.collect()

    def end(self):
        self.settle()
        assert self.shared.load(0) == self.shared.load(8) == self.added
        self.shared.close()
        for cpu in self.others:
            cpu.reset()


def bury(depth):
    # Writes over what functions that have returned left on the stack: the collector looks there.
    return bury(depth - 1) + depth if depth else 0


def counts():
    for _ in range(3):
        bury(60)
        gc.collect()
    stats = frames.stats()
    space = pages.stats()
    return stats.total, stats.used - space.heap - space.tables - space.native - space.kept


def work_for(seed, seconds):
    work = Soak(seed)
    end = time.ticks_add(time.ticks_ms(), seconds * 1000)
    steps = 0
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        steps += 1
        try:
            work.kinds[work.below(len(work.kinds))]()
        except MemoryError:
            work.short += 1
            work.settle()
    work.end()
    return steps, work.short


def soak(seed, seconds):
    work_for(seed, 0)
    before = counts()
    steps, short = work_for(seed, seconds)
    after = counts()
    frames.check()
    print("steps", steps, "short of memory", short, "same", before == after, before, after)
