"""Callbacks: whatever Python does where C calls it, C goes on, and so does the machine."""

import pytest
import ringzero_vm
from machine_code import RUN_CODE

# Exceptions that cannot be printed: their text raises, wants memory, or has no end.
UNPRINTABLE = """
import machine, time
class Raises(Exception):
    def __str__(self): return self.nothing
class Allocates(Exception):
    def __str__(self): return 'x' * len(bytearray(1000))
def deep(n): return deep(n + 1)
class Recurses(Exception):
    def __str__(self): return deep(0)
calls = [0]
"""
EXCEPTIONS = ("OSError(1 << 70)", "Raises(1)", "Allocates(1)", "Recurses(1)")


@pytest.mark.parametrize("exception", EXCEPTIONS)
def test_unprintable(vm, exception):
    """An exception whose text raises ends the callback, the program, the line; no more."""
    vm.exec(UNPRINTABLE)
    vm.exec(f"""
        def callback(timer):
            calls[0] += 1
            raise {exception}
        soft = machine.Timer(period=2, callback=callback)
        while calls[0] < 3:
            pass
        soft.deinit()
        time.sleep_ms(10)
        calls[0] = 0
        hard = machine.Timer(period=2, callback=callback, hard=True)
        time.sleep_ms(20)
        assert calls[0] == 1, calls
    """)
    assert exception.partition("(")[0] in vm.run(f"raise {exception}")
    # Interrupts, Ctrl-C, the scheduler and the heap go on.
    vm.repl.sendline("print('go'); exec('while True: pass')")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")
    assert vm.eval("[len(bytearray(1000)), machine.Timer(mode=0, period=1)][0]") == 1000


def test_recursion_beside_a_timer(vm):
    """Recursion to the limit in the program or in a callback leaves the scheduler unlocked."""
    assert (
        vm.exec(
            UNPRINTABLE
            + """
def callback(timer):
    calls[0] += 1
    if calls[0] < 4:
        deep(0)
def program():
    try:
        deep(0)
    except RuntimeError:
        pass
timer = machine.Timer(period=2, callback=callback)
for i in range(100):
    program()
calls[0] = 4
end = time.ticks_add(time.ticks_ms(), 20000)
while calls[0] < 15 and time.ticks_diff(end, time.ticks_ms()) > 0:
    time.sleep_ms(10)
timer.deinit()
assert calls[0] >= 15, calls
print('done')
"""
        ).splitlines()[-1]
        == "done"
    )


@pytest.mark.parametrize("table", ["globals()", "{}", "set()"])
def test_tables_beside_a_hard_timer(vm, table):
    """A hard callback finds what is in a table that the program makes larger at that moment."""
    calls = vm.exec(f"""
        import machine, time
        table = {table}
        add = table.add if isinstance(table, set) else lambda key: table.__setitem__(key, 1)
        keys = ["%d and more than a qstr has" % i for i in range(20000)]
        for key in keys[:100]:
            add(key)
        first, last = keys[0], keys[99]
        calls = lost = 0
        def callback(timer):
            global calls, lost
            calls += 1
            lost += first not in table or last not in table
        timer = machine.Timer(period=1, hard=True, callback=callback)
        for key in keys:
            add(key)
        before = calls
        end = time.ticks_add(time.ticks_ms(), 10000)
        while calls == before and time.ticks_diff(end, time.ticks_ms()) > 0:
            pass
        print(lost, calls > before)
        timer.deinit()
    """)
    assert calls == "0 True\n"


