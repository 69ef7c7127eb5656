"""port/memory/paging.c does what a model of intervals says, with the fewest tables.

The same C as in the kernel, built with UBSan and, in a second run of this file, with ASan.
"""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

ROOT = Path(__file__).resolve().parents[2]
UNDER_ASAN = "PAGING_TEST_ASAN" in os.environ

PAGE, M2, G1 = 1 << 12, 1 << 21, 1 << 30
HALF = 1 << 47
HIGH = (1 << 64) - HALF
ADDR_END = 1 << 52
WRITE, EXECUTE, COMBINE, UNCACHED, OWN, DISOWN = 1, 2, 4, 8, 16, 32
(OK, MISALIGNED, NOT_CANONICAL, TOO_LONG, BAD_FLAGS, MAPPED, UNMAPPED, OWNED, NO_FRAME) = range(9)

Take = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p)
Give = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64)
Flush = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64)


class Paging(ctypes.Structure):
    _fields_ = [
        ("root", ctypes.c_uint64),
        ("base", ctypes.c_void_p),
        ("has_1g", ctypes.c_bool),
        ("allows_both", ctypes.c_bool),
        ("context", ctypes.c_void_p),
        ("take", Take),
        ("give", Give),
        ("flush", Flush),
    ]


class Page(ctypes.Structure):
    _fields_ = [
        ("va", ctypes.c_uint64),
        ("addr", ctypes.c_uint64),
        ("size", ctypes.c_uint64),
        ("flags", ctypes.c_uint),
    ]


