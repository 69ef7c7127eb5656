"""bootinfo takes good handoffs of both loaders and refuses all others, reading nothing else."""

import random
import struct

import pytest

PVH, MULTIBOOT2 = 1, 2
ARENA_SIZE = 0x80000
LOW_RAM = (0, 0x9FC00, 1)
MIB = 1 << 20


@pytest.fixture(scope="module")
def arena(unix_port):
    return Arena(unix_port)


class Arena:
    """Memory of the unix port's, laid out from CPython, that stands for the machine's.

    What bootinfo reads goes through a check that it lies within the window.
    """

    def __init__(self, port):
        self.port = port
        port.exec(
            f"""
import bootinfo, memmap, uctypes, struct
size = {ARENA_SIZE}
whole = bytearray(size + 8)
base = uctypes.addressof(whole) + 7 & ~7
arena = uctypes.bytearray_at(base, size)
window = 0, 0
reads = []

def checked_bytearray_at(addr, size):
    if size < 0 or addr < window[0] or addr + size > window[1]:
        raise RuntimeError("wild read: 0x%x, 0x%x bytes" % (addr, size))
    return uctypes.bytearray_at(addr, size)

bootinfo._bytearray_at = checked_bytearray_at

def read(loader, addr, low, high):
    global window
    window = low, high
    bootinfo.init(loader, addr, window)
    memmap.init(bootinfo.regions, bootinfo.rsdp)

def put(content):
    data = bytes.fromhex(content)
    arena[:len(data)] = data
    arena[len(data):] = bytes(size - len(data))

def attempt(loader, content, addr, low, high):
    # None, or the message of the refusal. Anything but a refusal goes on to the test.
    put(content)
    try:
        read(loader, addr, low, high)
    except bootinfo.Error as error:
        assert bootinfo.protocol is None and bootinfo.regions is None and not bootinfo.in_use
        return str(error)
    free = memmap.free_ranges(bootinfo.in_use)
    for i in range(0, len(free), 2):
        assert 4096 <= free[i] < free[i + 1]
        assert memmap.find(free[i]).kind == memmap.find(free[i + 1] - 1).kind == memmap.USABLE
        for start, end in bootinfo.in_use:
            assert end <= free[i] or start >= free[i + 1]
    return None
"""
        )
        self.base = port.eval("base")
        self.end = self.base + ARENA_SIZE
        self.region = (self.base, ARENA_SIZE, 1)

    def attempt(self, loader, content, addr=None, window=None):
        """None where the handoff is taken, the message where it is refused."""
        low, high = window or (self.base, self.end)
        addr = self.base if addr is None else addr
        self.port.exec(f"result = attempt({loader}, {content.hex()!r}, {addr}, {low}, {high})")
        return self.port.eval("result")

    def take(self, loader, content, addr=None):
        """The record of a handoff that must be good."""
        assert self.attempt(loader, content, addr) is None
        names = "protocol addr map_addr rsdp efi cmdline modules in_use regions"
        record = {name: self.port.eval(f"bootinfo.{name}") for name in names.split()[:-1]}
        flat = self.port.eval("list(bootinfo.regions)")
        record["regions"] = list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))
        record["modules"] = [tuple(module) for module in record["modules"]]
        record["in_use"] = [tuple(used) for used in record["in_use"]]
        return record


class Pvh:
    """A PVH handoff: the start info at the arena's start, then map, modules and strings."""

    MAP = 0x100

    def __init__(self, arena, regions=None, cmdline=b"", modules=(), rsdp=0xF5B20, **fields):
        regions = [LOW_RAM, arena.region] if regions is None else regions
        self.modules = self.MAP + 24 * len(regions)
        self.text = self.modules + 32 * len(modules)
        text = b""
        if cmdline:
            text += cmdline + b"\0"
        entries = b""
        for start, size, line in modules:
            line_addr = arena.base + self.text + len(text) if line else 0
            entries += struct.pack("<QQQQ", start, size, line_addr, 0)
            if line:
                text += line + b"\0"
        values = {
            "magic": 0x336EC578,
            "version": 1,
            "flags": 0,
            "nr_modules": len(modules),
            "modlist": arena.base + self.modules if modules else 0,
            "cmdline_addr": arena.base + self.text if cmdline else 0,
            "rsdp": rsdp,
            "memmap": arena.base + self.MAP,
            "entries": len(regions),
            "reserved": 0,
        }
        values.update(fields)
        info = struct.pack("<IIIIQQQQII", *values.values()).ljust(self.MAP, b"\0")
        table = b"".join(struct.pack("<QQII", *region, 0) for region in regions)
        self.content = info + table + entries + text


