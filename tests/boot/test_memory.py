"""The memory map, the frame allocator and pages, on each machine with little and much memory."""

import re

import pytest
from elftools.elf.elffile import ELFFile

FRAME = 4096
MIB = 1 << 20
UNITS = {"M": MIB, "G": 1 << 30}
# Up to this size the tests write to every frame: QEMU takes memory for it then.
WRITTEN = 256 * MIB

machines = pytest.mark.board("q35", "pc", "microvm")

# Takes every frame, a bit of `taken` for each, and gives all of them back in another order.
# frames.fill() and drain() in the bulk, alloc() and free() for the first and the last.
EVERY_FRAME = """
import array, frames, gc, memmap, uctypes
span = max(r.end for r in memmap.regions() if r.kind == memmap.USABLE)
taken = bytearray((span >> 12) // 8 + 1)
PIECE = 512
piece = array.array('Q', bytes(PIECE * 8))

# Sets the bits of `count` addresses; how many were set already or are no frame's address.
@micropython.viper
def mark(taken, addresses, count: int) -> int:
    t = ptr8(taken)
    a = ptr32(addresses)
    wrong = 0
    for k in range(count):
        low = int(a[2 * k])
        i = int(a[2 * k + 1]) << 20 | low >> 12
        if low & 4095 or t[i >> 3] & (1 << (i & 7)):
            wrong += 1
        t[i >> 3] |= 1 << (i & 7)
    return wrong

def take_all():
    count = wrong = 0
    one = array.array('Q', [0])
    try:
        for _ in range(1000):
            one[0] = frames.alloc()
            wrong += mark(taken, one, 1)
            count += 1
        while True:
            frames.fill(piece)
            wrong += mark(taken, piece, PIECE)
            count += PIECE
    except MemoryError:
        pass
    try:
        while True:
            one[0] = frames.alloc()
            wrong += mark(taken, one, 1)
            count += 1
    except MemoryError:
        pass
    return count, wrong

# Writes each frame's own number into it, then looks whether all of them are still there.
@micropython.viper
def write_all(taken, size: int) -> int:
    t = ptr8(taken)
    wrong = 0
    for turn in range(2):
        for i in range(size * 8):
            if t[i >> 3] & (1 << (i & 7)):
                p = ptr32(i << 12)
                if turn == 0:
                    p[0] = i
                    p[1023] = i ^ 0x5a5a5a5a
                elif int(p[0]) != i or int(p[1023]) != i ^ 0x5a5a5a5a:
                    wrong += 1
    return wrong

# Takes up to `room` frames out of `taken`: of every `stride`th bit from bit `at` on. Returns the
# bit to go on with, the number of them is in count[0].
@micropython.viper
def collect(taken, bits: int, at: int, stride: int, addresses, room: int, count) -> int:
    t = ptr8(taken)
    a = ptr32(addresses)
    n = 0
    while at < bits and n < room:
        byte = t[at >> 3]
        if byte & (1 << (at & 7)):
            t[at >> 3] = byte ^ (1 << (at & 7))
            a[2 * n] = at << 12
            a[2 * n + 1] = at >> 20
            n += 1
        at += stride
    ptr32(count)[0] = n
    return at

def free_all(stride):
    count = array.array('I', [0])
    for first in range(stride - 1, -1, -1):
        at = first
        while at < len(taken) * 8:
            at = collect(taken, len(taken) * 8, at, stride, piece, PIECE, count)
            if count[0] == PIECE:
                frames.drain(piece)
            else:
                for k in range(count[0]):
                    frames.free(piece[k])
"""


def size_of(text):
    return int(text[:-1]) * UNITS[text[-1]]