def build():
    out = ROOT / "build" / "host"
    out.mkdir(parents=True, exist_ok=True)
    kind = "asan" if UNDER_ASAN else "ubsan"
    library = out / f"paging-{kind}-{os.getpid()}.so"
    checks = "address,undefined" if UNDER_ASAN else "undefined"
    subprocess.run(
        ["gcc", "-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
        + [f"-fsanitize={checks}", "-fno-sanitize-recover=all", "-I", ROOT / "port"]
        + [ROOT / "port" / "memory" / "paging.c", "-o", library],
        check=True,
    )
    loaded = ctypes.CDLL(str(library))
    library.unlink()
    loaded.paging_next.restype = ctypes.c_bool
    loaded.paging_tables.restype = ctypes.c_size_t
    loaded.paging_text.restype = ctypes.c_char_p
    return loaded


lib = build()


def u64(value):
    return ctypes.c_uint64(value)


class Machine:
    """Frames, the C under test, and what it must have done before it gives a table back."""

    FRAMES = 96

    def __init__(self, has_1g):
        size = (self.FRAMES + 2) * PAGE
        self.memory = ctypes.create_string_buffer(size)
        start = ctypes.addressof(self.memory)
        self.first = PAGE  # frame 0 is never handed out: 0 means "none"
        base = (start + PAGE - 1) // PAGE * PAGE - self.first
        self.free = [self.first + i * PAGE for i in range(self.FRAMES)]
        self.allocated = set()
        self.limit = None  # how many more frames take() gives
        self.flushed = []
        self.base = base
        self.callbacks = Take(self.take), Give(self.give), Flush(self.flush)
        self.c = Paging(0, base, has_1g, False, None, *self.callbacks)
        for addr in self.free:
            self.scribble(addr)
        assert lib.paging_init(ctypes.byref(self.c)) == OK

    def scribble(self, addr):
        ctypes.memset(self.base + addr, 0xA5, PAGE)

    def take(self, _):
        if not self.free or self.limit == 0:
            return 0
        if self.limit is not None:
            self.limit -= 1
        addr = self.free.pop()
        self.allocated.add(addr)
        return addr

    def give(self, _, addr):
        self.allocated.remove(addr)
        self.free.append(addr)
        self.scribble(addr)

    def flush(self, _, va, size):
        self.flushed.append((va, va + size))

    def map(self, va, addr, count, flags):
        return lib.paging_map(ctypes.byref(self.c), u64(va), u64(addr), u64(count), flags)

    def check(self, va, addr, count, flags):
        return lib.paging_check(ctypes.byref(self.c), u64(va), u64(addr), u64(count), flags)

    def unmap(self, va, count, flags=0):
        return lib.paging_unmap(ctypes.byref(self.c), u64(va), u64(count), flags)

    def protect(self, va, count, flags):
        return lib.paging_protect(ctypes.byref(self.c), u64(va), u64(count), flags)

    def translate(self, va):
        page = Page()
        status = lib.paging_translate(ctypes.byref(self.c), u64(va), ctypes.byref(page))
        return (status, page.va, page.addr, page.size, page.flags) if status == OK else (status,)

    def walk(self):
        page = Page()
        va = 0
        while lib.paging_next(ctypes.byref(self.c), u64(va), ctypes.byref(page)):
            yield page.va, page.addr, page.size, page.flags
            va = page.va + page.size
            if va == 1 << 64:
                return

    def tables(self):
        return lib.paging_tables(ctypes.byref(self.c))


class Model:
    """Disjoint intervals [start, end) with addr - va and flags, sorted and merged."""

    def __init__(self, has_1g):
        self.has_1g = has_1g
        self.runs = []

    def overlapping(self, start, end):
        return [run for run in self.runs if run[0] < end and start < run[1]]

    def covered(self, start, end):
        return sum(min(e, end) - max(s, start) for s, e, *_ in self.overlapping(start, end))

    def replace(self, start, end, make):
        runs = []
        for s, e, delta, flags in self.runs:
            if e <= start or end <= s:
                runs.append((s, e, delta, flags))
                continue
            if s < start:
                runs.append((s, start, delta, flags))
            if end < e:
                runs.append((end, e, delta, flags))
            new = make(delta)
            if new:
                runs.append((max(s, start), min(e, end), *new))
        self.set(runs)

    def set(self, runs):
        self.runs = []
        for run in sorted(runs):
            if self.runs and self.runs[-1][1] == run[0] and self.runs[-1][2:] == run[2:]:
                run = (self.runs.pop()[0], *run[1:])
            self.runs.append(run)

    def sizes(self):
        return (G1, M2, PAGE) if self.has_1g else (M2, PAGE)

    def page(self, va):
        for s, e, delta, flags in self.overlapping(va, va + 1):
            for size in self.sizes():
                start = va // size * size
                if s <= start and start + size <= e and (start + delta) % size == 0:
                    return (OK, start, start + delta, size, flags)
        return (UNMAPPED,)

    def pages(self):
        for s, e, _delta, _flags in self.runs:
            va = s
            while va < e:
                _, start, addr, size, flags = self.page(va)
                yield start, addr, size, flags
                va += size

    def tables(self):
        # Each table covers one aligned block: 2 MiB, 1 GiB or 512 GiB.
        blocks = {G1 << 9: set(), G1: set(), M2: set()}
        for start, _, size, _ in self.pages():
            for block, found in blocks.items():
                if size < block:
                    found.add(start // block)
        return 1 + sum(map(len, blocks.values()))


def range_status(va, count):
    if va % PAGE:
        return MISALIGNED
    if HALF <= va < HIGH:
        return NOT_CANONICAL
    if count == 0 or count > ((1 << 64) - 1) // PAGE:
        return TOO_LONG
    if va < HALF < va + count * PAGE:
        return NOT_CANONICAL
    if va + count * PAGE > 1 << 64:
        return TOO_LONG
    return OK


def flags_status(flags):
    bad = flags > 63 or flags & 3 == 3 or flags & 12 == 12 or flags & 48 == 48
    return BAD_FLAGS if bad else OK


BASES = [0, M2, G1, 2 * G1, 3 * G1 - M2, 512 * G1 - G1, 512 * G1, HALF - 2 * G1, HIGH]
BASES += [(1 << 64) - 2 * G1]
offsets = st.one_of(
    st.sampled_from([0, M2, 2 * M2, 511 * M2, G1]),
    st.integers(-3, 3).map(lambda n: n * PAGE),
    st.integers(0, 1030).map(lambda n: n * PAGE),
)
good_va = st.builds(
    lambda base, offset: (base + offset) % (1 << 64), st.sampled_from(BASES), offsets
)
good_va = good_va.filter(lambda va: not HALF <= va < HIGH)
some_va = st.one_of(good_va, good_va, good_va, st.integers(0, (1 << 64) - 1))
some_addr = st.one_of(
    st.sampled_from([0, M2, G1, 5 * G1, ADDR_END - 2 * G1]),
    st.integers(0, 600).map(lambda n: 3 * G1 + n * PAGE),
    st.integers(0, 1 << 53),
)
some_count = st.one_of(
    st.integers(1, 3),
    st.sampled_from([511, 512, 513, 1024, 1536, 262144, 262145, 524288]),
    st.integers(0, 2000),
    st.integers(0, 1 << 60),
)
good_flags = st.sampled_from(
    [0, WRITE, EXECUTE, WRITE | UNCACHED, COMBINE, WRITE | OWN, OWN, DISOWN]
)
some_flags = st.one_of(good_flags, good_flags, good_flags, st.integers(0, 127))
limits = st.one_of(st.none(), st.integers(0, 4))


class PagingMachine(RuleBasedStateMachine):
    @initialize(has_1g=st.booleans())
    def begin(self, has_1g):
        self.c = Machine(has_1g)
        self.model = Model(has_1g)
        self.tlb = {}

    def run(self, call, status, limit, change):
        """Make the call; if it has no frames it changes nothing, else the model changes too."""
        before = self.model.runs
        if status == OK:
            change()
            after, self.model.runs = self.model.runs, before
            if self.model_too_big(after):
                return
        tables = self.c.tables()
        self.c.flushed.clear()
        self.c.limit = limit
        got = call()
        self.c.limit = None
        if status == OK and got == NO_FRAME:
            # Only where frames were short.
            assert limit is not None or len(self.c.free) < 6
            assert self.c.tables() == tables
        else:
            assert got == status, (got, status)
            if status == OK:
                self.model.runs = after
        # What the CPU may hold and was not told to forget must still be so.
        for va in list(self.tlb):
            if any(start <= va < end for start, end in self.c.flushed):
                del self.tlb[va]
            else:
                assert self.c.translate(va)[2:] == self.tlb[va][2:] or self.same_bytes(va)

    def same_bytes(self, va):
        # The page's size may have changed; the byte's address and flags not.
        _, start, addr, _, flags = self.tlb[va]
        now = self.c.translate(va)
        return now[0] == OK and (now[2] - now[1], now[4]) == (addr - start, flags)

    def model_too_big(self, runs):
        return sum(run[1] - run[0] for run in runs if run[2] % M2) > 40 * M2

    @rule(va=some_va, addr=some_addr, count=some_count, flags=some_flags, limit=limits)
    def map(self, va, addr, count, flags, limit):
        status = range_status(va, count)
        if status == OK:
            if addr % PAGE:
                status = MISALIGNED
            elif addr + count * PAGE > ADDR_END:
                status = TOO_LONG
            else:
                status = flags_status(flags)
        end = va + count * PAGE
        if status == OK and self.model.overlapping(va, end):
            status = MAPPED
        if count > 1 << 20 and status == OK:
            return

        def change():
            self.model.set(self.model.runs + [(va, end, addr - va, flags & ~DISOWN)])

        assert self.c.check(va, addr, count, flags) == status
        self.run(lambda: self.c.map(va, addr, count, flags), status, limit, change)

    @rule(
        va=st.sampled_from([G1, 2 * G1, 512 * G1 - G1, HALF - 2 * G1, (1 << 64) - 2 * G1]),
        addr=st.sampled_from([0, G1, 5 * G1, G1 + M2]),
        count=st.sampled_from([512, 1024, 262144, 262144 + 512, 524288]),
        flags=good_flags,
    )
    def map_large(self, va, addr, count, flags):
        self.map(va, addr, count, flags, None)

    def on_mapped(self, va, count, own):
        status = range_status(va, count)
        if status != OK:
            return status
        # The first page that is not there or is the kernel's decides.
        at, end = va, va + count * PAGE
        for s, e, _, flags in sorted(self.model.overlapping(va, end)):
            if s > at:
                return UNMAPPED
            if flags & OWN and not own:
                return OWNED
            at = e
        return OK if at >= end else UNMAPPED

    @rule(va=some_va, count=some_count, own=st.sampled_from([0, OWN, DISOWN]), limit=limits)
    def unmap(self, va, count, own, limit):
        status = self.on_mapped(va, count, own)
        end = va + count * PAGE
        self.run(
            lambda: self.c.unmap(va, count, own),
            status,
            limit,
            lambda: self.model.replace(va, end, lambda delta: None),
        )

    @rule(va=some_va, count=some_count, flags=some_flags, limit=limits)
    def protect(self, va, count, flags, limit):
        status = range_status(va, count)
        if status == OK:
            status = TOO_LONG if count * PAGE > ADDR_END else flags_status(flags)
        if status == OK:
            status = self.on_mapped(va, count, flags & (OWN | DISOWN))
        end = va + count * PAGE
        self.run(
            lambda: self.c.protect(va, count, flags),
            status,
            limit,
            lambda: self.model.replace(va, end, lambda delta: (delta, flags & ~DISOWN)),
        )

    @precondition(lambda self: self.model.runs)
    @rule(
        data=st.data(),
        cut=st.integers(0, 1025),
        more=st.one_of(
            st.integers(1, 3), st.integers(1, 1025), st.sampled_from([262144, 1 << 30])
        ),
        flags=good_flags,
        own=st.sampled_from([0, OWN, DISOWN]),
        limit=limits,
    )
    def edit_what_is_there(self, data, cut, more, flags, own, limit):
        s, e, _, _ = data.draw(st.sampled_from(self.model.runs))
        start = min(s + cut * PAGE, e - PAGE)
        count = min(more, (e - start) // PAGE)
        if data.draw(st.booleans()):
            self.unmap(start, count, own, limit)
        else:
            self.protect(start, count, flags | own, limit)

    @precondition(lambda self: self.model.runs)
    @rule(data=st.data(), inside=st.integers(0, 1 << 40))
    def look(self, data, inside):
        s, e, _, _ = data.draw(st.sampled_from(self.model.runs))
        va = s + inside % (e - s)
        self.tlb[va] = self.c.translate(va)

    @rule(va=some_va)
    def translate(self, va):
        expected = (NOT_CANONICAL,) if HALF <= va < HIGH else self.model.page(va)
        assert self.c.translate(va) == expected

    @invariant()
    def tables_say_what_the_model_says(self):
        if not hasattr(self, "c"):
            return
        assert list(self.c.walk()) == list(self.model.pages())
        assert self.c.tables() == self.model.tables() == len(self.c.allocated)

    def teardown(self):
        if hasattr(self, "c"):
            for s, e, _, _ in list(self.model.runs):
                assert self.c.unmap(s, (e - s) // PAGE, OWN) == OK
            assert len(self.c.allocated) == 1


PagingMachine.TestCase.settings = settings(
    max_examples=40 if UNDER_ASAN else 120,
    stateful_step_count=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
TestModel = PagingMachine.TestCase


@pytest.mark.parametrize("has_1g", [False, True])
def test_largest_pages(has_1g):
    """1 GiB + 2 MiB + 4 KiB are three pages with 1 GiB pages, 514 without."""
    c = Machine(has_1g)
    assert c.map(0, 0, 262144 + 512 + 1, WRITE) == OK
    assert len(list(c.walk())) == (3 if has_1g else 514)


def test_split_and_merge():
    """Cutting a 4 KiB page out of 1 GiB takes two tables, which putting it back gives back."""
    c = Machine(True)
    assert c.map(G1, G1, 262144, WRITE) == OK
    assert c.tables() == 2
    assert c.unmap(G1 + 5 * M2 + PAGE, 1) == OK
    assert c.tables() == 4
    assert c.map(G1 + 5 * M2 + PAGE, G1 + 5 * M2 + PAGE, 1, WRITE) == OK
    assert c.tables() == 2
    assert list(c.walk()) == [(G1, G1, G1, WRITE)]
    assert c.protect(G1 + 7 * PAGE, 2, 0) == OK
    assert c.tables() == 4
    assert c.protect(G1 + 8 * PAGE, 1, WRITE) == OK
    assert c.protect(G1 + 7 * PAGE, 1, WRITE) == OK
    assert c.tables() == 2


@pytest.mark.parametrize("frames", range(5))
def test_no_frame_changes_nothing(frames):
    """A map that needs five tables fails with fewer frames, and none of them is lost."""
    c = Machine(False)
    c.limit = frames
    free = len(c.free)
    # Across a 1 GiB boundary: a PDPT, two page directories, two page tables.
    assert c.map(G1 - PAGE, 0x5000, 2, WRITE) == NO_FRAME
    assert len(c.free) == free
    assert c.tables() == 1
    c.limit = 5
    assert c.map(G1 - PAGE, 0x5000, 2, WRITE) == OK


@given(st.integers(0, NO_FRAME))
def test_every_status_has_a_text(status):
    assert len(lib.paging_text(status)) > 3


@pytest.mark.skipif(UNDER_ASAN, reason="this is that run")
def test_under_asan():
    """All of this file again with ASan."""
    asan = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    env = dict(os.environ, LD_PRELOAD=asan, ASAN_OPTIONS="detect_leaks=0", PAGING_TEST_ASAN="1")
    env.pop("PYTEST_XDIST_WORKER", None)
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            __file__,
        ],
        env=env,
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-3000:]