def tag(kind, data, size=None):
    size = 8 + len(data) if size is None else size
    return struct.pack("<II", kind, size) + data + bytes(-len(data) % 8)


def map_tag(regions, step=24, version=0):
    entries = b"".join(struct.pack("<QQII", *region, 0).ljust(step, b"\xa5") for region in regions)
    return tag(6, struct.pack("<II", step, version) + entries)


def efi_tag(regions, step=48):
    entries = b"".join(
        struct.pack("<IIQQQQ", kind, 0, start, 0, pages, 0xF).ljust(step, b"\xa5")
        for start, pages, kind in regions
    )
    return tag(17, struct.pack("<II", step, 1) + entries)


def module_tag(start, end, line=b""):
    return tag(3, struct.pack("<II", start, end) + line + b"\0")


END = tag(0, b"")
RSDP_OLD = tag(14, b"RSD PTR " + bytes(12))
RSDP_NEW = tag(15, b"RSD PTR " + bytes(28))


def tags(*parts, total=None):
    body = b"".join(parts)
    return struct.pack("<II", 8 + len(body) if total is None else total, 0) + body


# ---- PVH ----


def test_pvh_record(arena):
    """A full PVH handoff gives its record, and all that it occupies is in use."""
    module = arena.base + 0x30000
    regions = [LOW_RAM, arena.region, (0xFD00000000, 12 << 30, 2), (0, 0, 0)]
    pvh = Pvh(arena, regions, b"a=1 b", [(module, 0x1234, b"first"), (0x2000, 16, b"")])
    record = arena.take(PVH, pvh.content)
    assert record["protocol"] == "pvh"
    assert record["addr"] == arena.base
    assert record["map_addr"] == arena.base + Pvh.MAP
    assert record["rsdp"] == 0xF5B20
    assert record["cmdline"] == "a=1 b"
    assert record["modules"] == [(module, module + 0x1234, "first"), (0x2000, 0x2010, "")]
    assert record["regions"] == regions
    assert sorted(record["in_use"]) == [
        (0x2000, 0x2010),
        (arena.base, arena.base + 56),
        (arena.base + Pvh.MAP, arena.base + Pvh.MAP + 4 * 24),
        (arena.base + pvh.modules, arena.base + pvh.modules + 2 * 32),
        (arena.base + pvh.text, arena.base + pvh.text + 6),
        (arena.base + pvh.text + 6, arena.base + pvh.text + 12),
        (module, module + 0x1234),
    ]


def test_pvh_least(arena):
    """No command line, no modules, no RSDP, a later version: all that is fine."""
    record = arena.take(PVH, Pvh(arena, rsdp=0, version=7).content)
    assert (record["rsdp"], record["cmdline"], record["modules"]) == (None, "", [])
    assert record["efi"] is None


@pytest.mark.parametrize("length", [1, 127, 128, 129, 4096, 65535])
def test_pvh_long_command_line(arena, length):
    """A command line of 4 kB and more arrives whole."""
    line = bytes(97 + i % 26 for i in range(length))
    assert arena.take(PVH, Pvh(arena, cmdline=line).content)["cmdline"] == line.decode()


@pytest.mark.parametrize("count", [1024, 1025, 2000, 4096])
def test_pvh_many_regions(arena, count):
    """Up to 4096 regions are taken."""
    regions = [(i * 0x3000, 0x2000, 1 + i % 2) for i in range(count - 1)] + [arena.region]
    assert arena.take(PVH, Pvh(arena, regions).content)["regions"] == regions


def test_pvh_overlapping_modules(arena):
    """Modules that overlap, and empty ones, are the loader's business."""
    start = arena.base + 0x30000
    modules = [(start, 0x2000, b""), (start + 0x1000, 0x2000, b""), (start, 0, b"")]
    record = arena.take(PVH, Pvh(arena, modules=modules).content)
    assert record["modules"] == [(start, start + size, "") for start, size, _ in modules[:1]] + [
        (start + 0x1000, start + 0x3000, ""),
        (start, start, ""),
    ]


