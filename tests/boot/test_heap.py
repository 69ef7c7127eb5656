"""The heap takes frames as it needs them, gives them back, and says the truth about them."""

import pytest

pytestmark = pytest.mark.board("microvm")


@pytest.mark.memory("2G")
@pytest.mark.timeout(300)
def test_a_gigabyte(vm):
    """bytearray(1 << 30) works with 2 GiB, and all of it goes back."""
    result = vm.exec(
        """
        import frames, gc, pages
        gc.collect()
        before = frames.stats().free, pages.stats()
        b = bytearray(1 << 30)
        b[-1] = 77
        print(len(b), b[0], b[-1], before[0] - frames.stats().free - pages.stats().heap < 64)
        del b
        gc.collect()
        print((frames.stats().free, pages.stats()) == before)
        """,
        timeout=250,
    )
    assert result == "1073741824 0 77 True\nTrue\n"


@pytest.mark.memory("64M", "256M")
def test_free_is_true(vm):
    """gc.mem_free() is what can be had, to a few percent; mem_info() and stats() agree."""
    result = vm.exec("""
        import frames, gc, micropython, pages
        gc.collect()
        free = gc.mem_free()
        assert free < 4096 * frames.stats().free + (1 << 20)
        size = free * 95 // 100
        b = bytearray(size)
        s, p = frames.stats(), pages.stats()
        print(free - gc.mem_free() - size < free // 50, p.heap * 4096 > size - (1 << 20))
        print(s.total == s.used + s.free)
        micropython.mem_info()
        try:
            bytearray(gc.mem_free() + 4096)
            print("too much")
        except MemoryError:
            print("MemoryError")
        del b
        gc.collect()
        print(abs(gc.mem_free() - free) < 4096)
    """)
    assert result.startswith("True True\nTrue\n") and result.endswith("\nMemoryError\nTrue\n")


@pytest.mark.memory("32M")
@pytest.mark.timeout(300)
def test_exhaustion(vm):
    """With no memory and no frame left, mapping, faults and the prompt work on; all comes back."""
    result = vm.exec(
        """
        import frames, gc, machine, pages
        gc.collect()
        before = frames.stats().free, pages.stats()
        hold = []
        try:
            while True:
                hold.append(bytearray(100000))
        except MemoryError:
            pass
        lent = None
        try:
            while True:
                addr = frames.alloc()
                machine.mem64[addr] = lent or 0
                lent = addr
        except MemoryError:
            print(frames.stats().free)
        va = pages.reserve(1)
        pages.map(va, lent)
        machine.mem8[va + 100] = 7
        pages.protect(va, 1, pages.READ)
        try:
            machine.mem8[va] = 1
        except FaultError as error:
            print(error.kind, machine.mem8[lent + 100])
        pages.unmap(va)
        while lent:
            addr = lent
            lent = machine.mem64[addr]
            frames.free(addr)
        hold.clear()
        """,
        timeout=200,
    )
    assert result == "0\nwrite 7\n"
    # The program's frame may have kept what it worked on last.
    result = vm.exec(
        "gc.collect(); print((frames.stats().free, pages.stats()) == before, frames.check())"
    )
    assert result == "True True\n"


def test_growth_is_contiguous(vm):
    """Small objects beyond the first mebibyte, their collection, and objects that stay."""
    result = vm.exec("""
        import frames, gc, pages
        keep = fill = None
        gc.collect()
        before = frames.stats().free, pages.stats()
        def fill():
            x = [[i] for i in range(200000)]
            print(sum(y[0] for y in x) == 199999 * 100000, pages.stats().heap > 2000)
            return x[150000]
        keep = fill()
        gc.collect()
        print(keep)
        keep = None
        gc.collect()
        print((frames.stats().free, pages.stats()) == before)
    """)
    assert result == "True True\n[150000]\nTrue\n"


def test_the_last_memory_is_not_collected_for(boot):
    """All of memory fills in the time of some collections, not of one for each bit of it."""
    vm = boot(extra=["-icount", "shift=0,sleep=off"]).boot()
    said = vm.exec("""
        import gc, time
        def fill(held):
            try:
                while True:
                    held.append(bytearray(1 << 18))
            except MemoryError:
                pass
        held = []
        begin = time.ticks_us()
        fill(held)
        filled = time.ticks_us()
        gc.collect()
        print(filled - begin, time.ticks_us() - filled)
    """)
    filled, collected = map(int, said.split())
    assert filled < 9 * collected


