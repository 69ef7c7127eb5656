"""The frame allocator's C core on the host, under ASan and UBSan, against plain models."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.host.conftest import build

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
OUT = TOP / "build" / "host"
FRAME = 4096
M = 1 << 20
G = 1 << 30
OK, NO_MAP, NO_MEMORY, BAD_ARGUMENT, BAD_FREE, IN_USE, HAVE_MAP = range(7)


@pytest.fixture(scope="session", autouse=True)
def binaries():
    build("frames")


class Driver:
    """The C core in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen(
            [os.environ.get("FRAMES_DRIVER", OUT / "frames_driver")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ask(self, *words):
        try:
            self.process.stdin.write(" ".join(map(str, words)) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise AssertionError(f"{words}: the driver died:\n{self.process.stderr.read()}")
        return line.rstrip("\n")

    def __call__(self, *words):
        return int(self.ask(*words))

    def init(self, *ranges, cpus=1):
        return self("init", cpus, *ranges)

    def stats(self):
        names = "status total free reserved metadata metadata_frames metadata_addr free_2m"
        return dict(zip(names.split(), map(int, self.ask("stats").split()), strict=False))

    def fill(self, count):
        status, *addrs = map(int, self.ask("fill", count).split())
        return addrs if status == OK else -status

    def sound(self):
        text = self.ask("check")
        assert text == " 0", text

    def close(self):
        self.process.stdin.close()
        assert self.process.wait() == 0, self.process.stderr.read()
        self.process.stdout.close()
        self.process.stderr.close()


@pytest.fixture
def frames():
    driver = Driver()
    yield driver
    driver.close()


@pytest.fixture(params=[1, 3], ids=["one-cpu", "three-cpus"])
def cpus(request):
    return request.param


def all_frames(frames):
    """Take every frame there is."""
    addrs = []
    while (addr := frames("alloc")) >= 0:
        addrs.append(addr)
    assert addr == -NO_MEMORY
    return addrs


# --- The classic mistakes, one by one -----------------------------------------------------------


def test_the_first_frame_is_handed_out(frames, cpus):
    """Frame 0 is a frame like any other when the map has it."""
    frames.init(0, 16 * FRAME, cpus=cpus)
    assert 0 in all_frames(frames)
    assert frames("free", 0) == OK
    assert frames("alloc") == 0


def test_only_what_the_map_names_is_handed_out(frames, cpus):
    """Holes between regions stay out, also those that share a chunk with memory."""
    ranges = [(M, M + 9 * FRAME), (M + 20 * FRAME, M + 30 * FRAME), (5 * M, 5 * M + FRAME)]
    frames.init(*sum(ranges, ()), cpus=cpus)
    addrs = all_frames(frames)
    assert len(addrs) == frames.stats()["total"] == 19
    assert all(any(s <= a and a + FRAME <= e for s, e in ranges) for a in addrs)


def test_a_hole_cannot_be_freed(frames, cpus):
    """A hole that shares a chunk with memory is not allocated memory."""
    frames.init(M, M + 9 * FRAME, M + 20 * FRAME, M + 30 * FRAME, cpus=cpus)
    all_frames(frames)
    before = frames.stats()
    for addr in (M + 10 * FRAME, M + 19 * FRAME, M - FRAME, 0, M + 31 * FRAME, 2 * M, G):
        assert frames("free", addr) == BAD_FREE
        assert frames("free_run", addr, 2) == BAD_FREE
    assert frames("free", before["metadata_addr"]) == BAD_FREE
    assert frames.stats() == before
    frames.sound()


def test_below_and_above_all_memory_is_nothing(frames, cpus):
    """Neither the first frames that an address can name nor those behind the last are had."""
    frames.init(4 * G, 4 * G + 4 * M, cpus=cpus)
    all_frames(frames)
    before = frames.stats()
    for addr in (*range(0, 4 * M, FRAME), *range(4 * G + 4 * M, 4 * G + 8 * M, FRAME)):
        assert frames("free", addr) == BAD_FREE
    assert frames.stats() == before
    frames.sound()


def test_a_free_with_nothing_held(frames, cpus):
    """No word at hand, before the first alloc and after each way to lose it: nothing is taken."""
    aliases = [k * FRAME - 1 for k in range(-64, 129)]

    def refused():
        before = frames.stats()
        for addr in aliases:
            assert frames("free", addr % (1 << 64)) == BAD_FREE, hex(addr)
            assert frames("free_run", addr % (1 << 64), 1) == BAD_FREE
            assert frames("drain", addr % (1 << 64)) == BAD_FREE
        assert frames.stats() == before
        frames.sound()

    for addr in aliases:
        assert frames("free", addr % (1 << 64)) == NO_MAP
    frames.init(0, 9 * M, cpus=cpus)
    refused()
    frames("alloc")
    refused()
    assert frames("reserve", 0, FRAME) == OK  # Closes all CPUs.
    refused()
    all_frames(frames)
    refused()
    frames("deinit")
    for addr in aliases:
        assert frames("free", addr % (1 << 64)) == NO_MAP


def test_a_free_chunk_in_use_is_counted(frames):
    """While a CPU takes frames from a chunk that is free as a whole, it is a free 2 MiB frame."""
    for cpus in (1, 3, 9):
        frames.init(2 * M, 10 * M, cpus=cpus)
        before = frames.stats()
        assert before["free_2m"] == 3
        for count in (1, 64, 65, 512):
            assert frames("drain", *frames.fill(count)) == OK
            assert frames.stats() == before
        # Every word of a chunk with another CPU.
        addrs = []
        for cpu in range(cpus):
            frames("cpu", cpu)
            addrs.append(frames("alloc"))
        for cpu in range(cpus):
            frames("cpu", cpu)
            assert frames("free", addrs[cpu]) == OK
        assert frames.stats() == before
        frames("deinit")


def test_a_free_frees_that_frame(frames, cpus):
    """What comes back is what was given, not the last or the first one."""
    frames.init(M, 2 * M, cpus=cpus)
    addrs = all_frames(frames)
    for addr in (addrs[7], addrs[200], addrs[3]):
        assert frames("free", addr) == OK
        assert frames("alloc") == addr


def test_partial_frames_are_lost_inwards(frames, cpus):
    """A region's ragged ends are never rounded outwards."""
    frames.init(M + 1, M + 8 * FRAME + 4095, 3 * M + 4095, 3 * M + FRAME, cpus=cpus)
    addrs = all_frames(frames)
    assert min(addrs) >= M + FRAME and max(addrs) + FRAME <= M + 8 * FRAME
    assert frames.stats()["total"] + frames.stats()["metadata_frames"] == 7


def test_touching_partial_frames_make_a_whole_one(frames):
    """Regions that touch inside a frame are merged before they are rounded."""
    frames.init(M, M + 2 * FRAME + 100, M + 2 * FRAME + 100, M + 4 * FRAME)
    assert frames.stats()["total"] + frames.stats()["metadata_frames"] == 4


def test_overlapping_regions_give_each_frame_once(frames, cpus):
    """A frame named twice by the map is one frame."""
    frames.init(2 * M, 4 * M, M, 3 * M, 2 * M, 3 * M, cpus=cpus)
    addrs = all_frames(frames)
    assert len(addrs) == len(set(addrs)) == 3 * M // FRAME - frames.stats()["metadata_frames"]


def test_no_frame_in_two_hands(frames, cpus):
    """Singles, runs and 2 MiB frames never share a frame."""
    frames.init(M, 9 * M, cpus=cpus)
    seen = set()
    for i in range(40):
        frames("cpu", i % cpus)
        for addr, count in (
            (frames("alloc"), 1),
            (frames("alloc_run", 3, FRAME, 0), 3),
            (frames("alloc_2m") if i < 2 else -1, 512),
        ):
            if addr >= 0:
                new = {addr + k * FRAME for k in range(count)}
                assert not new & seen
                seen |= new
    frames.sound()


def test_alignment_is_of_the_address(frames, cpus):
    """Not of the index in a region that begins anywhere."""
    frames.init(M + 3 * FRAME, 33 * M + 5 * FRAME, cpus=cpus)
    for power in range(12, 25):
        addr = frames("alloc_run", 2, 1 << power, 0)
        assert addr >= 0 and addr % (1 << power) == 0
        assert frames("free_run", addr, 2) == OK


def test_alignment_does_not_overflow(frames, cpus):
    """A huge alignment, count or limit is an error and nothing else."""
    frames.init(M, 9 * M, cpus=cpus)
    before = frames.stats()
    for align in (1 << 40, 1 << 52, 1 << 63):
        assert frames("alloc_run", 1, align, 0) == -NO_MEMORY
    for count in (1 << 40, 1 << 52, 1 << 63, (1 << 64) - 1):
        assert frames("alloc_run", count, FRAME, 0) == -NO_MEMORY
        assert frames("alloc_run", count, 1 << 63, (1 << 64) - 1) == -NO_MEMORY
        assert frames("free_run", M, count) == BAD_FREE
        assert frames("free_run", (1 << 64) - FRAME, count) == BAD_FREE
    for align in (0, 1, 2048, 12288, (1 << 64) - 4096):
        assert frames("alloc_run", 1, align, 0) == -BAD_ARGUMENT
    assert frames("alloc_run", 0, FRAME, 0) == -BAD_ARGUMENT
    assert frames.stats() == before


def test_a_failed_contiguous_free_frees_nothing(frames, cpus):
    """Validate, then change: also when the bad frame is the last one."""
    frames.init(M, 9 * M, cpus=cpus)
    addr = frames("alloc_run", 700, FRAME, 0)
    assert frames("free", addr + 699 * FRAME) == OK
    before = frames.stats()
    assert frames("free_run", addr, 700) == BAD_FREE
    assert frames("free_run", addr, 4000) == BAD_FREE
    assert frames("free_run", addr - FRAME, 701) == BAD_FREE
    assert frames.stats() == before
    frames.sound()


def test_a_merge_does_not_hide_a_double_free(frames, cpus):
    """All neighbours free, the chunk whole: it is still a double free."""
    frames.init(2 * M, 10 * M + 40 * FRAME, cpus=cpus)
    addrs = all_frames(frames)
    for addr in addrs:
        assert frames("free", addr) == OK
    before = frames.stats()
    for addr in addrs[:1200:7]:
        assert frames("free", addr) == BAD_FREE
        assert frames("free_run", addr // (2 * M) * 2 * M, 512) == BAD_FREE
    assert frames.stats() == before
    frames.sound()


def test_a_frame_that_a_cpu_has_reserved_is_free(frames):
    """A frame that a CPU has claimed and not allocated cannot be freed, from any CPU."""
    frames.init(2 * M, 6 * M, cpus=3)
    first = frames("alloc")
    for cpu in range(3):
        frames("cpu", cpu)
        assert frames("free", first + FRAME) == BAD_FREE
        assert frames("free_run", first + FRAME, 2) == BAD_FREE
    frames.sound()


def test_a_chunk_that_a_cpu_has_reserved_is_free(frames):
    """A 2 MiB frame that a CPU has claimed and not allocated cannot be freed, from any CPU."""
    frames.init(2 * M, 40 * M, cpus=3)
    first = frames("alloc_2m")
    before = frames.stats()
    assert before["free_2m"] == 17
    for cpu in range(3):
        frames("cpu", cpu)
        assert frames("free_2m", first + 2 * M) == BAD_FREE
        assert frames("free_run", first + 2 * M, 512) == BAD_FREE
        assert frames("free_run", first + 2 * M, 1024) == BAD_FREE
        assert frames("free", first + 2 * M) == BAD_FREE
    assert frames.stats() == before
    for cpu in (1, 0):
        frames("cpu", cpu)
        assert frames("free_2m", first) == OK
        assert frames("free_2m", first) == BAD_FREE
        frames("cpu", 0)
        first = frames("alloc_2m")
    frames.sound()


def test_inside_a_bigger_frame(frames, cpus):
    """4 KiB in 2 MiB, and 4 KiB and 2 MiB in 1 GiB."""
    frames.init(M, 3 * G + 40 * FRAME, cpus=cpus)
    huge, giant = frames("alloc_2m"), frames("alloc_run", 262144, G, 0)
    assert huge % (2 * M) == 0 and giant % G == 0
    before = frames.stats()
    for addr in (huge, huge + FRAME, giant, giant + 5 * M):
        assert frames("free", addr) == BAD_FREE
    assert frames("free_run", huge, 511) == BAD_FREE
    assert frames("free_2m", giant) == BAD_FREE
    assert frames("free_2m", giant + 2 * M) == BAD_FREE
    assert frames("free_run", giant, 262143) == BAD_FREE
    assert frames("free_run", giant + 2 * M, 262144) == BAD_FREE
    assert frames.stats() == before
    assert frames("free_2m", huge) == OK and frames("free_run", giant, 262144) == OK
    assert frames("free_2m", huge) == BAD_FREE
    assert frames("free_run", giant, 262144) == BAD_FREE
    frames.sound()


@pytest.mark.parametrize(
    "call",
    "alloc;free 0;alloc_2m;free_2m 0;alloc_run 1 4096 0;free_run 0 1;kernel 1 4096 0;"
    "free_kernel 0 1;fill 1;drain 0;reserve 0 4096;stats;check;show 80 24;runs;kind 0;"
    "init 1 0 4096".split(";"),
)
def test_an_interrupt_in_the_middle(call):
    """In a build for tests every function stops where it is called from an interrupt."""
    driver = Driver()
    driver.init(M, 9 * M)
    driver("interrupt")
    with pytest.raises(AssertionError, match="called from an interrupt"):
        driver.ask(*call.split())
    driver.process.wait()


def test_the_kernels_frames(frames, cpus):
    """They go back as the kernel's only, all of them, and beside them others come and go."""
    frames.init(M, 33 * M, cpus=cpus)
    before = frames.stats()
    runs = []
    for count, align in ((1, FRAME), (3, FRAME), (512, 2 * M), (700, FRAME), (1024, 2 * M)):
        runs.append((frames("kernel", count, align, 0), count))
    others = frames.fill(700)
    counts = frames.stats()
    for addr, count in runs:
        assert (
            addr >= 0 and frames("kind", addr) == frames("kind", addr + FRAME * (count - 1)) == 6
        )
        for call in ("free", "free_2m", "drain"):
            assert frames(call, addr) == BAD_FREE
        for part in {1, count, count + 1}:
            assert frames("free_run", addr, part) == BAD_FREE
        assert frames("free_kernel", addr + 1, count) == BAD_FREE
        assert frames("reserve", addr, addr + FRAME) == IN_USE
    for addr in others[::50]:
        assert frames("free_kernel", addr, 1) == BAD_FREE
        assert frames("drain", addr, runs[0][0]) == BAD_FREE
    assert frames.stats() == counts
    frames.sound()
    assert frames("drain", *others) == OK
    for addr, count in runs:
        assert frames("free_kernel", addr, count) == OK
        assert frames("free_kernel", addr, count) == BAD_FREE
    frames.sound()
    assert frames.stats() | {"metadata": 0} == before | {"metadata": 0}


def test_the_kernels_frames_everywhere(frames, cpus):
    """In every chunk, beside others: marks take room, and memory can be used to its last frame."""
    frames.init(2 * M, 66 * M, cpus=cpus)
    metadata = frames.stats()["metadata"]
    addrs = all_frames(frames)
    for addr in addrs[::2]:
        assert frames("free", addr) == OK
    kernels = []
    while (addr := frames("kernel", 1, FRAME, 0)) >= 0:
        kernels.append(addr)
    stats = frames.stats()
    assert stats["free"] <= 1
    assert stats["metadata"] - metadata <= 32 * 88  # Bytes, for as many chunks.
    frames.sound()
    for addr in kernels[::101]:
        assert frames("free", addr) == BAD_FREE
    for addr in kernels:
        assert frames("free_kernel", addr, 1) == OK
    for addr in addrs[1::2]:
        assert frames("free", addr) == OK
    assert frames.stats()["free"] == frames.stats()["total"]
    frames.sound()


# --- The rest of the contract -----------------------------------------------------------------


def test_before_the_map(frames):
    """Everything says that there is no map; a second map is refused."""
    assert frames("alloc") == frames("alloc_2m") == frames("alloc_run", 9, FRAME, 0) == -NO_MAP
    for call in ("free 0", "free_2m 0", "free_run 0 9", "drain 0", "reserve 0 4096"):
        assert frames(*call.split()) == NO_MAP
    assert frames.fill(1) == -NO_MAP and frames.stats()["status"] == NO_MAP
    assert frames.ask("show", 80, 24) == frames.ask("runs") == f" {NO_MAP}"
    assert frames.ask("check").endswith(" 1")
    assert frames.init(0, M) == OK
    assert frames.init(0, M) == HAVE_MAP
    assert frames("deinit") == 0
    assert frames("alloc") == -NO_MAP


def test_bad_maps_change_nothing(frames):
    """An inverted range, one beyond 2^52, no memory, no CPUs, too many regions."""
    assert frames.init(2 * M, M) == BAD_ARGUMENT
    assert frames.init(M, (1 << 52) + FRAME) == BAD_ARGUMENT
    assert frames.init(0, M, cpus=0) == BAD_ARGUMENT
    assert frames.init(0, M, cpus=257) == BAD_ARGUMENT
    assert frames.init() == frames.init(M, M) == frames.init(1, FRAME) == NO_MEMORY
    regions = [x for i in range(1025) for x in (2 * i * FRAME, (2 * i + 1) * FRAME)]
    assert frames.init(*regions, G, 2 * G) == BAD_ARGUMENT
    assert frames("alloc") == -NO_MAP
    assert frames.init((1 << 52) - M, 1 << 52) == OK


def test_1024_regions(frames, cpus):
    """Every one of them is served, with memory enough for the metadata in the last."""
    regions = [x for i in range(1023) for x in ((3 * i + 1) * FRAME, (3 * i + 2) * FRAME)]
    assert frames.init(*regions, G, G + M, cpus=cpus) == OK
    addrs = all_frames(frames)
    assert {(3 * i + 1) * FRAME for i in range(1023)} <= set(addrs)
    for addr in addrs[::3]:
        assert frames("free", addr) == OK
    frames.sound()


def test_a_terabyte_hole_costs_nothing(frames):
    """Metadata is for memory, not for addresses."""
    frames.init(M, 65 * M, 1 << 50, (1 << 50) + 64 * M, 1 << 51, (1 << 51) + M)
    assert frames.stats()["metadata_frames"] == 2
    addrs = {a >> 49 for a in all_frames(frames)}
    assert addrs == {0, 2, 4}


def test_metadata_goes_where_it_can_be_reached(frames):
    """A kernel that has not mapped high memory yet gets it in low memory."""
    frames("reach", 64 * M)
    assert frames.init(M, 32 * M, 4 * G, 5 * G) == OK
    assert frames.stats()["metadata_addr"] < 32 * M
    frames("deinit")
    frames("reach", 4096)
    assert frames.init(M, 32 * M) == NO_MEMORY


@pytest.mark.parametrize(
    "size, one, several", [(G, 1.10, 1.12), (16 * G, 1.04, 1.06), (1024 * G, 1.04, 1.06)]
)
def test_metadata_bits_per_frame(frames, size, one, several):
    """The bytes that stats() names, in bits per frame of the map."""
    for count, limit in ((1, one), (4, several)):
        assert frames.init(0x123000, 0x123000 + size, cpus=count) == OK
        s = frames.stats()
        assert s["metadata"] * 8 / (s["total"] + s["metadata_frames"]) <= limit
        frames("deinit")


def test_low_memory_is_spared(frames, cpus):
    """Below 1 MiB, 16 MiB and 4 GiB last, and first again as soon as there is better."""
    frames.init(0x1000, 0x9F000, M, 18 * M, 4 * G - M, 4 * G + M, cpus=cpus)
    addrs = all_frames(frames)

    def zone(a):
        return (a >= M) + (a >= 16 * M) + (a >= 4 * G)

    assert [zone(a) for a in addrs] == sorted((zone(a) for a in addrs), reverse=True)
    low, high = addrs[-1], addrs[0]
    frames("free", low)
    frames("free", high)
    assert frames("alloc") == high
    assert frames("alloc") == low


def test_low_memory_is_spared_by_2m_frames(frames, cpus):
    """The same for 2 MiB frames, also where a group of chunks has several zones and segments."""
    frames.init(2 * M, 10 * M, 12 * M, 22 * M, 100 * M, 104 * M, 4 * G, 4 * G + 4 * M, cpus=cpus)
    frames("reserve", 4 * G + 2 * M, 4 * G + 4 * M)

    def zone(a):
        return (a >= 16 * M) + (a >= 4 * G)

    def all_chunks():
        addrs = []
        while (addr := frames("alloc_2m")) >= 0:
            addrs.append(addr)
        return addrs

    addrs = all_chunks()
    assert len(set(addrs)) == len(addrs) == 12
    assert [zone(a) for a in addrs] == sorted((zone(a) for a in addrs), reverse=True)
    for cpu in range(cpus):
        frames("cpu", cpu)
        for addr in addrs:
            assert frames("free_2m", addr) == OK
        frames.sound()
        again = all_chunks()
        assert sorted(again) == sorted(addrs)
        assert [zone(a) for a in again] == [zone(a) for a in addrs]
    for first in addrs:
        for second in addrs:
            for addr in (first, second):
                assert frames("free_2m", addr) == OK
                assert frames("alloc_2m") == addr
    frames("free_2m", addrs[-1])
    frames("free_2m", addrs[0])
    assert frames("alloc_2m") == addrs[0]
    assert frames("alloc_2m") == addrs[-1]


def test_below(frames, cpus):
    """A limit holds to the byte."""
    frames.init(0x1000, 0x9F000, M, 64 * M, cpus=cpus)
    addr = frames("alloc_run", 4, FRAME, 0x5FFF)
    assert addr == 0x1000
    assert frames("alloc_run", 1, FRAME, 0x5FFF) == -NO_MEMORY
    assert frames("alloc_run", 1, FRAME, 0x6000) == 0x5000
    assert 16 * M <= frames("alloc_run", 1, FRAME, 17 * M) < 17 * M


def test_reserve(frames, cpus):
    """Rounded outwards, free memory only, for good; holes in it do not matter."""
    frames.init(M, 4 * M, 5 * M, 9 * M, cpus=cpus)
    before = frames.stats()
    assert frames("reserve", 3 * M + 1, 5 * M + 1) == OK
    s = frames.stats()
    assert s["total"] == before["total"] - 257 and s["reserved"] == 257
    addrs = all_frames(frames)
    assert not any(3 * M <= a < 5 * M + FRAME for a in addrs)
    assert frames("free", 3 * M) == frames("free_run", 3 * M, 256) == BAD_FREE
    assert frames("reserve", 6 * M, 7 * M) == IN_USE
    assert frames("reserve", 7 * M, 6 * M) == BAD_ARGUMENT
    assert frames("reserve", 7 * M, 7 * M) == OK
    assert frames.stats()["reserved"] == 257
    frames.sound()


def test_reserve_as_often_as_one_likes(frames, cpus):
    """The list of regions grows, out of the memory that it describes."""
    frames.init(M, 65 * M, 4 * G, 5 * G, cpus=cpus)
    for i in range(700):
        assert frames("reserve", M + 2 * i * FRAME, M + (2 * i + 1) * FRAME) == OK
    frames.sound()
    assert frames.stats()["reserved"] == 700
    assert frames("reserve", 4 * G, 5 * G) == OK
    assert all(addr < 65 * M for addr in all_frames(frames))
    frames.sound()


def test_other_cpus_give_up_what_they_have_reserved(frames):
    """Every frame can be had from one CPU, whatever the others have claimed."""
    frames.init(M, 9 * M, cpus=4)
    held = set()
    for cpu in range(4):
        frames("cpu", cpu)
        held.add(frames("alloc"))
    total = frames.stats()["total"]
    frames("cpu", 2)
    assert len(held | set(all_frames(frames))) == total
    assert frames.stats()["free"] == 0
    frames.sound()


def test_other_cpus_give_up_the_chunks_that_they_have_reserved(frames):
    """Frames, 2 MiB frames and runs can all be had, whatever the others have claimed."""
    frames.init(2 * M, 42 * M, cpus=4)
    total = frames.stats()["total"]
    for take in ("alloc_2m", "alloc", "run"):
        held = []
        for cpu in range(3):
            frames("cpu", cpu)
            held.append(frames("alloc_2m"))
        frames("cpu", 3)
        if take == "alloc_2m":
            more = [frames("alloc_2m") for _ in range(16)]
            assert min(more) >= 0 and len({*more, *held}) == 19
            assert frames("alloc_2m") == -NO_MEMORY
            for addr in more:
                assert frames("free_2m", addr) == OK
        elif take == "alloc":
            more = all_frames(frames)
            assert len(more) == total - 3 * 512
            for addr in more:
                assert frames("free", addr) == OK
        else:
            addr = frames("alloc_run", 3 * 512, FRAME, 0)
            assert addr >= 0
            assert frames("free_run", addr, 3 * 512) == OK
        for addr in held:
            assert frames("free_2m", addr) == OK
        frames.sound()
        assert frames.stats()["free"] == total


def test_chunks_reserved_in_a_better_zone_come_first(frames):
    """A CPU breaks a chunk that it has reserved above 4 GiB before it goes below."""
    frames.init(2 * M, 10 * M, 4 * G, 4 * G + 6 * M, cpus=2)
    assert frames("alloc_2m") >= 4 * G
    addrs = [frames("alloc") for _ in range(512)]
    assert min(addrs) >= 4 * G


def test_a_chunk_with_a_claim_is_not_allocated_whole(frames):
    """All of it free again, but a CPU still has a word of it: one free too many is refused."""
    frames.init(2 * M, 6 * M + FRAME, cpus=2)
    addrs = [frames("alloc") for _ in range(64)]
    frames("cpu", 1)
    for addr in addrs:
        assert frames("free", addr) == OK
    frames.sound()
    frames("cpu", 0)
    assert frames("free", addrs[5]) == BAD_FREE
    huge = frames("alloc_2m"), frames("alloc_2m")
    assert min(huge) >= 0
    for addr in addrs:
        assert frames("free", addr) == BAD_FREE
    frames.sound()


# --- Runs that have lately become free -----------------------------------------------------------


def a_hole(frames, count, cpus):
    """The only run of `count` free frames in 8 MiB above 4 GiB, and all other frames."""
    frames.init(M, 5 * M, 4 * G + 2 * M, 4 * G + 10 * M, cpus=cpus)
    addrs = sorted(all_frames(frames))
    hole = 4 * G + 5 * M
    assert frames("free_run", hole, count) == OK
    return hole, [addr for addr in addrs if not hole <= addr < hole + count * FRAME]


@pytest.mark.parametrize("count", [2, 7, 16, 17, 63, 64, 65, 100, 255])
def test_a_hole_of_that_length_is_taken_first(frames, cpus, count):
    """Not a part of a longer one or of a free chunk, and all of it."""
    hole, others = a_hole(frames, count, cpus)
    for addr in others:
        if addr < 5 * M or addr >= 4 * G + 8 * M:
            assert frames("free", addr) == OK
    for _ in range(3):
        assert frames("alloc_run", count, FRAME, 0) == hole
        assert frames("free_run", hole, count) == OK
    assert frames("alloc_run", count - count // 8, FRAME, 0) == hole
    frames.sound()


def test_a_hole_that_has_been_taken_meanwhile(frames, cpus):
    """Or a frame of it, at either end or in the middle."""
    for at in (0, 1, 50, 99):
        hole, _ = a_hole(frames, 100, cpus)
        assert frames("alloc_run", 100, FRAME, 0) == hole
        for i in (*range(at), *range(at + 1, 100)):
            assert frames("free", hole + i * FRAME) == OK
        assert frames("alloc_run", 100, FRAME, 0) == -NO_MEMORY
        longest = max(at, 99 - at)
        addr = frames("alloc_run", longest, FRAME, 0)
        assert hole <= addr <= hole + (100 - longest) * FRAME
        frames.sound()
        frames("deinit")


def test_a_hole_that_has_been_reserved(frames, cpus):
    """Frames that are taken out of the map look free in its bits."""
    hole, _ = a_hole(frames, 100, cpus)
    assert frames("reserve", hole + 20 * FRAME, hole + 100 * FRAME) == OK
    assert frames("alloc_run", 100, FRAME, 0) == -NO_MEMORY
    assert frames("alloc_run", 21, FRAME, 0) == -NO_MEMORY
    assert frames("alloc_run", 20, FRAME, 0) == hole
    frames.sound()


def test_a_hole_in_a_chunk_that_has_become_whole(frames, cpus):
    """It is free as a whole, then allocated as a whole, and the bits say nothing of it."""
    hole, others = a_hole(frames, 100, cpus)
    chunk = range(4 * G + 4 * M, 4 * G + 6 * M)
    for addr in others:
        if addr in chunk:
            assert frames("free", addr) == OK
    assert frames.stats()["free_2m"] == 1
    assert frames("alloc_2m") == chunk.start
    assert frames("alloc_run", 100, FRAME, 0) == -NO_MEMORY
    assert frames("free_2m", chunk.start) == OK
    assert frames("alloc_run", 100, FRAME, 0) in chunk
    frames.sound()


def test_low_memory_is_spared_by_runs(frames, cpus):
    """What has become free there comes after all that is higher, even of a longer run."""
    hole, others = a_hole(frames, 100, cpus)
    low = 2 * M + M // 2
    assert frames("alloc_run", 100, FRAME, 0) == hole
    assert frames("free_run", low, 50) == OK
    assert frames("alloc_run", 50, FRAME, 0) == low
    assert frames("free_run", low, 50) == OK
    for addr in others:
        if addr >= 4 * G + 8 * M:
            assert frames("free", addr) == OK
    assert frames("alloc_run", 50, FRAME, 0) >= 4 * G + 8 * M
    frames.sound()


def test_all_of_a_chunk_with_an_edge_becomes_free(frames, cpus):
    """All of its bits are set, the chunk is not whole, and its run is found."""
    start = 4 * G + M
    frames.init(start, 4 * G + 8 * M, cpus=cpus)
    all_frames(frames)
    assert frames("alloc_run", 2, FRAME, 0) == -NO_MEMORY  # It has a bound from now on.
    for count in (2, 100, 256):
        assert frames("free_run", start, 256) == OK
        frames.sound()
        assert frames("alloc_run", count, FRAME, 0) == start
        assert frames("free_run", start, count) == OK
        assert frames("alloc_run", 256, FRAME, 0) == start
        frames.sound()


def test_nothing_is_left_behind_the_last_run(frames, cpus):
    """A run that ends where all memory does leaves no hint beyond it."""
    frames("reach", 64 * M)  # So that the last chunk has no edge.
    end = 4 * G + 4 * M
    frames.init(M, 5 * M, 4 * G + 2 * M, end, cpus=cpus)
    all_frames(frames)
    assert frames("free_run", end - 10 * FRAME, 10) == OK
    assert frames("alloc_run", 10, FRAME, 0) == end - 10 * FRAME
    frames.sound()
    assert frames("alloc_run", 2, FRAME, 0) == -NO_MEMORY
    frames.sound()


@pytest.mark.parametrize("count", [2, 5, 60])
def test_many_runs_out_of_one(frames, cpus, count):
    """A search that has broken up a chunk is not repeated while that lasts."""
    frames.init(4 * G, 4 * G + 200 * M, cpus=cpus)
    addrs = []
    for _ in range(512 // count):
        frames("words")
        addrs.append(frames("alloc_run", count, FRAME, 0))
        assert len(addrs) == 1 or frames("words") <= 16
    assert len({addr // (2 * M) for addr in addrs}) == 1
    frames.sound()


WORDS_PER_CHUNK = 72  # FRAMES_WORDS.


@pytest.mark.parametrize("count", [2, 3, 100, 511, 512, 513, 5000])
def test_the_words_that_a_call_looks_at(frames, cpus, count):
    """A call looks at no more words than frames.h says, and remembers that there was nothing."""
    chunks = 40
    frames.init(4 * G + 7 * FRAME, 4 * G + 2 * chunks * M + 9 * FRAME, cpus=cpus)
    addrs = all_frames(frames)
    for addr in addrs:
        if addr // FRAME % 3 < min(count - 1, 2):
            assert frames("free", addr) == OK
    limit = WORDS_PER_CHUNK * (chunks + 2) * (2 if cpus > 1 else 1)
    for align in (FRAME, 8 * FRAME, 4 * M, FRAME):
        frames("words")
        assert frames("alloc_run", count, align, 0) == -NO_MEMORY
        assert frames("words") <= limit
    frames("words")
    assert frames("alloc_run", count, FRAME, 0) == -NO_MEMORY
    words = frames("words")
    assert words <= (limit if count >= 512 else 10 * (chunks + 2)), words
    assert frames("alloc_2m") == -NO_MEMORY
    assert frames("words") <= chunks
    while frames("alloc") >= 0:
        assert frames("words") <= limit
    frames.sound()


def test_a_search_over_many_gigabytes(frames, cpus):
    """What is free at the far end is found, and what lies between is skipped."""
    frames.init(M, 3 * G, 4 * G, 44 * G + 5 * M, cpus=cpus)
    giants = []
    while (addr := frames("alloc_run", 262144, G, 0)) >= 0:
        giants.append(addr)
    assert len(giants) == len(set(giants)) == 42
    while frames("alloc_2m") >= 0:
        pass
    all_frames(frames)
    assert frames.stats()["free"] == 0
    for addr in (max(giants), min(giants), 24 * G, 9 * G):
        assert frames("free_run", addr, 262144) == OK
        huge = {frames("alloc_run", 512, 2 * M, 0) for _ in range(512)}
        assert huge == set(range(addr, addr + G, 2 * M))
        assert frames("free_2m", addr) == OK
        assert addr <= frames("alloc") < addr + 2 * M
        assert {a // (2 * M) for a in frames.fill(511)} == {addr // (2 * M)}
        assert frames("alloc") == -NO_MEMORY
    frames.sound()


def test_reserve_without_room_for_its_list(frames):
    """With no memory, or no reach, for a longer list nothing changes."""
    frames.init(M, 9 * M)
    i = 0
    while (status := frames("reserve", M + 2 * i * FRAME, M + (2 * i + 1) * FRAME)) == OK:
        i += 1
        if i == 40:
            frames("reach", 1)
    assert status == NO_MEMORY
    before = frames.stats()
    assert frames("reserve", M + 2 * i * FRAME, M + (2 * i + 1) * FRAME) == NO_MEMORY
    keep = all_frames(frames)
    assert frames("free", keep[9]) == OK and frames.stats()["free"] == 1
    assert frames("reserve", keep[9], keep[9] + FRAME) == NO_MEMORY
    assert frames.stats()["reserved"] == before["reserved"]
    frames.sound()


def test_exhaustion_100_times(frames, cpus):
    """With exact counts."""
    frames.init(0x1000, 0x9F123, M, 3 * M + 77, 4 * M, 8 * M, cpus=cpus)
    total = frames.stats()["total"]
    for turn in range(100):
        frames("cpu", turn % cpus)
        addrs = frames.fill(total)
        assert len(set(addrs)) == total and frames.stats()["free"] == 0
        assert frames.fill(1) == -NO_MEMORY
        frames("cpu", turn // 2 % cpus)
        assert frames("drain", *addrs[turn:], *addrs[:turn]) == OK
        assert frames.stats()["free"] == total
        assert frames.fill(total + 1) == -NO_MEMORY
        assert frames.stats()["free"] == total


def test_drain_is_all_or_nothing(frames, cpus):
    """A bad address anywhere, or one twice, and nothing is given back."""
    frames.init(M, 9 * M, cpus=cpus)
    addrs = frames.fill(900)
    before = frames.stats()
    for bad in (addrs[3], addrs[-1] + FRAME * 300, addrs[5] + 1, 0):
        for place in (0, 63, 64, 500, 899):
            spoilt = list(addrs)
            spoilt[place] = bad
            if bad == addrs[3] and place == 3:
                continue
            assert frames("drain", *spoilt) == BAD_FREE
            assert frames.stats() == before
    frames.sound()
    assert frames("drain", *addrs) == OK


def test_show_fits_the_terminal(frames, cpus):
    """For a kilobyte-sized map and for a petabyte."""
    for ranges in ((M, M + 40 * FRAME), (0x1000, 9 * M), (M, 3 * G), (M, 1 << 42)):
        frames.init(*ranges, cpus=cpus)
        frames("alloc")
        for columns, rows in ((80, 24), (40, 10), (132, 50), (1, 1)):
            lines = frames.ask("show", columns, rows).split("|")[:-1]
            if columns >= 80:
                assert len(lines) <= rows and max(map(len, lines)) < columns
            assert "used" in lines[-2] and "frames free" in lines[-1]
        frames("deinit")


def test_runs_counts_every_free_frame(frames, cpus):
    """By power of two, touched memory and untouched."""
    frames.init(0x1000, 0x9F000, M, 9 * M, 4 * G, 6 * G, cpus=cpus)
    keep = [frames("alloc") for _ in range(9)]
    frames("free", keep[4])
    lines = frames.ask("runs").split("|")[1:-1]
    assert sum(int(line.split()[2]) for line in lines) == frames.stats()["free"]


@pytest.mark.parametrize(
    "what, slot, words",
    [
        ("huge", 2, "a free chunk is not huge"),
        ("split", 1, "a chunk is free as a whole and not marked"),
        ("edge", 2, "a free chunk has an edge"),
        ("partial", 2, "a huge chunk is marked as partial"),
        ("partial", 0, "a chunk with free frames is not marked"),
        ("edge", 0, "an edge chunk is not marked as one"),
        ("line", 0, "a frame of others is not marked"),
        ("huge", 0, "a huge chunk"),
        ("sum1", 0, "a summary misses a group"),
        ("sum2", 0, "a second summary misses a word"),
        ("region", 0, "a region is empty or out of order"),
        ("segment", 0, "a segment is out of order"),
        ("ready", 0, "a count is out of range"),
        ("bound", 0, "a run is longer than its chunk's bound"),
        ("group_bound", 0, "a chunk's bound is larger than its group's"),
        ("hint", 0, "a class of hints is marked, or not, without a reason"),
        ("hint", 6, "a hint leads nowhere"),
    ],
)
def test_check_names_what_is_wrong(frames, what, slot, words):
    """One broken invariant at a time."""
    frames.init(2 * M + 7 * FRAME, 12 * M)
    frames("free_2m", frames("alloc_2m"))  # What nobody has asked for is not looked at.
    frames.sound()
    frames("spoil", what, slot)
    text = frames.ask("check")
    assert words in text, text


@pytest.mark.parametrize(
    "what, words",
    [
        ("claim", "a claim has no CPU"),
        ("unit", "a claim has no CPU"),
        ("word", "two CPUs have the same word"),
        ("unclaimed", "a CPU has a word without a claim"),
        ("both", "a claimed frame is free as well"),
        ("mask", "a CPU has frames of no word"),
        ("busy", "a CPU is busy or quiesced"),
    ],
)
def test_check_names_what_is_wrong_with_cpus(frames, what, words):
    """The same for what CPUs have reserved."""
    frames.init(2 * M + 7 * FRAME, 12 * M, cpus=2)
    frames("alloc")
    frames.sound()
    frames("spoil", what, 1)
    assert words in frames.ask("check")


def test_every_status_has_a_text(frames):
    """Also the ones that do not exist."""
    assert len({frames.ask("text", i) for i in range(8)}) == 8


# --- The plain model --------------------------------------------------------------------------


class Model(RuleBasedStateMachine):
    """Sets of frames, and what each call may do to them."""

    @initialize(
        cpus=st.integers(1, 3),
        place=st.sampled_from([0, 0x80, 0xF8, 0xFF0, 0xFFE00, 1 << 28]),
        pieces=st.lists(
            st.tuples(st.integers(0, 700), st.integers(0, 900), st.integers(0, 4095)),
            min_size=1,
            max_size=5,
        ),
    )
    def start(self, cpus, place, pieces):
        self.frames = Driver()
        self.cpus = cpus
        ranges, at = [], place * FRAME
        self.free, self.allocated, self.whole = set(), set(), set()
        for gap, size, odd in pieces:
            start = at + gap * FRAME + odd
            at = start + size * FRAME
            # What touches is one range, and only that is rounded.
            if ranges and ranges[-1] == start:
                ranges[-1] = at
            else:
                ranges += [start, at]
        for start, end in zip(ranges[::2], ranges[1::2], strict=True):
            self.free |= set(range(-(-start // FRAME), end // FRAME))
        status = self.frames.init(*ranges, cpus=cpus)
        assert status in (OK, NO_MEMORY)
        self.alive = status == OK
        if self.alive:
            s = self.frames.stats()
            first = s["metadata_addr"] // FRAME
            mine = set(range(first, first + s["metadata_frames"]))
            assert mine <= self.free
            self.free -= mine
            self.owned = set(self.free)

    def teardown(self):
        if hasattr(self, "frames"):
            if self.alive:
                assert self.frames.stats()["free"] == len(self.free)
                self.frames.sound()
            self.frames.close()

    def has_run(self, count, align, below):
        return any(
            f % align == 0
            and (not below or f + count <= below // FRAME)
            and all(f + k in self.free for k in range(count))
            for f in self.free
        )

    def allocate(self, first, count):
        new = set(range(first, first + count))
        assert new <= self.free
        self.free -= new
        self.allocated |= new
        for chunk in range(-(-first // 512), (first + count) // 512):
            whole = set(range(chunk * 512, chunk * 512 + 512))
            if chunk and whole <= self.owned:
                self.whole.add(chunk)

    @rule()
    def count(self):
        if self.alive:
            assert self.frames.stats()["free"] == len(self.free)
        else:
            assert self.frames("alloc") == -NO_MAP

    @precondition(lambda self: self.alive)
    @rule(cpu=st.integers(0, 2), times=st.integers(1, 70))
    def alloc(self, cpu, times):
        self.frames("cpu", cpu % self.cpus)
        for _ in range(times):
            addr = self.frames("alloc")
            if addr < 0:
                assert addr == -NO_MEMORY and not self.free
                return
            assert addr % FRAME == 0
            self.allocate(addr // FRAME, 1)

    @precondition(lambda self: self.alive)
    @rule(
        count=st.integers(1, 1100),
        power=st.integers(0, 10),
        below=st.one_of(st.just(0), st.integers(0, 1 << 24), st.integers(1 << 31, 1 << 33)),
    )
    def alloc_run(self, count, power, below):
        addr = self.frames("alloc_run", count, FRAME << power, below)
        if addr < 0:
            assert addr == -NO_MEMORY and not self.has_run(count, 1 << power, below)
            return
        assert addr % (FRAME << power) == 0
        assert not below or addr + count * FRAME <= below
        self.allocate(addr // FRAME, count)

    @precondition(lambda self: self.alive)
    @rule()
    def alloc_2m(self):
        addr = self.frames("alloc_2m")
        if addr < 0:
            assert addr == -NO_MEMORY and not self.has_run(512, 512, 0)
            return
        assert addr % (2 * M) == 0
        self.allocate(addr // FRAME, 512)

    @precondition(lambda self: self.alive and self.owned)
    @rule(
        data=st.data(),
        count=st.sampled_from([1, 1, 1, 2, 7, 64, 512, 513, 1024]),
        odd=st.sampled_from([0, 0, 0, 0, 1, 2048]),
        cpu=st.integers(0, 2),
    )
    def give_back(self, data, count, odd, cpu):
        self.frames("cpu", cpu % self.cpus)
        pool = sorted(self.allocated or self.owned)
        first = pool[data.draw(st.integers(0, len(pool) - 1))]
        if count >= 512 and data.draw(st.booleans()):
            first = first // 512 * 512
        part = set(range(first, first + count))
        chunks = {f // 512 for f in part} & self.whole
        good = (
            odd == 0
            and part <= self.allocated
            and all(set(range(c * 512, c * 512 + 512)) <= part for c in chunks)
        )
        status = self.frames("free_run", first * FRAME + odd, count)
        assert status == (OK if good else BAD_FREE)
        if good:
            self.allocated -= part
            self.free |= part
            self.whole -= chunks

    @precondition(lambda self: self.alive)
    @rule(count=st.integers(0, 300), keep=st.booleans(), cpu=st.integers(0, 2))
    def fill_and_drain(self, count, keep, cpu):
        self.frames("cpu", cpu % self.cpus)
        addrs = self.frames.fill(count)
        if addrs == -NO_MEMORY:
            assert count > len(self.free)
            return
        assert len(set(addrs)) == count and {a // FRAME for a in addrs} <= self.free
        if keep:
            for addr in addrs:
                self.allocate(addr // FRAME, 1)
        else:
            self.frames("cpu", (cpu + 1) % self.cpus)
            assert self.frames("drain", *addrs[::-1]) == OK

    @precondition(lambda self: self.alive and self.owned)
    @rule(data=st.data(), count=st.integers(1, 40))
    def reserve(self, data, count):
        pool = sorted(self.owned)
        first = pool[data.draw(st.integers(0, len(pool) - 1))]
        part = set(range(first, first + count)) & self.owned
        status = self.frames("reserve", first * FRAME + 5, (first + count) * FRAME - 5)
        assert status == (OK if part <= self.free else IN_USE)
        if status == OK:
            self.free -= part
            self.owned -= part


TestModel = Model.TestCase
TestModel.settings = settings(
    max_examples=int(os.environ.get("FRAMES_EXAMPLES", "40")),
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


# --- The C model, threads, the fuzzer, coverage -----------------------------------------------


def run(*command, timeout=600, **kwargs):
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=timeout, check=False, **kwargs
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_every_row_of_calls():
    """Every row of four calls on a small map with holes, with one CPU and with two."""
    assert "101250 rows" in run(OUT / "frames_machine", "exhaustive", "4")


def test_every_bad_free_in_every_state():
    """After every row of three calls, of any 64 bits: what is nobody's is refused."""
    assert "6750 rows" in run(OUT / "frames_machine", "addresses", "3")


def test_random_rows_of_calls():
    """Long random rows on random maps, up to more than 1 GiB."""
    run(OUT / "frames_machine", "soak", "100", "1")


def test_threads():
    """Four CPUs at once, a stamp on every frame, memory short."""
    done = subprocess.run(
        [OUT / "frames_threads", "4", "100000"], capture_output=True, text=True, check=False
    )
    if done.returncode == 77:
        pytest.skip(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "out of memory 0 times" not in done.stdout


def test_a_cpu_that_is_overtaken():
    """A second free, or a search that has seen a run, while another CPU takes frames of it."""
    run(OUT / "frames_preempted")


def test_threads_under_tsan():
    """The same with ThreadSanitizer."""
    build(str(OUT / "frames_tsan"))
    # TSan cannot live with much randomness of addresses.
    text = run("setarch", "-R", OUT / "frames_tsan", "4", "20000")
    assert "calls each" in text


def test_fuzz_for_a_moment():
    """The seed corpus and some seconds more; `make fuzz` goes on from there."""
    build("fuzz-short")


@pytest.mark.timeout(600)  # It runs most of the tests above once more.
def test_coverage():
    """At least 98 % of the lines of the core, and of frames.c; what is left are lost races."""
    text = run("make", "-s", "-f", HERE / "Makefile", "coverage")
    print(text)
    lines = {}
    for line in text.splitlines():
        if " Lines " in line:
            name, _, percent, _, count = line.split()
            lines[name] = float(percent.rstrip("%")), int(count)
    assert len(lines) >= 6, text
    assert lines["frames.c"][0] >= 98, text
    total = sum(count for _, count in lines.values())
    assert sum(percent * count for percent, count in lines.values()) / total >= 98, text


def test_from_python():
    """The Python-level tests, which the kernel runs too, on MicroPython's unix port."""
    build("unix")
    text = run(OUT / "unix" / "micropython", TOP / "tests" / "frames_python.py")
    assert text.endswith("frames_python: 12 of 12 passed\n"), text


def test_benchmark(tmp_path):
    """The benchmark of the frames builds, runs, and writes its rows down."""
    bench = TOP / "build" / "bench" / "frames_bench"
    run("make", "-s", "-f", TOP / "tests" / "bench" / "Makefile", bench)
    run(bench, tmp_path / "rows.json", "1", "ours", "chequerboard")
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["peer"] for row in rows] == ["ours, one CPU", "ours, several CPUs"]
    assert all(row["ns"] > 0 and row["failed"] == 0 for row in rows)