def test_pvh_structures_over_touching_regions(arena):
    """A structure may lie across regions that touch; not across a hole."""
    cut = arena.base + Pvh.MAP + 30
    rest = (cut, arena.end - cut, 4)
    assert (
        arena.attempt(PVH, Pvh(arena, [(arena.base, cut - arena.base, 1), rest]).content) is None
    )
    pvh = Pvh(arena, [(arena.base, cut - arena.base - 1, 1), rest])
    assert "PVH memory map at" in arena.attempt(PVH, pvh.content)


def test_reserved_counts_as_memory_where_firmware_has_its_own(arena):
    """What lies in reserved memory is believed under 1 MiB, and behind what is left of memory."""
    for start, size, good in [
        (0xF0000, 0x10000, True),
        (0xF0000, 0x10001, False),
        (LOW_RAM[1], 0x70000, True),
        (LOW_RAM[1] + 1, 0x70000, False),
        (LOW_RAM[1] - 1, 0x70000, False),
    ]:
        regions = [LOW_RAM, arena.region, (start, size, 2)]
        pvh = Pvh(arena, regions, modules=[(0xF1000, 0x100, b"")])
        assert (arena.attempt(PVH, pvh.content) is None) == good


@pytest.mark.parametrize("kind", [0, 2, 5, 6, 8, 0xFFFFFFFF])
def test_structures_must_lie_in_memory(arena, kind):
    """A map that does not call the place of the structures memory is refused."""
    regions = [LOW_RAM, (arena.base, ARENA_SIZE, kind)]
    assert "is not in memory" in arena.attempt(PVH, Pvh(arena, regions).content)
    content = tags(map_tag(regions), END)
    assert "is not in memory" in arena.attempt(MULTIBOOT2, content)


@pytest.mark.parametrize(
    "fields, message",
    [
        ({"magic": 0x336EC579}, "has magic 0x336ec579, not 0x336ec578"),
        ({"version": 0}, "version 0, has no memory map"),
        ({"entries": 0}, "memory map of 0 regions"),
        ({"entries": 4097}, "memory map of 4097 regions"),
        ({"entries": 0xFFFFFFFF}, "memory map of 4294967295 regions"),
        ({"memmap": 0}, "PVH memory map at 0x0"),
        ({"memmap": (1 << 64) - 8}, "PVH memory map at 0xfffffffffffffff8"),
        ({"nr_modules": 257}, "list of 257 modules"),
        ({"nr_modules": 0xFFFFFFFF}, "list of 4294967295 modules"),
        ({"nr_modules": 1}, "PVH module list at 0x0"),
        ({"nr_modules": 1, "modlist": (1 << 64) - 1}, "PVH module list"),
        ({"cmdline_addr": 1 << 63}, "PVH command line at 0x8000000000000000 is not in memory"),
        ({"cmdline_addr": 0x1000}, "PVH command line at 0x1000 is not in memory"),
    ],
)
def test_pvh_refused(arena, fields, message):
    """Bad magic, absurd counts, pointers out of memory: a clear message."""
    assert message in arena.attempt(PVH, Pvh(arena, **fields).content)


def test_pvh_bad_modules_and_strings(arena):
    """Modules outside RAM, a command line without an end or in no encoding."""

    def refusal(**kwargs):
        return arena.attempt(PVH, Pvh(arena, **kwargs).content)

    hole = 0xA0000
    assert "PVH module 0 at 0xa0000" in refusal(modules=[(hole, 1, b"")])
    assert "PVH module 1 at" in refusal(modules=[(0x1000, 1, b""), (0x9FC00 - 1, 2, b"")])
    assert "PVH module 0 at" in refusal(modules=[((1 << 64) - 1, (1 << 64) - 1, b"")])
    assert "command line is not UTF-8" in refusal(cmdline=b"a=\xff\xfe")
    assert "has no end within 0x10000 bytes" in refusal(cmdline=b"a" * 65536)
    # The last byte of memory, with no zero before the end.
    pvh = Pvh(arena, [(arena.base, Pvh.MAP + 24 + 5, 1)], b"12345678")
    assert "has no end within 0x5 bytes" in arena.attempt(PVH, pvh.content)
    assert "no usable memory" in refusal(regions=[(arena.base, ARENA_SIZE, 3)])
    assert "no usable memory" in refusal(regions=[(0, 0, 1), (arena.base, ARENA_SIZE, 3)])