# What makes a block grow to the very end of the heap, and the end of what it gives.
TO_THE_END = {
    "[i for i in range(300000)]": "[-1]",
    "grow(list(), 200000, lambda x: x.append(7))": "[-1]",
    "grow(bytearray(), 3000, lambda x: x.extend(bytes(1000)))": "[-1]",
    "grow(array.array('B'), 200000, lambda x: x.append(7))": "[-1]",
    "io.BytesIO().write(bytes(3000000))": "",
    "eval('(' * 10000)": "",
    "list(range(1 << 40))": "",
    "grow(list(), 1 << 40, lambda x: x.extend((7,) * 1000))": "",
    "grow(bytearray(), 1 << 40, lambda x: x.extend(bytes(1000)))": "",
}


@pytest.mark.memory("24M")
@pytest.mark.timeout(300)
def test_to_the_end(vm):
    """A block may grow to the heap's last byte: then there is the object or a MemoryError."""
    vm.exec("""
        import array, frames, gc, io
        def grow(x, count, more):
            for _ in range(count):
                more(x)
            return x
    """)
    for code, end in TO_THE_END.items():
        result = vm.exec(
            f"""
            try:
                x = {code}
                print(x{end})
            except (MemoryError, SyntaxError, RuntimeError) as error:
                print(type(error))
            x = None
            gc.collect()
            print(frames.check())
            """,
            timeout=250,
        )
        assert result.endswith("\nTrue\n"), (code, result)


def test_collect_in_an_interrupt(vm):
    """gc.collect() in a hard callback does nothing, wherever it has interrupted the program."""
    result = vm.exec("""
        import gc, machine, time
        keep = [[i] for i in range(2000)]
        calls = 0
        def callback(timer):
            global calls
            calls += 1
            gc.collect()
        timer = machine.Timer(-1, period=1, callback=callback, hard=True)
        while calls < 200:
            parts = [[i] for i in range(200)]
            texts = {i: str(i) for i in range(50)}
            gc.collect()
            assert all(parts[i] == [i] for i in range(200)) and texts[49] == "49"
        timer.deinit()
        print(all(keep[i] == [i] for i in range(2000)))
    """)
    assert result == "True\n"


def test_looks_in_an_interrupt(vm):
    """A hard callback may ask how much is in use while the heap grows and shrinks."""
    result = vm.exec("""
        import gc, machine
        calls = 0
        def callback(timer):
            global calls
            calls += 1
            gc.mem_alloc()
        timer = machine.Timer(-1, freq=5000, callback=callback, hard=True)
        for _ in range(40):
            hold = [bytearray(4000) for _ in range(2000)]
            hold = None
            gc.collect()
        timer.deinit()
        print(calls > 10)
    """)
    assert result == "True\n"


def test_table_on_a_terminal_that_collects(vm):
    """The terminal that mem_info(1) prints to may collect, after which there is less to print."""
    result = vm.exec("""
        import gc, io, micropython, os
        class Terminal(io.IOBase):
            calls = areas = 0
            def write(self, text):
                self.areas += b"layout" in text
                self.calls += self.areas == 2
                if self.calls == 20:
                    self.hold = None
                    gc.collect()
                return len(text)
            def readinto(self, buffer):
                return None
        terminal = Terminal()
        os.dupterm(terminal)
        # What is just being printed lives, and what the stack still has.
        terminal.keep = bytearray(200000)
        terminal.hold = [bytearray(80000) for _ in range(100)]
        def bury(depth):
            # Writes over what functions that have returned left there.
            return depth and bury(depth - 1)
        bury(20)
        micropython.mem_info(1)
        os.dupterm(None)
        print(20 < terminal.calls < 2000)
    """)
    assert result.endswith("True\n")


def test_nothing_behind_names(vm):
    """A program without constants keeps nothing that happens to lie behind its names."""
    result = vm.exec("""
        import gc
        for names in range(21):
            names = "".join("n%d = 0;" % i for i in range(names))
            program = compile(names + "[bytearray(20000) for _ in range(200)]", "", "exec")
            gc.collect()
            before = gc.mem_alloc()
            exec(program, {})
            gc.collect()
            print(gc.mem_alloc() - before, end=" ")
    """)
    # The first one leaves stale pointers on the stack.
    assert max(map(int, result.split()[1:])) < 10000


