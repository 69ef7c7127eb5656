"""Whatever a loader hands over, the kernel boots or says what is wrong with it and panics."""

import struct

import handoffs
import pytest
from handoffs import DATA, MIB, memory_map, start_info, tag, tags
from mpremote.romfs import VfsRomWriter
from ringzero_vm import Ended

MEMORY = "64M"
PANIC = 101


@pytest.fixture
def start(boot, kernel, folder):
    """Boots the kernel with a handoff at DATA."""

    def start(data, **registers):
        path = handoffs.compose(kernel, folder / "handoff.elf", data, **registers)
        return boot(kernel=path, memory=MEMORY)

    return start


def numbered(count, gap=0):
    """As many regions: 1 MiB to 17 MiB in one, then single frames, usable and bad in turn. With a
    gap between them, all of them are usable."""
    low = ((0, 0x9FC00, 1), (MIB, 16 * MIB, 1))
    kinds = (1, 1) if gap else (1, 5)
    return low + tuple(
        (17 * MIB + (4096 + gap) * i, 4096, kinds[i % 2]) for i in range(count - len(low))
    )


BOOTS = {
    "plain": tags(memory_map()),
    "unknown tags": tags(tag(99, b"?" * 11), memory_map(), tag(0x7FFFFFFF), tag(21, b"1234")),
    "tags in any order": tags(
        tag(4, struct.pack("<II", 639, 0)), memory_map(), tag(12, b"12345678")
    ),
    "longer entries": tags(memory_map(step=40)),
    "basic memory only": tags(tag(4, struct.pack("<II", 639, 63 * 1024))),
    "the firmware's map only": tags(
        tag(
            17,
            struct.pack("<II", 48, 1)
            + struct.pack("<IIQQQQQ", 7, 0, 0, 0, 0x9F, 0xF, 0)
            + struct.pack("<IIQQQQQ", 2, 0, MIB, 0, 63 * 256, 0xF, 0),
        )
    ),
}


@pytest.mark.parametrize("name", BOOTS)
def test_multiboot2_boots(start, name):
    """Tag lists that a loader may well give lead to the prompt, without an RSDP as well."""
    vm = start(BOOTS[name]).boot()
    assert vm.eval("__import__('bootinfo').protocol") == "multiboot2"
    assert vm.eval("__import__('memmap').rsdp") is None
    assert vm.eval("__import__('memmap').total()") >= 63 * MIB


def test_2000_regions(start):
    """A map of 2000 regions is taken whole, and its frames can be had."""
    vm = start(tags(memory_map(numbered(2000)))).boot()
    assert vm.eval("len(__import__('memmap').raw())") == 2000
    # The last of the low memory and the first single frame touch.
    assert vm.eval("len(__import__('memmap').regions())") == 1999
    vm.exec("import frames; frames.check()")


def test_4_kb_command_line(start):
    """A command line of 4 kB comes through with nothing lost."""
    words = " ".join(f"key{i:03}=value{i:03}" for i in range(240))
    text = words.ljust(4096, "x")
    vm = start(tags(handoffs.command_line(text), memory_map())).boot()
    assert vm.eval("__import__('bootinfo').cmdline") == text


def test_module_at_0(start):
    """A module in the first frame, where GRUB on UEFI puts a small one, is there after a reset."""
    writer = VfsRomWriter()
    writer.mkfile("name", b"text")
    rom = writer.finalise()
    words = struct.unpack(f"<{-(-len(rom) // 4)}I", handoffs.aligned(rom, 4))
    code = b"".join(handoffs.poke(4 * number, word) for number, word in enumerate(words))
    vm = start(tags(handoffs.module(0, len(rom), "rom"), memory_map()), code=code).boot()
    for _ in range(2):
        assert vm.eval("open('/rom/name').read()") == "text"
        first, end, text = vm.eval("__import__('bootinfo').modules[0]")
        assert (end - first, text) == (len(rom), "rom") and first > MIB
        vm.soft_reset()


def test_overlapping_modules(start):
    """Modules that overlap are all there, and none of their frames is given out."""
    first = handoffs.module(32 * MIB, 33 * MIB, "one")
    second = handoffs.module(32 * MIB + 4096, 34 * MIB, "two")
    vm = start(tags(first, second, memory_map())).boot()
    modules = ((32 * MIB, 33 * MIB, "one"), (32 * MIB + 4096, 34 * MIB, "two"))
    assert vm.eval("__import__('bootinfo').modules") == modules
    vm.exec(
        """
        import frames
        from array import array

        taken = array("Q", bytes(8 * frames.stats().free))
        frames.fill(taken)
        """
    )
    assert vm.eval("[a for a in taken if 32 << 20 <= a < 34 << 20]") == []