def test_pvh_module_lines_that_are_none(arena):
    """A command line of a module that is no text or not in memory is none, as qboot has it."""
    start = arena.base + 0x1000
    for line in (0xFFFFFFFF << 12, 0xA0000, 0x202000F18F5, (1 << 64) - 1):
        pvh = Pvh(arena, modules=[(start, 1, b"text")])
        at = pvh.modules + 16
        content = pvh.content[:at] + line.to_bytes(8, "little") + pvh.content[at + 8 :]
        assert arena.take(PVH, content)["modules"] == [(start, start + 1, "")]
    pvh = Pvh(arena, modules=[(start, 1, b"\xff")])
    assert arena.take(PVH, pvh.content)["modules"] == [(start, start + 1, "")]


def test_pvh_outside_the_window(arena):
    """Each structure that reaches beyond the window is refused without a read there."""
    pvh = Pvh(arena, cmdline=b"x" * 300, modules=[(0x1000, 1, b"y")])
    content = pvh.content
    whole = arena.base, arena.end
    assert arena.attempt(PVH, content, window=whole) is None
    for offset in (0, 39, 40, 55, 56, Pvh.MAP, Pvh.MAP + 47, pvh.modules + 31, pvh.text + 300):
        refusal = arena.attempt(PVH, content, window=(arena.base, arena.base + offset))
        assert refusal is not None, hex(offset)
        if offset:
            window = arena.base + offset, arena.end
            assert arena.attempt(PVH, content, window=window) is not None
    for addr in (0, 1, arena.base - 1, arena.end - 55, arena.end, 1 << 47, (1 << 64) - 1):
        for loader in (PVH, MULTIBOOT2):
            assert arena.attempt(loader, content, addr) is not None


@pytest.mark.parametrize("loader", [0, 3, -1, None])
def test_no_loader(arena, loader):
    """An unknown loader is refused."""
    assert "no boot loader that this kernel knows" in arena.attempt(loader, b"")


# ---- Multiboot2 ----


def test_multiboot2_record(arena):
    """A full Multiboot2 handoff gives the same record, unknown tags skipped."""
    regions = [LOW_RAM, arena.region, (0xFD00000000, 12 << 30, 2)]
    parts = [
        tag(1, b"a=1 b\0"),
        tag(2, b"GRUB 2.06\0"),
        tag(4, struct.pack("<II", 639, 255 << 10)),
        tag(9999, bytes(13)),
        tag(11, struct.pack("<I", 0x7000)),
        tag(12, struct.pack("<Q", 1 << 40)),
        module_tag(0x2000, 0x3234, b"first"),
        module_tag(0x3000, 0x4000),
        module_tag(0x5000, 0x5000),
        map_tag(regions),
        RSDP_NEW,
        RSDP_OLD,
        END,
    ]
    content = tags(*parts)
    record = arena.take(MULTIBOOT2, content)
    assert record["protocol"] == "multiboot2"
    assert record["addr"] == arena.base
    assert record["map_addr"] == arena.base + 8 + sum(map(len, parts[:9]))
    assert record["rsdp"] == arena.base + 8 + sum(map(len, parts[:10])) + 8
    assert record["efi"] == 1 << 40
    assert record["cmdline"] == "a=1 b"
    assert record["modules"] == [
        (0x2000, 0x3234, "first"),
        (0x3000, 0x4000, ""),
        (0x5000, 0x5000, ""),
    ]
    assert record["regions"] == regions
    info = (arena.base, arena.base + len(content))
    assert record["in_use"] == [info, (0x2000, 0x3234), (0x3000, 0x4000)]


def test_multiboot2_least(arena):
    """A map alone is enough: no RSDP, no command line, no modules."""
    record = arena.take(MULTIBOOT2, tags(map_tag([arena.region]), END))
    assert (record["rsdp"], record["cmdline"], record["modules"]) == (None, "", [])
    assert record["efi"] is None