def test_import_without_memory(vm):
    """A module for which there is no memory can be imported once there is."""
    result = vm.exec("""
        import asyncio, micropython, sys
        asyncio.Lock
        for _ in range(2):
            micropython.heap_lock()
            try:
                asyncio.gather
            except MemoryError:
                pass
            micropython.heap_unlock()
        print(asyncio.gather.__name__, all(sys.modules.values()))
    """)
    assert result == "gather True\n"


def test_locks_are_balanced(vm):
    """heap_unlock() undoes only what heap_lock() has done, in a hard callback, too."""
    result = vm.exec("""
        import machine, micropython
        errors = calls = 0
        def unlock(timer):
            global calls, errors
            calls += 1
            try:
                micropython.heap_unlock()
            except RuntimeError:
                errors += 1
        unlock(None)
        timer = machine.Timer(-1, period=1, callback=unlock, hard=True)
        while calls < 100:
            keep = [[i] for i in range(1000)]
        timer.deinit()
        print(errors == calls, keep[999], micropython.heap_lock(), micropython.heap_unlock())
    """)
    assert result == "True [999] None 0\n"


def test_pointer_into_an_object(vm):
    """What C uses and only has a pointer into the middle of is not collected: a pattern that
    re.sub() has compiled, a replacement that it is copying."""
    result = vm.exec("""
        import gc, re
        for blocks in range(1, 40):
            gc.threshold(32 * blocks)
            for count in range(20):
                text = re.sub("([a-c]+)(y)", r"\\g<2>2\\1", "xaby" * count)
                assert text == "xy2ab" * count, text
                text = re.sub("[a-c]+", lambda match: match.group(0) * 8, "xaby" * count)
                assert text == ("x" + "ab" * 8 + "y") * count, text
    """)
    assert result == ""


def test_callbacks_move_references(vm):
    """What a hard callback hands to another object while a collection looks lives on."""
    vm.exec("""
        import gc
        from machine import Timer
        count = 200
        first = [(1234567, 7654321, i) for i in range(count)]
        filler = [[i, [i], (i,)] for i in range(60000)]
        second = [None] * count
        moves = True
        calls = [0]
        def swap(timer):
            calls[0] += 1
            for i in range(count if moves else 0):
                one = first[i]
                first[i] = second[i]
                second[i] = one
        timer = Timer(freq=3001, callback=swap, hard=True)
        for _ in range(30):
            moves = True
            gc.collect()
            moves = False
            junk = [(1, 2, 3) for _ in range(300)]
            for i in range(count):
                assert (first[i] or second[i])[0] == 1234567
        timer.deinit()
    """)


def test_finalisers_keep(vm):
    """What a file's finaliser keeps, of what was to die with the file, lives on."""
    vm.exec("""
        import gc, vfs
        kept = [None] * 50
        class Disk:
            def __init__(self):
                self.data = bytearray(64 * 512)
                self.keep = False
                self.more = [[i, str(i) + 'th'] for i in range(100)]
            def readblocks(self, block, buf):
                buf[:] = self.data[block * 512 : block * 512 + len(buf)]
            def writeblocks(self, block, buf):
                if self.keep:
                    kept[kept.index(None)] = self
                    self.keep = False
                self.data[block * 512 : block * 512 + len(buf)] = buf
            def ioctl(self, op, arg):
                return {4: 64, 5: 512}.get(op, 0)
        def drop():
            disk = Disk()
            vfs.VfsFat.mkfs(disk)
            file = vfs.VfsFat(disk).open('/file', 'w')
            file.write('text')
            disk.keep = True
        for _ in range(20):
            drop()
        for _ in range(5):
            gc.collect()
            junk = [[i, 'x' * 20] for i in range(2000)]
        kept = kept[:kept.index(None)]
        assert len(kept) > 10
        for disk in kept:
            assert disk.more == [[i, str(i) + 'th'] for i in range(100)], disk.more
            assert len(disk.data) == 64 * 512
    """)