PANICS = {
    "no end": (tags(memory_map(), end=b""), "runs off its end"),
    "truncated list": (tags(memory_map(), size=24), "has size"),
    "size 0": (tags(memory_map(), size=0), "bytes"),
    "huge size": (tags(memory_map(), size=0xFFFFFFFF), "bytes"),
    "a tag of size 0": (tags(tag(1, b"\0", size=0), memory_map()), "has size 0x0"),
    "a tag longer than the list": (tags(memory_map(), tag(5, b"1234", size=4096)), "has size"),
    "half a memory map": (tags(tag(6, b"")), "memory map"),
    "entries of 0 bytes": (tags(tag(6, struct.pack("<II", 0, 0) + bytes(48))), "memory map"),
    "no memory map": (tags(), "no memory map"),
    "no usable memory": (tags(memory_map([(0, 64 * MIB, 2)])), "no usable memory"),
    "5000 regions": (tags(memory_map(numbered(5000))), "more than 4096"),
    "too many pieces": (tags(memory_map(numbered(2000, 4096))), "more than 1024"),
    "no end of the command line": (tags(tag(1, b"main"), memory_map()), "has no end"),
    "half a module": (tags(tag(3, b"1234"), memory_map()), "module tag"),
    "a module outside memory": (
        tags(handoffs.module(0xE0000000, 0xE0001000), memory_map()),
        "is not in memory",
    ),
    "a module that ends before it starts": (
        tags(handoffs.module(33 * MIB, 32 * MIB), memory_map()),
        "ends before it starts",
    ),
    "EFI still at work": (tags(memory_map(), tag(18)), "boot services"),
    "half an RSDP": (tags(memory_map(), tag(14, b"RSD PTR ")), "RSDP"),
}


@pytest.mark.parametrize("name", PANICS)
def test_multiboot2_panics(start, name):
    """A tag list that cannot be believed is a message and a panic."""
    data, message = PANICS[name]
    expect_panic(start(data), message)


def test_multiboot2_at_an_odd_address(start):
    """Tags that are not aligned are a message and a panic."""
    expect_panic(start(b"\0" * 4 + tags(memory_map()), ebx=DATA + 4), "is not aligned")


def expect_panic(vm, message):
    assert vm.wait_exit() == PANIC
    console = vm.transcript()
    assert "panic: " in console
    assert message in console


PVH_BOOTS = {
    "plain": start_info(text="a=1"),
    "no command line": start_info(),
    "2000 regions": start_info(numbered(2000)),
    "empty regions": start_info(((0, 0, 0), *handoffs.REGIONS, (MIB, 0, 1))),
    "unsorted": start_info(handoffs.REGIONS[::-1]),
}


@pytest.mark.parametrize("name", PVH_BOOTS)
def test_pvh_boots(start, name):
    """Start infos that a loader may well give lead to the prompt."""
    vm = start(PVH_BOOTS[name], eax=0).boot()
    assert vm.eval("__import__('bootinfo').protocol") == "pvh"


PVH_PANICS = {
    "bad magic": (start_info(magic=0x12345678), "PVH"),
    "no memory map in it": (start_info(version=0), "PVH"),
    "no regions": (start_info(()), "memory"),
    "too many regions": (start_info(count=0xFFFFFFFF), "regions"),
    "a map outside memory": (start_info(at=0x7FFFFFFFFFFF000), "memory"),
    "a module outside memory": (start_info(modules=[(1 << 40, (1 << 40) + 1)]), "memory"),
}


@pytest.mark.parametrize("name", PVH_PANICS)
def test_pvh_panics(start, name):
    """A start info that cannot be believed is a message and a panic."""
    data, message = PVH_PANICS[name]
    expect_panic(start(data, eax=0), message)


def test_nothing_at_all(start):
    """Zeroes for a handoff are a message and a panic."""
    expect_panic(start(bytes(64), eax=0, ebx=0), "PVH")