def test_multiboot2_old_rsdp(arena):
    """The old RSDP serves where there is no new one."""
    record = arena.take(MULTIBOOT2, tags(RSDP_OLD, map_tag([arena.region]), END))
    assert record["rsdp"] == arena.base + 16


def test_multiboot2_longer_entries(arena):
    """Entries may be longer than those of version 0; half an entry at the end is none."""
    regions = [LOW_RAM, arena.region]
    for step in (24, 32, 40):
        record = arena.take(MULTIBOOT2, tags(map_tag(regions, step), END))
        assert record["regions"] == regions
        entries = map_tag(regions, step)[8:] + bytes(8)
        assert arena.take(MULTIBOOT2, tags(tag(6, entries), END))["regions"] == regions


EFI_KINDS = [2, 1, 1, 1, 1, 2, 2, 1, 5, 3, 4, 2, 2, 2, 7, 2]


def test_efi_memory_types(arena):
    """Each EFI type becomes the kind that it is after boot services; unknown ones reserved."""
    efi = [(arena.base & ~0xFFF, (ARENA_SIZE >> 12) + 1, 7)]
    efi += [(0x100000 * i, 16, i) for i in range(1, 16)]
    efi += [(0x2000000, 1, 16), (0x3000000, 1, 0x7FFFFFFF), (0x4000000, 1, 0x80000000)]
    kinds = EFI_KINDS[1:] + [2, 2, 2]
    for step in (40, 48, 56):
        record = arena.take(MULTIBOOT2, tags(efi_tag(efi, step), END))
        assert record["regions"] == [
            (start, pages << 12, kind)
            for (start, pages, _), kind in zip(efi, [1] + kinds, strict=True)
        ]


def test_both_maps(arena):
    """GRUB's map and EFI's are both kept; where they disagree the stricter kind wins."""
    low = arena.base & ~0xFFF
    efi = [(low, (ARENA_SIZE >> 12) + 1, 7), (MIB, 256, 7), (2 * MIB, 256, 6)]
    grub = [arena.region, (MIB, 256 << 12, 5), (2 * MIB, 256 << 12, 1)]
    arena.take(MULTIBOOT2, tags(map_tag(grub), efi_tag(efi), END))
    assert arena.port.eval("[memmap.find(0x100000).kind, memmap.find(0x200000).kind]") == [5, 2]
    assert len(arena.port.eval("memmap.raw()")) == 6


def test_basic_memory_information(arena):
    """Without a map the two basic sizes serve; the arena lies elsewhere, so it is refused then."""
    basic = tag(4, struct.pack("<II", 639, 255 << 10))
    refusal = arena.attempt(MULTIBOOT2, tags(basic, END))
    assert f"Multiboot2 information at 0x{arena.base:x}" in refusal and "not in memory" in refusal
    # Large enough to take in the arena.
    basic = tag(4, struct.pack("<II", 639, 0xFFFFFFFF))
    refusal = arena.attempt(MULTIBOOT2, tags(basic, END))
    assert "not in memory" in refusal
    arena.port.exec(f"put({tags(basic, END).hex()!r})")
    arena.port.exec(
        "bootinfo._check_ram, saved = (lambda t, w, s, n: (s, s + n)), bootinfo._check_ram"
    )
    try:
        arena.port.exec("read(2, base, base, base + size)")
        assert arena.port.eval("memmap.total()") == (639 << 10) + (0xFFFFFFFF << 10)
    finally:
        arena.port.exec("bootinfo._check_ram = saved")


@pytest.mark.parametrize("length", [0, 4096, 65536])
def test_multiboot2_long_command_line(arena, length):
    """A command line of 4 kB and more arrives whole."""
    line = bytes(97 + i % 26 for i in range(length))
    content = tags(tag(1, line + b"\0"), map_tag([arena.region]), END)
    assert arena.take(MULTIBOOT2, content)["cmdline"] == line.decode()


