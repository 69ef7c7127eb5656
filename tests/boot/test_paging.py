"""The kernel's address space: what is mapped, how, and what Python can change of it."""

import pytest

WRITE, EXECUTE, UNCACHED, OWNED = 1, 2, 8, 16
PAGE, M2, G1 = 1 << 12, 1 << 21, 1 << 30


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
    assert len(guards) == 6


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
    """What makes no sense is a ValueError that says why, and changes nothing."""
    vm.exec("""
        import frames, pages
        p = pages.alloc(4)
        va = pages.reserve(4)
        before = frames.stats(), pages.walk()
        def say(call, *args):
            try:
                call(*args)
                print("nothing")
            except ValueError as error:
                print(str(error).split(": ")[-1])
    """)
    for call, message in (
        ("pages.map, va + 1, p.addr", "address is not a multiple of 4096"),
        ("pages.map, va, p.addr + 8", "address is not a multiple of 4096"),
        ("pages.map, 1 << 47, p.addr", "address is not canonical"),
        ("pages.map, (1 << 47) - 4096, p.addr, 2", "address is not canonical"),
        ("pages.map, (1 << 64) - 4096, p.addr, 2", "count is 0 or too large"),
        ("pages.map, va, p.addr, 0", "count is 0 or too large"),
        ("pages.map, va, p.addr, 1 << 60", "count is 0 or too large"),
        ("pages.map, va, p.addr, 1, 3", "flags do not go together"),
        ("pages.map, va, p.addr, 1, 16", "flags do not go together"),
        ("pages.map, p.addr, p.addr", "already mapped"),
        ("pages.map, 0, p.addr", "belongs to the kernel"),
        ("pages.map, -4096, p.addr", "not a 64-bit address or count"),
        ("pages.unmap, va", "not mapped"),
        ("pages.unmap, 1 << 20", "belongs to the kernel"),
        ("pages.protect, va, 1, 0", "not mapped"),
        ("pages.protect, 1 << 20, 1, 1", "belongs to the kernel"),
        ("pages.reserve, 0", "count is 0 or too large"),
        ("pages.translate, 1 << 50", "address is not canonical"),
    ):
        assert vm.exec(f"say({call})") == message + "\n", call
    assert vm.eval("(frames.stats(), pages.walk()) == before")


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