def bits(start, end):
    """A set of frames, as bits of an integer: those that lie in [start, end) as a whole."""
    first, last = -(-start // FRAME), end // FRAME
    return ((1 << (last - first)) - 1) << first if last > first else 0


def touched(start, end):
    """The frames of which [start, end) has any byte."""
    return bits(start // FRAME * FRAME, -(-end // FRAME) * FRAME)


def ram_of(vm):
    """Where QEMU itself says that the machine has RAM that it can be written."""
    flat = vm.qmp.command("human-monitor-command", command_line="info mtree -f")
    memory = flat.split("memory-region: system")[0].split('AS "memory"')[-1]
    found = re.findall(r"^ *([0-9a-f]{16})-([0-9a-f]{16}) \(prio [0-9-]+, ram\)", memory, re.M)
    return [(int(start, 16), int(end, 16) + 1) for start, end in found]


@pytest.mark.qemu
@machines
@pytest.mark.memory("8M", "16M", "64M", "256M", "1G", "4G", "6G")
def test_every_frame(vm, memory):
    """The map agrees with the machine, and every frame is given out once, and taken back."""
    given = size_of(memory)
    vm.exec("import memmap, frames, bootinfo")

    # The map: all that QEMU was given but for what lies under the BIOS and in its tables.
    total = vm.eval("memmap.total()")
    assert given - MIB <= total <= given
    regions = vm.eval("[tuple(r) for r in memmap.regions()]")
    for (_, end, _), (start, _, _) in zip(regions, regions[1:], strict=False):
        assert end <= start
    usable = [(start, end) for start, end, kind in regions if kind == 1]
    assert sum(end - start for start, end in usable) == total
    ram = 0
    for start, end in ram_of(vm):
        ram |= bits(start, end)
    allowed = 0
    for start, end in usable:
        assert touched(start, end) & ~ram == 0, f"no RAM in {start:#x}..{end:#x}"
        allowed |= bits(start, end)

    # What is in use, from sources other than the allocator's.
    with open(vm.kernel, "rb") as file:
        for segment in ELFFile(file).iter_segments("PT_LOAD"):
            start = segment["p_paddr"]
            allowed &= ~touched(start, start + segment["p_memsz"])
    for start, end in vm.eval("bootinfo.in_use + ((0, 4096),)"):
        allowed &= ~touched(start, end)

    # No collection of garbage from here on, which may take frames or give some back.
    vm.exec("import gc; gc.collect(); gc.disable()" + EVERY_FRAME)
    counts = (
        "[getattr(frames.stats(), n) for n in ('total', 'free', 'used', 'reserved', 'regions')]"
    )
    before = vm.eval(counts)
    free, used = vm.eval("(frames.stats().free, frames.stats().used)")
    assert free + used == vm.eval("frames.stats().total")
    assert vm.eval("take_all()") == (free, 0)
    assert vm.eval("frames.stats().free") == 0
    vm.exec("frames.check()")

    addr, size = vm.eval("(uctypes.addressof(taken), len(taken))")
    taken = int.from_bytes(vm.memory(addr, size), "little")
    wrong = taken & ~allowed
    assert not wrong, f"in use: {first_of(wrong):#x}"
    assert bin(taken).count("1") == free
    # No frame is lost: what was not given out was given out before, or is the allocator's own.
    own = vm.eval("frames.stats().metadata_frames + frames.stats().reserved")
    lost = allowed & ~taken
    assert bin(lost).count("1") == used + own

    if given <= WRITTEN:
        assert vm.eval("write_all(taken, len(taken))") == 0
    vm.exec("free_all(3)")
    assert vm.eval(counts) == before
    vm.exec("frames.check()")


def first_of(frames):
    """The address of the lowest frame of a set."""
    return (frames & -frames).bit_length() * FRAME - FRAME


@machines
@pytest.mark.memory("6G")
def test_patterns(vm):
    """Pages are zeroed, and what is written through them QEMU finds at their addresses, in low
    memory, below 4 GiB and above."""
    vm.exec("import frames, pages; before = frames.stats()")
    high = vm.eval("pages.alloc().addr")
    assert high >= 1 << 32
    vm.exec("""
        held = [pages.alloc(3, below=1 << 20), pages.alloc(3, below=16 << 20),
                pages.alloc(600, align=1 << 21, below=1 << 32), pages.alloc(600), pages.alloc()]
        for n, p in enumerate(held):
            for i in range(len(p) // 4096):
                p[4096 * i : 4096 * i + 8] = bytes([n, i & 255, i >> 8]) + b'start'
                p[4096 * i + 4091 : 4096 * i + 4096] = bytes([n, i & 255, i >> 8]) + b'$$'
    """)
    limits = [1 << 20, 16 << 20, 1 << 32, 1 << 63, 1 << 63]
    spans = vm.eval("[(p.addr, len(p)) for p in held]")
    for n, ((addr, size), limit) in enumerate(zip(spans, limits, strict=True)):
        assert addr + size <= limit
        memory = vm.memory(addr, size)
        for i in range(size // FRAME):
            tag = bytes([n, i & 255, i >> 8])
            page = memory[FRAME * i : FRAME * (i + 1)]
            assert page == tag + b"start" + bytes(FRAME - 13) + tag + b"$$"
    assert spans[2][0] % (1 << 21) == 0
    assert spans[3][0] >= 1 << 32

    # Given back and taken again, they are zeroed although they were written.
    assert vm.eval("[p.close() for p in held]") == [None] * 5
    # One page is held. The allocator may have taken a frame for its marks, but no more.
    total, used = vm.eval("(frames.stats().total, frames.stats().used)")
    assert used == vm.eval("before.used") + 1
    assert vm.eval("before.total") - 1 <= total <= vm.eval("before.total")
    for n, (_, size) in enumerate(spans):
        vm.exec(f"p = pages.alloc({size // FRAME}, below={limits[n] if n < 3 else 0})")
        assert vm.memory(vm.eval("p.addr"), size) == bytes(size)


@pytest.mark.board("microvm")
def test_frames_errors(vm):
    """What cannot be done is refused with the right exception, and leaves the counts alone."""
    vm.exec("""
        import frames, pages
        def refused(call, *arguments, **named):
            before = frames.stats()
            try:
                call(*arguments, **named)
            except Exception as error:
                assert frames.stats() == before
                frames.check()
                return type(error).__name__
        one = frames.alloc()
        run = frames.alloc(10)
        gone = frames.alloc()
        frames.free(gone)
    """)
    for call, error in {
        "frames.free, gone": "ValueError",
        "frames.free, one + 1": "ValueError",
        "frames.free, 0": "ValueError",
        "frames.free, 0xa0000": "ValueError",  # the screen's memory, no RAM
        "frames.free, 1 << 40": "ValueError",
        "frames.free, run, 1 << 40": "ValueError",
        "frames.free, run, 0": "ValueError",
        "frames.alloc, 0": "ValueError",
        "frames.alloc, 1, 3": "ValueError",
        "frames.alloc, 1 << 40": "MemoryError",
        "frames.alloc, 1, below=4096": "MemoryError",
        "frames.alloc, 1, 1 << 50": "MemoryError",
        "frames.init, b''": "TypeError",
        "frames.init, __import__('array').array('Q', [0, 4096])": "RuntimeError",
        "pages.alloc, 0": "ValueError",
        "pages.alloc, 1 << 40": "MemoryError",
    }.items():
        assert vm.eval(f"refused({call})") == error, call
    vm.exec("""
        with pages.alloc(2) as p:
            assert len(p) == 8192 and p.va == p.addr and p[8191] == 0
            memoryview(p)[5] = 6
            assert bytes(p[4:7]) == b"\\0\\6\\0"
        assert refused(lambda: p[0]) == refused(lambda: len(p)) == "ValueError"
        assert refused(lambda: p.addr) == refused(lambda: memoryview(p)) == "ValueError"
        p.close()
        frames.free(one)
        frames.free(run, 10)
        frames.check()
    """)


@pytest.mark.board("microvm")
def test_show(vm):
    """The tables for people name every region, and the boot log sums them up."""
    regions = vm.eval("[tuple(r) for r in __import__('memmap').regions()]")
    table = vm.exec("memmap = __import__('memmap'); memmap.show()")
    for start, end, _ in regions:
        assert re.search(rf"^0x{start:016x} +0x{end:016x} ", table, re.M)
    total = vm.eval("memmap.total()")
    assert re.search(rf"^usable .* {total} bytes$", table, re.M)
    log = vm.transcript()
    assert f"{len(regions)} regions, {total} bytes" in log
    assert f"RSDP at {vm.eval('memmap.rsdp'):#x}" in log
    assert vm.eval("__import__('uctypes').bytes_at(memmap.rsdp, 8)") == b"RSD PTR "
    assert "frames free" in vm.exec("import frames; frames.show()")
