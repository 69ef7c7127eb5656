"""The kernel's address space: what is mapped, how, and what Python can change of it."""

import handoffs
import pytest
from ringzero_vm import GuestError

WRITE, EXECUTE, UNCACHED, OWNED = 1, 2, 8, 16
PAGE, M2, G1 = 1 << 12, 1 << 21, 1 << 30
PERCPU = 0xFFFFFFFFC0000000


@pytest.mark.board("q35", "pc", "microvm")
@pytest.mark.memory("64M", "3G", "6G")
def test_protection(vm):
    """Nothing is writable and executable; all RAM is mapped at its address, MMIO uncached."""
    maps = vm.eval("__import__('pages').walk()")
    assert not [m for m in maps if m[3] & WRITE and m[3] & EXECUTE]
    assert sum(1 for m in maps if m[3] & EXECUTE) == 1
    assert maps[0][0] == PAGE  # the null frame is not
    for low, high in zip(maps, maps[1:], strict=False):
        assert low[1] <= high[0]
    regions = vm.eval("[tuple(r) for r in __import__('memmap').regions()]")

    def flags_of(addr):
        return next((m[3] for m in maps if m[0] <= addr < m[1] and m[2] == m[0]), None)

    for start, end, kind in regions:
        if kind == 1:
            at = max(start, PAGE)
            while at < end:
                found = next((m for m in maps if m[0] <= at < m[1]), None)
                if not found:  # a stack's guard
                    assert at < 8 << 20
                    at += PAGE
                    continue
                assert found[2] == found[0] and not found[3] & UNCACHED
                at = found[1]
    for mmio in (0xA0000, 0xFEC00000, 0xFEE00000):
        assert flags_of(mmio) == WRITE | UNCACHED
    in_use = vm.eval("__import__('_handoff').in_use()")[0]
    guards = [a for a in range(in_use[0], in_use[1], PAGE) if flags_of(a) is None]
    assert len(guards) == 7
    # The same memory once more, where each CPU has its own.
    own = [m for m in maps if m[0] >= PERCPU]
    assert own[0][0] == PERCPU and own[-1][1] - PERCPU < 1 << 20
    assert all(m[3] == WRITE | OWNED and in_use[0] <= m[2] < in_use[1] for m in own)
    mapped = {a for m in own for a in range(m[0], m[1], PAGE)}
    assert len([a for a in range(PERCPU, own[-1][1], PAGE) if a not in mapped]) == 7


@pytest.mark.qemu
def test_cpu_bits(vm):
    """CR0.WP, EFER.NXE and, where there are such, SMEP, SMAP and UMIP are on."""
    state = vm.qmp.command("human-monitor-command", **{"command-line": "info registers"})
    values = dict(
        word.split("=", 1) for word in state.replace("\r", "").split() if word.count("=") == 1
    )
    assert int(values["CR0"], 16) >> 16 & 1
    assert int(values["EFER"], 16) >> 11 & 1
    cr4 = int(values["CR4"], 16)
    assert cr4 >> 20 & 1 and cr4 >> 21 & 1  # -cpu max has them


def test_map(vm):
    """map, protect, translate and unmap by alignment; tables and counts come back."""
    result = vm.exec("""
        import frames, machine, pages
        before = frames.stats(), pages.walk()
        p = pages.alloc(1024, 1 << 21)
        va = pages.reserve(2048)
        pages.map(va, p.addr, 1024)
        print(va % (1 << 21), pages.translate(va + 5) == (p.addr + 5, pages.WRITE, 1 << 21))
        pages.protect(va + 4096, 1, pages.READ)
        print(pages.translate(va + 4096) == (p.addr + 4096, 0, 4096), pages.translate(va)[2])
        p[4096] = 77
        print(machine.mem8[va + 4096])
        pages.protect(va + 4096, 1, pages.WRITE)
        print(pages.translate(va)[2])
        pages.unmap(va + (512 + 7) * 4096)
        print(pages.translate(va + (512 + 7) * 4096), pages.translate(va + 512 * 4096)[2])
        pages.map(va + (512 + 7) * 4096, p.addr + (512 + 7) * 4096)
        pages.unmap(va, 1024)
        p.close()
        print((frames.stats(), pages.walk()) == before)
    """)
    assert result.split("\n") == [
        "0 True",
        "True 4096",
        "77",
        "2097152",
        "None 4096",
        "True",
        "",
    ]


