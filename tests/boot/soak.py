"""Guest code: objects, frames, pages, mappings, faults and machine code at the edge of memory.

soak(seed, seconds) works until the time is over and gives everything back; it prints how many
steps it did. The same seed makes the same choices, however fast the machine is.
"""

import gc
import random
import time

import frames
import machine
import pages

RESERVE = 32  # SPACE_RESERVE_FRAMES


class Soak:
    def __init__(self, seed):
        self.random = random
        random.seed(seed)
        self.objects = []
        self.frames = []
        self.pages = []
        self.maps = []  # (va, count, addr)
        self.failed = 0
        self.kinds = (
            self.grow, self.grow, self.grow, self.shrink, self.take_frame, self.take_frame,
            self.give_frame, self.take_pages, self.give_pages, self.map, self.unmap, self.protect,
            self.fault, self.native, self.text, self.collect, self.check_pages,
        )  # fmt: skip

    def below(self, limit):
        return self.random.getrandbits(30) % limit

    def pick(self, items):
        return items.pop(self.below(len(items))) if items else None

    def grow(self):
        self.objects.append(bytearray(1 << self.below(19)))

    def text(self):
        self.objects.append([str(i) for i in range(self.below(500))])

    def shrink(self):
        for _ in range(self.below(8)):
            self.pick(self.objects)

    def take_frame(self):
        for _ in range(self.below(200)):
            addr = frames.alloc()
            self.frames.append(addr)
            machine.mem64[addr] = addr

    def give_frame(self):
        for _ in range(self.below(300)):
            addr = self.pick(self.frames)
            if addr is None:
                return
            assert machine.mem64[addr] == addr, "a frame was written to"
            frames.free(addr)

    def take_pages(self):
        p = pages.alloc(1 + self.below(64), 4096 << self.below(4))
        p[0:4] = p[len(p) - 4 : len(p)] = b"soak"
        self.pages.append(p)

    def give_pages(self):
        p = self.pick(self.pages)
        if p:
            assert p[0:4] == b"soak" and p[len(p) - 4 : len(p)] == b"soak", "pages were written to"
            p.close()

    def check_pages(self):
        for p in self.pages:
            assert p[0:4] == b"soak", "pages were written to"

    def map(self):
        count = 1 + self.below(1200)
        va = pages.reserve(count)
        addr = 0x200000 * self.below(8)
        self.maps.append((va, count, addr))
        done = False
        try:
            pages.map(va, addr, count, pages.READ)
            done = True
        finally:
            if not done:
                self.maps.pop()

    def unmap(self):
        found = self.pick(self.maps)
        if found:
            va, count, addr = found
            middle = self.below(count)
            try:
                if middle:
                    pages.unmap(va, middle)
                    va += middle * 4096
                    addr += middle * 4096
                    count -= middle
                pages.unmap(va, count)
            except MemoryError:
                self.maps.append((va, count, addr))
                raise

    def protect(self):
        if self.maps:
            va, count, addr = self.maps[self.below(len(self.maps))]
            at = self.below(count)
            flags = (pages.READ, pages.WRITE)[self.below(2)]
            pages.protect(va + at * 4096, 1 + self.below(count - at), flags)
            assert pages.translate(va + at * 4096)[0] == addr + at * 4096

    def fault(self):
        try:
            machine.mem8[self.below(4096)] = 1
        except FaultError as error:  # noqa: F821
            assert error.kind == "write"
            return
        raise AssertionError("no fault")

    def native(self):
        space = {}
        number = self.below(1000)
        code = "import micropython\n@micropython.native\ndef f(x):\n return x + %d\n" % number
        exec(code, space)
        assert space["f"](1) == number + 1
        self.objects.append(space["f"])

    def collect(self):
        if self.below(4) == 0:
            gc.collect()

    def give_all(self):
        self.objects.clear()
        while self.frames:
            frames.free(self.frames.pop())
        while self.pages:
            self.pages.pop().close()
        while self.maps:
            va, count, _ = self.maps.pop()
            pages.unmap(va, count)


def counts():
    gc.collect()
    gc.collect()
    stats = frames.stats()
    space = pages.stats()
    # What the frames are used for: a heap that an object holds at its end is larger than before,
    # and so may its tables be, the first of which lie in the image.
    other = stats.used - space.heap - space.tables - space.native - space.kept
    return stats.total, other, space.kept >= RESERVE


def soak(seed, seconds):
    Soak(seed).native()
    before = counts()
    work = Soak(seed)
    end = time.ticks_add(time.ticks_ms(), seconds * 1000)
    steps = 0
    while time.ticks_diff(end, time.ticks_ms()) > 0:
        steps += 1
        try:
            work.kinds[work.below(len(work.kinds))]()
        except MemoryError:
            work.failed += 1
            if work.failed % 4 == 0:
                work.shrink()
                work.give_frame()
                work.give_pages()
    work.give_all()
    failed = work.failed
    work = None
    after = counts()
    frames.check()
    print("steps", steps, "short of memory", failed, "same", before == after, before, after)