@pytest.mark.parametrize("bpp", [15, 16, 24, 32])
def test_framebuffer(start, bpp):
    """The prompt is drawn on a framebuffer of any depth, each glyph where it belongs."""
    addr, width, height = 48 * MIB, 640, 480
    pitch = width * ((bpp + 7) // 8) + 64
    regions = (*handoffs.REGIONS, (addr, 4 * MIB, 2))
    screen = handoffs.framebuffer(addr, width, height, bpp, pitch)
    vm = start(tags(screen, memory_map(regions))).boot()
    vm.exec("print('\\x1b[2J\\x1b[H|_X')")
    pixels = vm.memory(addr, pitch * height)
    white = {15: 0x7FFF, 16: 0xFFFF}.get(bpp, 0xFFFFFF)
    size = (bpp + 7) // 8

    def is_on(x, y):
        at = y * pitch + x * size
        return int.from_bytes(pixels[at : at + size], "little") & white == white

    # A bar's columns from top to bottom, then an underline's row from left to right.
    bar = [x for x in range(8) if all(is_on(x, y) for y in range(14))]
    assert bar and not is_on(bar[0] - 1, 4) and not is_on(bar[-1] + 1, 4)
    assert all(is_on(x, 15) for x in range(8, 16)) and not any(is_on(x, 4) for x in range(8, 16))
    assert not any(pixels[y * pitch + width * size + i] for y in range(height) for i in range(64))


def test_framebuffer_in_usable_memory(start):
    """What the kernel draws on is in use, whatever the map says: no frame there is given out."""
    addr, size = 48 * MIB + 512, 640 * 480 * 4
    screen = handoffs.framebuffer(addr, 640, 480, 32)
    vm = start(tags(screen, memory_map())).boot()
    for _ in range(2):
        vm.exec(
            """
            import frames
            from array import array

            taken = array("Q", bytes(8 * frames.stats().free))
            frames.fill(taken)
            print("drawn")
            """
        )
        inside = f"[a for a in taken if {addr - 4095} <= a < {addr + size}]"
        assert vm.eval(inside) == []
        vm.soft_reset()


@pytest.mark.parametrize(
    "screen",
    [
        handoffs.framebuffer(DATA - 640 * 480, 640, 480, 32),
        handoffs.framebuffer(MIB, 640, 480, 32),
        handoffs.framebuffer(1 << 40, 640, 480, 32),
        handoffs.framebuffer((1 << 64) - 4096, 640, 480, 32),
        handoffs.framebuffer(48 * MIB, 640, 480, 32, pitch=4),
        handoffs.framebuffer(48 * MIB, 0xFFFFFFFF, 0xFFFFFFFF, 32, pitch=0xFFFFFFFF),
        handoffs.framebuffer(48 * MIB, 640, 480, 8),
        handoffs.framebuffer(48 * MIB, 0, 0, 32),
        handoffs.framebuffer(48 * MIB, 640, 480, 0),
        tag(8, b"1234"),
    ],
)
def test_framebuffer_that_cannot_be(start, screen):
    """A framebuffer that cannot be drawn on is left alone, and the kernel boots."""
    vm = start(tags(screen, memory_map())).boot()
    assert vm.eval("6 * 7") == 42


def acpi_table(signature, body):
    """An ACPI table with a good checksum."""
    size = 36 + len(body)
    table = bytearray(signature + struct.pack("<IBB6s8sI4sI", size, 1, 0, b"T", b"T", 1, b"T", 1))
    table += body
    table[9] = -sum(table) & 0xFF
    return bytes(table)


@pytest.mark.parametrize("addr", [0x10, 0xFF8, 1 << 32, (1 << 64) - 1])
def test_acpi_addresses_that_cannot_be(start, addr):
    """Tables and registers in the null frame or out of reach are not there, and no fault."""
    reset = struct.pack("<BBBBQB", 0, 8, 0, 1, addr, 6)  # 5.2.9: in memory, with its value
    body = struct.pack("<II68xI", addr & 0xFFFFFFFF, addr & 0xFFFFFFFF, 1 << 10) + reset
    fadt = acpi_table(b"FACP", body)
    hpet = acpi_table(b"HPET", struct.pack("<IBBBBQI", 0, 0, 64, 0, 0, addr, 0))
    at = DATA + 4096
    entries = (at, at + 512, addr & 0xFFFFFFFF)
    rsdt = acpi_table(b"RSDT", struct.pack("<III", *entries))
    rsdp = bytearray(b"RSD PTR \0TESTER\0" + struct.pack("<I", at + 1024))
    rsdp[8] = -sum(rsdp) & 0xFF
    data = tags(tag(14, bytes(rsdp)), memory_map()).ljust(4096, b"\0")
    data += fadt.ljust(512, b"\0") + hpet.ljust(512, b"\0") + rsdt
    vm = start(data).boot()
    vm.exec("import machine, time; time.sleep_ms(50)")
    with pytest.raises(Ended):
        vm.run("machine.reset()")
    assert vm.wait_exit() != PANIC