def test_errors(vm):
    """What makes no sense is a ValueError that says which value, and why; nothing changes."""
    vm.exec("""
        import frames, pages
        p = pages.alloc(4)
        va = pages.reserve(4)
        before = frames.stats(), pages.walk()
        def say(call, *args):
            try:
                call(*args)
                print("nothing")
            except (ValueError, TypeError, OverflowError) as error:
                print(error)
    """)
    va, addr = vm.eval("(va, p.addr)")
    far = "below 0x800000000000 or from 0xffff800000000000 on"
    kernels = "mapped at its own address for the kernel"
    for call, message in (
        ("pages.map, va + 1, p.addr", f"va {va + 1:#x} is not a multiple of 4096"),
        ("pages.map, va, p.addr + 8", f"addr {addr + 8:#x} is not a multiple of 4096"),
        ("pages.map, va, 0x1001", "addr 0x1001 is not a multiple of 4096"),
        ("pages.map, 1 << 47, p.addr", f"va 0x800000000000, count 1: not canonical, {far}"),
        ("pages.map, (1 << 47) - 4096, p.addr, 2", "va 0x7ffffffff000, count 2: not canonical"),
        ("pages.map, (1 << 64) - 4096, p.addr, 2", "count 2 is too large for va 0xffff"),
        ("pages.map, va, p.addr, 0", "count is at least 1, not 0"),
        ("pages.map, va, p.addr, 1 << 60", "count 1152921504606846976 is too large for va 0x6"),
        ("pages.map, va, p.addr, 3 << 52", "count 13510798882111488 is too large for va 0x6"),
        ("pages.map, va, p.addr, 1 << 64", "count is 0 to 0xffffffffffffffff"),
        ("pages.map, va, p.addr, -1", "count is 0 to 0xffffffffffffffff, not -1"),
        ("pages.map, va, 1 << 64", "addr is 0 to 0xffffffffffffffff"),
        ("pages.map, -4096, p.addr", "va is 0 to 0xffffffffffffffff, not -4096"),
        ("pages.map, va, '1'", "addr is an int, not str"),
        ("pages.map, va, 1.0", "addr is an int, not float"),
        ("pages.map, va, 1 << 40", "addr 0x10000000000, count 1: this CPU's addresses end at 0x1"),
        ("pages.map, va, (1 << 40) - 4096, 2", "addr 0xfffffff000, count 2: this CPU's addresses"),
        ("pages.map, va, p.addr, 1, 3", "flags 0x3: READ, WRITE or EXECUTE, and"),
        ("pages.map, va, p.addr, 1, 16", "flags 0x10: READ, WRITE or EXECUTE, and"),
        ("pages.map, p.addr, p.addr", f"{addr:#x}: already mapped"),
        ("pages.map, 0, p.addr", "0x0: belongs to the kernel"),
        ("pages.map, (1 << 64) - 4096, p.addr", "0xfffffffffffff000: belongs to the kernel"),
        ("pages.map, 0xffffff7ffffff000, p.addr, 2", "0xffffff7ffffff000: belongs to the kernel"),
        ("pages.map, va, p.addr, 1, 8", f"{addr:#x}: memory is cached at its own address"),
        ("pages.map, va, p.addr, 1, 5", f"{addr:#x}: memory is cached at its own address"),
        ("pages.unmap, va", f"{va:#x}: not mapped"),
        ("pages.unmap, va + 1", f"va {va + 1:#x} is not a multiple of 4096"),
        ("pages.unmap, 1 << 20", "0x100000: belongs to the kernel"),
        ("pages.unmap, 0xfee00000", f"0xfee00000: {kernels}"),
        ("pages.unmap, 32 << 20", f"0x2000000: {kernels}"),
        ("pages.unmap, p.addr, 5", f"{addr:#x}: {kernels}"),
        ("pages.protect, 32 << 20, 1, 0", f"0x2000000: {kernels}"),
        ("pages.protect, p.addr, 1, 9", f"{addr:#x}: memory is cached at its own address"),
        ("pages.protect, va, 1, 0", f"{va:#x}: not mapped"),
        ("pages.protect, 1 << 20, 1, 1", "0x100000: belongs to the kernel"),
        ("pages.reserve, 0", "count is at least 1, not 0"),
        ("pages.reserve, 1 << 40", f"count 1099511627776 is too large for va {va + 0x5000:#x}"),
        ("pages.translate, 1 << 50", "va 0x4000000000000, count 1: not canonical"),
    ):
        assert vm.exec(f"say({call})").startswith(message), call
    assert vm.eval("(frames.stats(), pages.walk()) == before")


def test_reserve_at_the_end(vm):
    """Where no address space is left, the message names where the rest of it begins."""
    vm.exec("import pages; va = pages.reserve(1 << 32)")
    rest = vm.eval("va") + (((1 << 32) + 1) << 12)
    with pytest.raises(GuestError, match=f"count 4294967296 is too large for va {rest:#x}\\b"):
        vm.exec("pages.reserve(1 << 32)")
    assert vm.eval("pages.reserve(1)") == rest