@pytest.mark.parametrize("count", [1024, 1025, 2000, 4096])
@pytest.mark.parametrize("efi", [False, True])
def test_multiboot2_many_regions(arena, count, efi):
    """Up to 4096 regions are taken, more are refused."""
    start = arena.base & ~0xFFF
    if efi:
        found = [(i * 0x3000, 2, 7 if i % 2 else 5) for i in range(count)]
        make = efi_tag
        found[0] = start, (ARENA_SIZE >> 12) + 1, 7
    else:
        found = [(i * 0x3000, 0x2000, 1 + i % 2) for i in range(count)]
        make = map_tag
        found[0] = arena.region
    record = arena.take(MULTIBOOT2, tags(make(found), END))
    assert len(record["regions"]) == count
    if count == 4096:
        for parts in ([make(found + found[:1])], [make(found), make(found[:1])]):
            assert "more than 4096 regions" in arena.attempt(MULTIBOOT2, tags(*parts, END))


def test_multiboot2_refused(arena):
    """Lists without an end, truncated tags, sizes that cannot be: a clear message each."""
    good = map_tag([LOW_RAM, arena.region])

    def refusal(*parts, total=None):
        message = arena.attempt(MULTIBOOT2, tags(*parts, total=total))
        assert message is not None
        return message

    assert "runs off its end" in refusal(good)
    assert "runs off its end" in refusal(good, tag(77, bytes(3)))
    assert "runs off its end" in refusal(good, END, total=8 + len(good) + 7)
    assert "has size 0x0" in refusal(good, tag(77, b"", size=0), END)
    assert "has size 0x7" in refusal(good, tag(77, b"", size=7), END)
    assert "has size 0x" in refusal(good, tag(77, bytes(8), size=0x1000), END)
    assert "has size 0xffffffff" in refusal(good, tag(77, bytes(8), size=0xFFFFFFFF), END)
    assert "has size" in refusal(good, END, total=8 + len(good) - 8)
    for total in (0, 8, 15, 0x100001, 0xFFFFFFFF):
        assert f"of 0x{total:x} bytes" in refusal(good, END, total=total)
    assert "outside readable memory" in refusal(good, END, total=ARENA_SIZE + 8)
    assert "has no memory map" in refusal(END)
    assert "has no memory map" in refusal(map_tag([]), END)
    assert "no usable memory" in refusal(map_tag([(0, 0, 1), (0, MIB, 2)]), END)
    for size in (8, 12, 15):
        assert "memory map" in refusal(tag(6, bytes(size - 8)), good, END)
        assert "memory map" in refusal(tag(17, bytes(size - 8)), good, END)
    for step in (0, 1, 8, 16, 23, 25, 0xFFFFFFFF):
        assert "-byte entries" in refusal(tag(6, struct.pack("<II", step, 0)), good, END)
        assert "-byte entries" in refusal(tag(17, struct.pack("<II", step, 1)), good, END)
    assert "EFI memory map: 0x10000000000000 pages" in refusal(efi_tag([(0, 1 << 52, 7)]), END)
    assert "module tag of 16 bytes" in refusal(good, tag(3, bytes(8)), END)
    assert "module 0 has no end" in refusal(good, tag(3, struct.pack("<II", 1, 2) + b"abc"), END)
    assert "ends before it starts" in refusal(good, module_tag(2, 1), END)
    assert "module 0 at 0xa0000" in refusal(good, module_tag(0xA0000, 0xA0001), END)
    assert "module 1 at 0x9fbff" in refusal(
        good, module_tag(1, 2), module_tag(0x9FBFF, 0x9FC01), END
    )
    assert "more than 256 modules" in refusal(good, *[module_tag(1, 2)] * 257, END)
    assert "command line has no end" in refusal(good, tag(1, b"abc"), END)
    assert "command line has no end" in refusal(good, tag(1, b""), END)
    assert "not UTF-8" in refusal(good, tag(1, b"\xff\0"), END)
    assert "RSDP tag of 27 bytes" in refusal(good, tag(14, b"RSD PTR " + bytes(11)), END)
    assert "RSDP tag of 43 bytes" in refusal(good, tag(15, b"RSD PTR " + bytes(27)), END)
    assert "EFI system table tag of 12 bytes" in refusal(good, tag(12, bytes(4)), END)
    assert "without a signature" in refusal(good, tag(14, bytes(20)), END)
    assert "basic memory tag of 12 bytes" in refusal(good, tag(4, bytes(4)), END)
    assert "boot services have not ended" in refusal(good, tag(18, b""), END)
    content = bytes(4) + tags(good, END)
    assert "is not aligned" in arena.attempt(MULTIBOOT2, content, arena.base + 4)