# What a hard callback does, and what the program does meanwhile.
CHANGES = {
    "dict": ("table['x'] + 1", "table['x'] = 5; del table['x']"),
    "setdefault": ("table['x'] + 1", "table.setdefault('x', 5); table.pop('x')"),
    "update": ("table['x'] + 1", "table.update({'x': 5}); table.clear()"),
    "global": ("name + 1", "name = 5; del name"),
    "instance": ("instance.x + 1", "instance.x = 5; del instance.x"),
    "class": ("instance.y + 1", "Class.y = 5; del Class.y"),
    "for": ("for key in table: table[key] + 1", "table[len(table)] = 5"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_keys_that_come_beside_a_hard_timer(vm, kind):
    """To a hard callback each key has its value or is not there."""
    callback, program = CHANGES[kind]
    result = vm.exec(f"""
        import machine, time
        class Class:
            pass
        instance = Class()
        table = {{}}
        missing = KeyError, NameError, AttributeError
        calls = found = wrong = 0
        last = None
        def callback(timer):
            global calls, found, wrong, last
            calls += 1
            try:
                {callback}
                found += 1
            except missing:
                pass
            except Exception as error:
                wrong += 1
                last = error
        timer = machine.Timer(tick_hz=1000000, period=100, hard=True, callback=callback)
        end = time.ticks_add(time.ticks_ms(), 20000)
        while calls < 4000 and not wrong and time.ticks_diff(end, time.ticks_ms()) > 0:
            for i in range(100):
                {program}
            if len(table) > 100:
                table.clear()
        timer.deinit()
        print(wrong, repr(last), calls > 100, found > 0)
    """)
    assert result == "0 None True True\n"


def test_no_pause(boot):
    """However long callbacks take that leave no pause, the main program goes on between them."""
    vm = boot(extra=("-icount", "shift=1,sleep=off")).boot()
    vm.exec("""
        import machine, time
        calls = turns = 0
        seen = []
        def callback(timer):
            global calls
            calls += 1
            time.sleep_ms(5)
            if calls % 500 == 0:
                seen.append(turns)
        timer = machine.Timer(period=5, callback=callback)
        while calls < 2000:
            turns += 1
        timer.deinit()
    """)
    first, second, third, last = vm.eval("seen")
    assert first < second < third < last


def test_turns_grow(boot):
    """What the main program gets beside timers that take all time grows with what they take."""
    vm = boot(extra=("-icount", "shift=1,sleep=off")).boot()
    took = vm.exec("""
        import machine, time
        def work():
            start = time.ticks_ms()
            for i in range(400000):
                pass
            return time.ticks_diff(time.ticks_ms(), start)
        alone = work()
        def callback(timer):
            time.sleep_ms(5)
        timers = [machine.Timer(period=5, callback=callback) for i in range(20)]
        print(alone, work())
        for timer in timers:
            timer.deinit()
    """)
    alone, beside = map(int, took.split())
    assert 20 <= alone and beside < 10 * alone + 200


def test_finaliser_raises(vm):
    """What a disk raises as the collector closes its file is printed; the heap lives on."""
    said = vm.exec("""
        import gc, os, vfs
        class Disk:
            def __init__(self):
                self.data = bytearray(64 * 512)
                self.broken = False
            def readblocks(self, block, buf, offset=0):
                at = block * 512 + offset
                buf[:] = self.data[at:at + len(buf)]
            def writeblocks(self, block, buf, offset=0):
                if self.broken:
                    raise OSError(1 << 70)
                at = block * 512 + offset
                self.data[at:at + len(buf)] = buf
            def ioctl(self, op, arg):
                return {4: 64, 5: 512}.get(op, 0)
        disk = Disk()
        vfs.VfsFat.mkfs(disk)
        vfs.mount(vfs.VfsFat(disk), '/fat')
        def leave_open(n):
            if n:
                leave_open(n - 1)
            else:
                open('/fat/file', 'w').write('text')
        leave_open(20)
        disk.broken = True
        gc.collect()
        disk.broken = False
        print(len(bytearray(1000)))
    """)
    assert "OSError" in said
    assert said.splitlines()[-1] == "1000"


@pytest.mark.parametrize(
    "end",
    ["raise SystemExit(Raises(1))", "import sys; sys.atexit(lambda: 1 / 0 if 0 else raises())"],
)
def test_end_that_raises(boot, app, end):
    """A program whose end cannot be printed ends the machine with a status and no panic."""
    program = "def raises(): raise Raises(1)\n" + UNPRINTABLE + end + "\n"
    vm = boot(app=app(program))
    vm.wait_exit()
    assert "panic" not in vm.transcript()


TERMINAL = """
import io, os, sys
class Terminal(io.IOBase):
    got = 0
    def write(self, buf):
        {write}
    def readinto(self, buf):
        {readinto}
    def ioctl(self, request, flags):
        {ioctl}
terminal = Terminal()
"""
WRITES = {
    "prints": "print('w', end='')",
    "prints long": "sys.stdout.write('w' * 300)",
    "claims more": "return len(buf) + 7",
    "claims a lot": "return 1 << 40",
    "claims what is no number": "return 'x'",
    "raises what cannot be printed": "raise OSError(1 << 70)",
    "takes itself away": "os.dupterm(None)",
    "puts itself there": "os.dupterm(self); print('w')",
    "puts the console there": "os.dupterm(sys.stdout); print('w')",
    "closes": "self.close()",
    "recurses": "return self.write(buf)",
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_strange_terminals(vm, write):
    """Whatever os.dupterm's terminal does when it is written to, the prompt goes on."""
    vm.exec(TERMINAL.format(write=write, readinto="return None", ioctl="return 0"))
    for _ in range(2):
        vm.run("was = os.dupterm(terminal)")
        vm.repl.sendline("print(6 * 7)")
        vm.repl.expect_exact("42")
    vm.repl.sendline("was = os.dupterm(None)")
    vm.repl.sendline("print(6 * 9)")
    vm.repl.expect_exact("54")
    vm.repl.expect_exact(">>> ")
    assert vm.eval("1 + 1") == 2


@pytest.mark.parametrize("console", ["sys.stdout", "sys.stdin", "sys.stderr", "sys.stdout.buffer"])
def test_console_as_terminal(vm, console):
    """The console itself as os.dupterm's terminal prints each thing once, and reads."""
    vm.run("import os, select, sys")
    vm.run(f"was = os.dupterm({console})")
    assert vm.run("print(6 * 7)").strip() == "42"
    vm.repl.sendline("poll = select.poll(); poll.register(sys.stdin, 1); len(poll.poll(10))")
    vm.repl.expect_exact("0\r\n>>> ")
    vm.repl.sendline("input('? ')")
    vm.repl.expect_exact("? ")
    assert "'text'" in vm.run("text")
    vm.run("was = os.dupterm(None)")
    assert vm.run("print(6 * 7)") == "42\r\n"


@pytest.mark.parametrize(
    "readinto, ioctl",
    [
        ("buf[0] = sys.stdin.buffer.read(1)[0]; return 1", "return 0"),
        ("select.poll().poll(0)", "return 0"),
        ("return None", "print('i'); return select.select([sys.stdin], [], [], 0) and 0"),
        ("return 9", "return 0"),
    ],
)
def test_terminals_that_read(vm, readinto, ioctl):
    """A terminal that asks the console in turn does not get the question back."""
    vm.exec(
        "import select\n"
        + TERMINAL.format(write="return len(buf)", readinto=readinto, ioctl=ioctl)
    )
    vm.run("was = os.dupterm(terminal)")
    vm.repl.sendline("print(select.select([], [sys.stdout], [], 0) and 6 * 7)")
    vm.repl.expect_exact("42\r\n")
    vm.repl.expect_exact(">>> ")


def test_output_of_hard_callbacks(vm):
    """A hard callback's output does not enter a terminal that is in the middle of something."""
    vm.exec(
        TERMINAL.format(
            write="self.got += len(buf); return len(buf)", readinto="return None", ioctl="return 0"
        )
    )
    vm.exec("""
        import machine, time
        def callback(timer):
            print('hard')
        os.dupterm(terminal)
        timer = machine.Timer(period=1, callback=callback, hard=True)
        for i in range(300):
            print('soft', i)
        timer.deinit()
        assert os.dupterm(None) is terminal
        assert terminal.got > 300 * 7
    """)


def test_buffers_that_are_kept(vm):
    """What Python streams, terminals and block devices keep of their buffers is theirs."""
    vm.exec("""
        import deflate, gc, io, json, os, sys, vfs
        kept = []
        class Stream(io.IOBase):
            def write(self, buf):
                kept.append(buf)
                kept.append(memoryview(buf)[:])
                return len(buf)
            def readinto(self, buf):
                kept.append(buf)
                kept.append(memoryview(buf))
                buf[:] = b'7' * len(buf)
                return len(buf)
            def ioctl(self, request, flags):
                return 0
        class Disk:
            data = bytearray(64 * 512)
            def readblocks(self, block, buf, offset=0):
                kept.append(buf)
                buf[:] = self.data[block * 512 + offset : block * 512 + offset + len(buf)]
            def writeblocks(self, block, buf, offset=0):
                kept.append(buf)
                self.data[block * 512 + offset : block * 512 + offset + len(buf)] = buf
            def ioctl(self, op, arg):
                return {4: 64, 5: 512, 6: 0}.get(op)
        def deep(n):
            return n and 1 + deep(n - 1)
        def check(text):
            deep(50)
            gc.collect()
            for one in kept:
                assert type(one) in (bytearray, memoryview), one
            # A reader without a buffer asks for one byte after the other.
            assert b''.join(bytes(one) for one in kept[::2]) == text, kept
            assert b''.join(bytes(one) for one in kept[1::2]) == text, kept
            for one in kept:
                for i in range(len(one)):
                    one[i] ^= 0x55
            kept.clear()
    """)
    vm.exec("""
        print('text', 123, file=Stream()); check(b'text 123\\n')
        json.dump({'a': [1, 'b']}, Stream()); check(b'{"a": [1, "b"]}')
        assert io.BufferedWriter(Stream(), 4).write(b'abcdef') == 6; check(b'abcd')
        assert json.load(type('One', (Stream,), {'readinto': lambda self, buf: 0 if kept else
            Stream.readinto(self, buf)})()) == 7; check(b'7')
        stream = Stream()
        os.dupterm(stream); print('out'); os.dupterm(None); check(b'out\\r\\n')
        for kind in (vfs.VfsFat, vfs.VfsLfs2):
            disk = Disk()
            kind.mkfs(disk)
            vfs.mount(kind(disk), '/disk')
            with open('/disk/file', 'w') as file:
                file.write('abc' * 1000)
            was = bytes(disk.data)
            for one in kept:
                one[0] ^= 0xff
            assert disk.data == was
            assert open('/disk/file').read() == 'abc' * 1000
            vfs.umount('/disk')
            kept.clear()
        # A stream may change what it is given to write.
        class Change(Stream):
            def write(self, buf):
                buf[:] = b'?' * len(buf)
                return Stream.write(self, buf)
        made = 'ab' * len('123')
        print(made, file=Change()); check(b'?' * 7)
        assert made == 'ababab'
        print('print', file=Change()); check(b'?' * 6)
        # Where the heap is locked, it goes as far as upstream.
        import micropython
        class Count(io.IOBase):
            def write(self, buf):
                self.got += len(buf)
                return len(buf)
        count = Count()
        count.got = 0
        micropython.heap_lock()
        print('text', file=count)
        micropython.heap_unlock()
        assert count.got == 5
    """)


@pytest.mark.parametrize("count", ["9", "1 << 40", "(1 << 62) - 1", "1 << 62"])
def test_streams_that_claim_more(vm, count):
    """A stream in Python that claims more bytes than there were raises, and does not loop."""
    vm.exec(f"""
        import io
        class Stream(io.IOBase):
            def write(self, buf): return {count}
            def readinto(self, buf): return {count}
            def ioctl(self, request, flags): return 0
    """)
    for call in (
        "print('text', file=Stream())",
        "import json; json.dump([1, 2], Stream())",
        "io.BufferedWriter(Stream(), 4).write(b'12345')",
        "import deflate; deflate.DeflateIO(Stream()).read(5)",
        "import json; json.load(Stream())",
    ):
        with pytest.raises(ringzero_vm.GuestError, match="OSError|OverflowError"):
            vm.exec(call, timeout=5)


def test_locked_in_a_hard_callback(vm):
    """A hard callback that locks the heap has locked it for itself."""
    vm.exec("""
        import machine, micropython, time
        def callback(timer):
            micropython.heap_lock()
            called[0] = 1
        called = bytearray(1)
        timer = machine.Timer(mode=0, period=1, callback=callback, hard=True)
        while not called[0]:
            pass
        x = [1] * 1000
    """)
    assert vm.eval("micropython.heap_locked()") == 0


def test_locked_by_the_last_program(vm):
    """A program that leaves the heap locked, in the raw REPL too, has locked it for itself."""
    vm.exec("import micropython; micropython.heap_lock()")
    assert vm.exec("print([1] * 3)") == "[1, 1, 1]\n"


@pytest.mark.memory("8M")
def test_exception_at_the_prompt(vm):
    """What is raised while the prompt waits for a line is not the end of the machine."""
    vm.run("import gc, machine, time")
    # Interrupted twice: the second finds no program any more.
    for _ in range(20):
        vm.repl.sendline("print('go'); time.sleep(1000)")
        vm.repl.expect_exact("go\r\n")
        vm.repl.send("\x03\x03")
        vm.repl.expect_exact("KeyboardInterrupt")
        vm.repl.expect_exact(">>> ")
    # A line that there is no memory for.
    vm.repl.sendline("gc.collect(); x = []")
    vm.repl.expect_exact(">>> ")
    vm.repl.sendline(
        "exec('try:\\n while True: x = [x, bytearray(100)]\\nexcept MemoryError:\\n pass')"
    )
    vm.repl.expect_exact(">>> ")
    vm.repl.send("x" * 3000 + "\r")
    vm.repl.expect_exact("Error", timeout=60)
    vm.repl.send("\x03")
    vm.soft_reset()
    assert vm.run("6 * 7") == "42\r\n"


# What looks names up, makes modules of them, and wants memory for it, in any order.
LOOKUPS = (
    "asyncio.StreamReader(io.BytesIO(b'ab\\n')).e",
    "asyncio.StreamReader(io.BytesIO(b'ab\\n')).readline()",
    "asyncio.Lock().__module__",
    "asyncio.Lock().nothing",
    "asyncio.Event().state",
    "asyncio.gather",
    "asyncio.nothing",
    "asyncio.stream.nothing",
    "getattr(asyncio, 'wait_' + 'for')",
    "hasattr(asyncio, str(calls))",
    "dir(asyncio)",
    "repr(asyncio)",
    "object().nothing",
    "type('T', (), {}).nothing",
    "shared.nothing",
    "getattr(shared, names[calls[0] % 100])",
    "vars[names[calls[0] % 100]]",
    "__import__('json').dumps([1])",
    "__import__('random').choice",
    "__import__('written').value",
    "__import__('nothing')",
    "exec('from asyncio import *')",
)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("path", ["sys.path", "['.frozen']"])
def test_lookups_in_hard_callbacks(vm, path):
    """A look-up or an import in a hard callback works or raises, and leaves nothing half done."""
    vm.exec(f"""
        import asyncio, gc, io, machine, sys, time
        with open('written.py', 'w') as file:
            file.write('value = bytearray(1000)')
        sys.path[:] = {path}
        loaded = set(sys.modules)
        names = ['name_%d' % i for i in range(100)]
        class Shared: pass
        shared = Shared()
        vars = {{}}
        calls = [0, 0]
        lookups = [{", ".join(f"lambda: {lookup}" for lookup in LOOKUPS)}]
    """)
    vm.exec(
        """
        def callback(timer):
            calls[0] += 1
            try:
                lookups[calls[0] % len(lookups)]()
            except Exception:
                calls[1] += 1
        def work():
            global shared, vars
            shared = Shared()
            vars = {}
            for name in names:
                setattr(shared, name, name + '!')
                vars[name] = [name, {name: name}]
            assert all(vars[name] == [name, {name: getattr(shared, name)[:-1]}] for name in names)
            gc.collect()
        timer = machine.Timer(period=1, callback=callback, hard=True)
        while calls[0] < 2000:
            work()
        assert set(sys.modules) == loaded, set(sys.modules) - loaded
        # The main program imports what the callbacks ask for.
        while calls[0] < 3000:
            work()
            asyncio.gather, asyncio.Event, asyncio.Lock, asyncio.StreamReader, asyncio.wait_for
        timer.deinit()
        assert 0 < calls[1] < calls[0]
        sys.path[:] = ['', '.frozen']
        import json, random, written
        assert len(written.value) == 1000
        assert json.dumps([random.choice([1])]) == '[1]'
        async def answer():
            return 42
        assert asyncio.run(asyncio.wait_for(answer(), 10)) == 42
    """,
        timeout=50,
    )
    vm.exec("import frames; frames.check()")


def test_any_frame_pointer(vm):
    """What has a number of its own where others have their stack frame's address is no stack."""
    vm.exec(RUN_CODE)
    vm.exec("""
        import machine
        calls = [0]
        def callback(timer): calls[0] += 1
        timer = machine.Timer(period=1, callback=callback, hard=True)
        # push rbp; mov rbp, number; mov ecx, 3000000; dec ecx; jnz -4;
        # pop rbp; pop rdx; mov eax, 3; ret
        def wait(number):
            run(b'\\x55\\x48\\xbd' + struct.pack('<Q', number) + b'\\xb9\\xc0\\xc6\\x2d\\x00'
                b'\\xff\\xc9\\x75\\xfc\\x5d\\x5a\\xb8\\x03\\x00\\x00\\x00\\xc3')
        for bit in range(64):
            for number in 1 << bit, (1 << 64) - (1 << bit), (1 << bit) - 8:
                before = calls[0]
                while calls[0] == before:
                    wait(number % (1 << 64))
        timer.deinit()
    """)
    assert vm.eval("calls[0] > 100") is True


def test_atomics_in_callbacks(vm):
    """Atomics on pages count exactly in the program, soft callbacks and hard ones at once."""
    vm.exec("""
        import machine, pages
        p = pages.alloc()
        counts = [0, 0]
        def soft(timer):
            p.fetch_add(8, 1)
            counts[0] += 1
        def hard(timer):
            p.fetch_add(8, 1)
            value = p.load(16)
            assert p.compare_exchange(16, value, value + 3)
            counts[1] += 1
        timers = [machine.Timer(period=1, callback=soft),
            machine.Timer(period=100, tick_hz=1000000, callback=hard, hard=True)]
        mine = 0
        while counts[0] < 50 or counts[1] < 500:
            p.fetch_add(8, 1)
            value = p.load(16)
            p.compare_exchange(16, value, value + 3)
            mine += 1
        for timer in timers:
            timer.deinit()
        assert p.load(8) == mine + counts[0] + counts[1]
        assert p.load(16) % 3 == 0 and p.load(16) >= 3 * counts[1]
        p.close()
    """)