def test_closed_pages_are_as_free_memory(vm):
    """However pages were mapped when they were closed, their frames are writable memory again."""
    assert (
        vm.exec("""
        import frames, pages
        start = frames.stats()[:3], pages.walk()
        ways = (
            lambda p, n: pages.protect(p.va, n, pages.READ),
            lambda p, n: pages.protect(p.va, n, pages.EXECUTE),
            lambda p, n: pages.protect(p.va + 4096, 1, pages.READ),
            lambda p, n: pages.unmap(p.va, n),
            lambda p, n: pages.unmap(p.va),
            lambda p, n: (pages.unmap(p.va, n), pages.map(p.va, p.addr + 4096, n - 1)),
            lambda p, n: (pages.unmap(p.va), pages.map(p.va, 0xfee00000, 1, pages.UNCACHED)),
        )
        for count, align in (2, 4096), (7, 4096), (512, 1 << 21), (1030, 1 << 21):
            for way in ways:
                p = pages.alloc(count, align)
                addr = p.addr
                way(p, count)
                p.close()
                for va in range(addr, addr + count * 4096, 4096):
                    assert pages.translate(va)[:2] == (va, pages.WRITE), (way, hex(va))
                assert (frames.stats()[:3], pages.walk()) == start
        # Two that share tables, closed in either order.
        for first in 0, 1:
            both = pages.alloc(256, 1 << 21), pages.alloc(256, 1 << 20)
            for p in both:
                pages.unmap(p.va, 256)
            both[first].close()
            both[1 - first].close()
            assert (frames.stats()[:3], pages.walk()) == start
    """)
        == ""
    )


@pytest.mark.memory("256M")
def test_no_frame_for_closing(vm):
    """Where closing takes a page table and none is left, the pages stay open for later."""
    assert (
        vm.exec("""
        import frames, pages
        from array import array
        start = frames.stats()[:3], pages.walk()
        # Two at a time have all of a table, which goes with the second.
        parts = [pages.alloc(256, 1 << 20) for _ in range(8)]
        for p in parts:
            pages.unmap(p.va, 256)
        held = [pages.alloc(512, 1 << 21) for _ in range(frames.stats().free_2m)]
        rest = array("Q", bytes(8 * frames.stats().free))
        frames.fill(rest)
        # The tables that the kernel keeps for such times.
        split = 0
        try:
            for p in held:
                pages.unmap(p.va)
                split += 1
        except MemoryError:
            pass
        assert split < len(held)
        refused = 0
        for p in parts:
            try:
                p.close()
            except MemoryError:
                refused += 1
                assert p.addr and p
        assert refused
        frames.drain(rest)
        for p in parts + held:
            p.close()
        assert (frames.stats()[:3], pages.walk()) == start
    """)
        == ""
    )


def test_addresses_that_the_cpu_does_not_have(boot, kernel, folder):
    """Memory of the map beyond the CPU's physical addresses is neither mapped nor given out."""
    end = 1 << 40  # -cpu max under TCG
    beyond = ((end - 64 * 4096, 128 * 4096, 1), (1 << 41, 1 << 20, 1))
    data = handoffs.tags(handoffs.memory_map((*handoffs.REGIONS, *beyond)))
    path = handoffs.compose(kernel, folder / "handoff.elf", data)
    vm = boot(kernel=path, memory="64M").boot()
    assert vm.eval("max(m[1] for m in __import__('pages').walk() if m[0] == m[2])") == end
    vm.exec("""
        import frames
        from array import array
        try:
            while True:
                last = frames.alloc(1, 4096)
                assert last < 1 << 40
        except MemoryError:
            pass
    """)


def test_native_code(vm):
    """Machine code is packed, read-only, executable, and goes with the functions that own it."""
    result = vm.exec("""
        import frames, gc, micropython, pages
        gc.collect()
        before = frames.stats()
        def make():
            env = {"micropython": micropython}
            for i in range(200):
                exec("@micropython.native\\ndef f%d(x):\\n return x + %d" % (i, i), env)
            return env
        def use():
            env = make()
            print(env["f7"](1), pages.stats().native)
        use()
    """)
    assert result == "8 16\n"
    # By now other code has written over what the collector would take for pointers on the stack.
    result = vm.exec("""
        gc.collect()
        gc.collect()
        print(pages.stats().native, frames.stats()[:4] == before[:4])
    """)
    assert result == "0 True\n"


def test_soft_reset(vm):
    """Ten soft resets leave the same frames free and the same mappings."""
    ask = "(tuple(__import__('frames').stats()), __import__('pages').walk())"
    vm.soft_reset()
    first = vm.eval(ask)
    for _ in range(10):
        vm.exec("import pages, frames; a = bytearray(20 << 20); p = pages.alloc(100)")
        vm.soft_reset()
    assert vm.eval(ask) == first