def test_multiboot2_outside_the_window(arena):
    """Tags that reach beyond the window are refused, wherever it ends."""
    content = tags(map_tag([arena.region]), tag(1, b"abc\0"), END)
    assert (
        arena.attempt(MULTIBOOT2, content, window=(arena.base, arena.base + len(content))) is None
    )
    for offset in range(len(content)):
        assert arena.attempt(MULTIBOOT2, content, window=(arena.base, arena.base + offset))


# ---- Mutations ----


def originals(arena):
    low = arena.base & ~0xFFF
    end = arena.base + 0x60000
    modules = [(arena.base + 0x30000, 0x1234, b"first"), (0x2000, 16, b"")]
    yield PVH, Pvh(arena).content
    yield (
        PVH,
        Pvh(arena, [LOW_RAM, arena.region, (1 << 40, 1 << 30, 2)], b"a=1 b", modules).content,
    )
    yield MULTIBOOT2, tags(map_tag([LOW_RAM, arena.region]), END)
    yield (
        MULTIBOOT2,
        tags(
            tag(1, b"main=/rom/main.py log=quiet\0"),
            tag(4, struct.pack("<II", 639, 255 << 10)),
            module_tag(0x2000, 0x3234, b"first"),
            map_tag([LOW_RAM, (arena.base, end - arena.base, 1), (end, arena.end - end, 1)]),
            efi_tag([(0, 0x9F, 7), (low, (ARENA_SIZE >> 12) + 1, 3), (1 << 32, 99, 11)]),
            RSDP_OLD,
            RSDP_NEW,
            END,
        ),
    )


def interesting(pick, arena):
    base, end = arena.base, arena.end
    near = pick.choice([0, 1 << 7, 1 << 20, 1 << 31, 1 << 32, 1 << 47, 1 << 52, 1 << 63, 1 << 64])
    near = pick.choice([near, base, end, base + pick.randrange(ARENA_SIZE)])
    return near + pick.choice([-4096, -56, -24, -8, -1, 0, 1, 7, 8, 24, 56, 4096])


def mutate(pick, content, arena):
    content = bytearray(content)
    size_before = len(content)
    # The parts that are not all zeros, more often than the gaps.
    places = [i for i in range(0, len(content), 4) if any(content[i : i + 4])]
    for _ in range(pick.choice([1, 1, 1, 2, 3, 8])):
        at = pick.choice(places) if pick.random() < 0.9 else pick.randrange(len(content))
        how = pick.randrange(5)
        if how == 0:
            content[at] ^= 1 << pick.randrange(8)
        elif how == 1:
            size = pick.choice([1, 2, 4, 8])
            content[at : at + size] = pick.randbytes(size)
        elif how == 2:
            size = pick.choice([4, 8])
            value = interesting(pick, arena) & ((1 << 8 * size) - 1)
            content[at : at + size] = value.to_bytes(size, "little")
        elif how == 3:
            value = pick.choice(
                [0, 1, 7, 8, 9, 15, 16, 17, 24, 25, 40, 255, 256, 257, 4096, 65535]
            )
            content[at : at + 4] = value.to_bytes(4, "little")
        else:
            source = pick.choice(places)
            content[at : at + 16] = content[source : source + 16]
        content = content.ljust(size_before, b"\0")
    return bytes(content)


@pytest.mark.parametrize("original", range(4))
@pytest.mark.parametrize("seed", range(4))
def test_mutated_handoffs(arena, original, seed):
    """Whatever a handoff is turned into: it is taken or refused, and never read past its end."""
    loader, content = list(originals(arena))[original]
    assert arena.attempt(loader, content) is None
    pick = random.Random(seed * 100 + original)
    outcomes = {True: 0, False: 0}
    for _ in range(400):
        mutated = mutate(pick, content, arena)
        window = None
        if pick.random() < 0.2:
            window = arena.base, arena.base + pick.randrange(len(content) + 64)
        try:
            refused = arena.attempt(loader, mutated, window=window) is not None
        except arena.port.Failed as failure:
            raise AssertionError(f"{failure} for {mutated.hex()} in {window}") from failure
        outcomes[refused] += 1
    # Both happen, or the mutations are too strong or too weak to prove anything.
    assert outcomes[True] > 20 and outcomes[False] > 20, outcomes
