"""Ctrl-C ends what does not look for it."""

import random
import time

import pexpect
import pytest
from python_disk import PYTHON_DISK
from ringzero_vm import CTRL_A, CTRL_B, CTRL_C, CTRL_D

DEFINITIONS = """
import frames, io, machine, re, sys, time
@micropython.native
def native():
    x = 0
    while True:
        x ^= 1
@micropython.viper
def viper():
    x = 0
    while True:
        x ^= 1
@micropython.native
def native_try():
    try:
        while True:
            pass
    except ValueError:
        pass
def in_callback(function):
    def callback(timer):
        print('go')
        function()
    machine.Timer(mode=0, period=1, callback=callback)
    time.sleep(1000)
def for_ever():
    while True:
        pass
digits = '9' * 3000000
big = range(1 << 40)
three = bytearray(3)
"""
LOOPS = {
    "sum": "sum(range(1 << 40))",
    "max": "max(range(1 << 40))",
    "in": "-1 in range(1 << 40)",
    "all": "all(map(abs, range(1, 1 << 40)))",
    "random": "__import__('urandom').choice(range(1 << 32))",
    "power": "pow(int('7'), int('3000000'))",
    "power, folded": "exec('x = 7 ** 3000000')",
    "digits": "int(digits)",
    "re": "re.match('a?' * 30 + 'a' * 30, 'a' * 30)",
    "buffered": "io.BufferedWriter(io.BytesIO(), 0).write('x')",
    "find": "('a' * 1000000).find('a' * 500000 + 'b')",
    "native": "native()",
    "native, try": "native_try()",
    "viper": "viper()",
    "print": "print('x' * 4000000)",
    "write": "sys.stdout.write('x' * 4000000)",
    "sort": "sorted(range(1 << 20), key=lambda x: sum(range(1 << 40)))",
}
IN_CALLBACKS = ("for_ever", "native", "lambda: sum(range(1 << 40))", "lambda: time.sleep(1000)")
WITHOUT_A_PROGRAM = (
    "t = machine.Timer(mode=0, period=500, callback=go)",
    "t = machine.Timer(mode=0, period=500, callback=lambda t: go(sum, range(1 << 40)))",
    "t = machine.Timer(mode=0, period=500, callback=throw)",
    "throw()",
    "os.dupterm(Terminal())",
    "end = sys.atexit(lambda: go(0))",
    "end = final()",
)
WITHOUT_A_PROGRAM_DEFINITIONS = """
import gc, io, os, sys, vfs
def go(*a):
    print('go')
    a[0](a[1]) if callable(a[0]) else for_ever()
class Terminal(io.IOBase):
    readinto = lambda self, buf: None
    write = go
class Disk:
    data = bytearray(64 * 512)
    write = None
    def readblocks(self, block, buf):
        buf[:] = self.data[block * 512 : block * 512 + len(buf)]
    def writeblocks(self, block, buf):
        if self.write:
            print('go')
            for_ever()
        self.data[block * 512 : block * 512 + len(buf)] = buf
    def ioctl(self, op, arg):
        return {4: 64, 5: 512}.get(op, 0)
def final():
    disk = Disk()
    vfs.VfsFat.mkfs(disk)
    vfs.mount(vfs.VfsFat(disk), '/fat')
    file = open('/fat/file', 'w')
    file.write('text')
    disk.write = True
    return file
many = [1]
for i in range(100):
    many = [many, many]
def throw(*_):
    raise ValueError(many)
"""


def interrupt(vm, code, timeout):
    """Ctrl-C in the middle of this; `made` is whether it came to its end nevertheless."""
    vm.exec(f"def run():\n global made\n made = False\n print('go')\n {code}\n made = True\n")
    vm.repl.sendline("run()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt", timeout=timeout)
    vm.repl.expect_exact(">>> ")


@pytest.mark.timeout(120)
def test_deaf_loops(vm):
    """Loops in C, in machine code and in callbacks end within seconds, and the prompt goes on."""
    vm.exec(DEFINITIONS)
    for code in LOOPS.values():
        interrupt(vm, code, 10)
        assert vm.run("6 * 7") == "42\r\n"
    vm.exec("import frames; frames.check()")


COMPUTING = {
    "pow": "(pow, 7, 3000000)",
    "pow of three": "(pow, 3, 10**2500, 10**2500 + 1)",
    "int": "(int, digits[:600000])",
    "str": "(str, 1 << 3000000)",
    "%": "('{:d}'.format, 1 << 3000000)",
    "join": "(text.join, [''] * 6000000)",
    "re": "(re.match, '(a|aa)+$', 'a' * 60 + 'b')",
    "sha256": "(hashlib.sha256, bytes(300000000))",
    "struct": "(struct.calcsize, 'b' * 50000000)",
    "unpack": "(struct.unpack, '50000000b', bytes(50000000))",
    "deflate": "(deflate.DeflateIO(io.BytesIO(), deflate.ZLIB, 15).write, bytes(50000000))",
    "dumps": "(json.dumps, 1 << 3000000)",
    "divmod": "(divmod, 1 << 6000000, 10**200000)",
}
WAYS = {
    "call": "c[0](*c[1:]) if len(c) > 2 else c[0](c[1])",
    "star": "c[0](*list(c[1:]))",
    "keywords": "c[0](*c[1:], **{})",
    "native": "call(*c)",
    "native, try": "call_and_try(*c)",
    "native in native": "call_twice(*c)",
    "native star": "call_star(c[0], c[1:])",
    "native generator": "next(call_later(*c))",
    "viper": "call_viper(c[0], c[1:])",
    "map": "list(map(c[0], *[[x] for x in c[1:]]))",
    "exec": "exec('c[0](*c[1:])')",
    "compiled": "eval(compile('c[0](*c[1:])', 'name', 'eval'))",
}
CALLS = """
import deflate, hashlib, json, struct
text = 'a' * 40
@micropython.native
def call(f, *a):
    return f(a[0]) if len(a) == 1 else f(a[0], a[1]) if len(a) == 2 else f(a[0], a[1], a[2])
@micropython.native
def call_and_try(f, *a):
    try:
        return f(a[0]) if len(a) == 1 else f(a[0], a[1]) if len(a) == 2 else f(a[0], a[1], a[2])
    finally:
        pass
@micropython.native
def call_twice(f, *a):
    return call(f, *a)
@micropython.native
def call_star(f, a):
    return f(*a)
@micropython.native
def call_later(f, *a):
    yield call(f, *a)
@micropython.viper
def call_viper(f, a):
    return call_star(f, a)
"""


@pytest.mark.timeout(300)
@pytest.mark.memory("1G")
def test_ways_to_compute(vm):
    """What takes its time in C ends with one Ctrl-C, from whatever it is called."""
    vm.exec(DEFINITIONS + CALLS)
    chosen = random.Random(1)
    cases = [(way, chosen.choice(sorted(COMPUTING))) for way in WAYS]
    cases += [(chosen.choice(sorted(WAYS)), what) for what in COMPUTING]
    in_vain = []
    for way, what in cases:
        vm.exec(f"c = {COMPUTING[what]}")
        vm.repl.sendline(f"print('go'); x = {WAYS[way]}; print('made')")
        vm.repl.expect_exact("go\r\n")
        vm.repl.send("\x03")
        ends = ["KeyboardInterrupt", "made\r\n", pexpect.TIMEOUT]
        if vm.repl.expect_exact(ends, timeout=10) != 0:
            in_vain.append((way, what))
            vm.repl.send("\x03\x03")
            vm.repl.expect_exact(">>> ", timeout=60)
            vm.exec(DEFINITIONS + CALLS)
        else:
            vm.repl.expect_exact(">>> ")
    assert in_vain == []


def test_heaps(vm):
    """Ctrl-C in the middle of heapq loses none of a list's items."""
    vm.exec("import heapq; h = list(range(3000000, 0, -1)); before = sum(h)")
    interrupt(vm, "[(heapq.heapify(h), h.reverse()) for _ in range(20)]", 60)
    assert vm.eval("sum(h) == before")


LARGE = {
    "text * n": "text * 12",
    "str": "str(data)",
    "repr": "repr(data)",
    "repr of an array": "repr(array)",
    "repr of items": "'{!r}'.format(items)",
    "%": "'%s%s%s%s' % (text, text, text, text)",
    "join": "('a' * 40).join([''] * 6000000)",
    "print": "print(data)",
    "json": "json.loads('[' + '1,' * 20000000 + '1]')",
}


@pytest.mark.timeout(300)
def test_large_objects(boot):
    """What C makes of hundreds of megabytes is not waited for: the program stops in the middle."""
    vm = boot(board="microvm", memory="1G").boot()
    vm.exec("import json; data = bytes(150 << 20); text = 'a' * (50 << 20)")
    vm.exec("array = bytearray(75 << 20); items = [bytes(25 << 20)] * 4")
    waited = []
    for name, code in LARGE.items():
        interrupt(vm, code, 60)
        if vm.eval("made"):
            waited.append(name)
        vm.exec("import gc; gc.collect()")
    assert waited == []
    vm.exec("import frames; frames.check()")


@pytest.mark.parametrize("function", IN_CALLBACKS)
def test_deaf_callbacks(vm, function):
    """A loop in a soft callback ends as well, and then the program with the next Ctrl-C."""
    vm.exec(DEFINITIONS)
    vm.repl.sendline(f"in_callback({function})")
    vm.repl.expect_exact("go\r\n")
    for _ in range(2):
        vm.repl.send("\x03")
        vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
    vm.repl.expect_exact(">>> ")
    # The scheduler is neither locked nor unlocked for good.
    vm.run("count = [0]; timer = machine.Timer(period=2, callback=lambda timer: count.append(1))")
    vm.run("time.sleep_ms(100); timer.deinit(); time.sleep_ms(10)")
    assert vm.eval("len(count)") > 10


@pytest.mark.parametrize("program", ["for_ever()", "time.sleep(1000)"])
def test_callbacks_without_a_pause(boot, program):
    """Ctrl-C gets through to the program, however much of the time its callbacks sleep away."""
    vm = boot(extra=("-icount", "shift=1,sleep=off")).boot()
    vm.exec(DEFINITIONS)
    vm.run("timer = machine.Timer(period=5, callback=lambda timer: time.sleep_ms(5))")
    vm.repl.sendline(f"print('go'); {program}")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact(", line 1, in <module>\r\n", timeout=10)
    vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
    vm.repl.expect_exact(">>> ")
    vm.run("timer.deinit()")
    assert vm.run("6 * 7") == "42\r\n"


def test_callbacks_for_ever(vm):
    """A soft timer whose callback Ctrl-C ends is stopped; after any other exception it goes on."""
    vm.exec(DEFINITIONS + "def callback(timer): print('call'); wait()\n")
    vm.exec("def hang(): print('go'); for_ever()")
    vm.exec("wait = lambda: 1 / 0; timer = machine.Timer(period=20, callback=callback)")
    for _ in range(3):
        vm.repl.expect_exact("ZeroDivisionError: divide by zero\r\n")
    vm.repl.sendline("wait = hang")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
    vm.repl.sendline("print('no ' + 'more')")
    vm.repl.expect_exact("no more\r\n")
    assert "call" not in vm.run("time.sleep_ms(1000)", 10)


@pytest.mark.parametrize("line", WITHOUT_A_PROGRAM)
def test_without_a_program(vm, line):
    """What Python runs while no program does ends as well, and the prompt goes on."""
    vm.exec(DEFINITIONS)
    vm.exec(WITHOUT_A_PROGRAM_DEFINITIONS)
    vm.repl.sendline(line)
    if "end" in line:
        vm.repl.expect_exact(">>> ")
        vm.repl.send("\x04")
    vm.repl.expect(r"go\r\n|\[{90}")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
    vm.repl.sendline("6 * 7")
    vm.repl.expect_exact("\r\n42\r\n")


@pytest.mark.timeout(60)
@pytest.mark.memory("512M")
def test_third_time(vm):
    """Where Ctrl-C cannot raise, the third one ends the program, with a message and no panic."""
    vm.exec("""
        import frames, machine
        machine.Timer(period=5, callback=lambda timer: None)
        spaces = b' ' * 1024 * 150000
    """)
    before = vm.eval("frames.stats().used")
    vm.repl.sendline("print('go'); exec(spaces)")
    vm.repl.expect_exact("go\r\n")
    for _ in range(3):
        vm.repl.send("\x03")
    vm.repl.expect_exact("MPY: Ctrl-C three times without an answer", timeout=10)
    vm.repl.expect_exact("soft reboot\r\n")
    vm.repl.expect_exact("\n>>> ")
    assert vm.run("6 * 7") == "42\r\n"
    vm.exec("import frames, time\nframes.check()\ntime.sleep_ms(20)")
    assert vm.eval("frames.stats().used") <= before


@pytest.mark.parametrize("typed", [5000, 70000])
def test_full_ring(vm, typed):
    """Ctrl-C behind more typed characters than there is room for is seen; the prompt goes on."""
    vm.exec(DEFINITIONS)
    vm.repl.sendline("print('go'); for_ever()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("x" * typed + "\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")
    # The line begins with what there was room for.
    vm.repl.send("\x03")
    vm.repl.expect_exact("x\r\n>>> ")
    assert vm.run("6 * 7") == "42\r\n"


def test_between_two_programs(vm):
    """While the kernel starts afresh there is nothing to end: no panic, and the prompt comes."""
    rng = random.Random(1)
    for _ in range(40):
        vm.repl.send(CTRL_A)
        vm.repl.expect_exact("exit\r\n>")
        vm.repl.send("raise SystemExit" + CTRL_D)
        for _ in range(rng.randrange(1, 4)):
            time.sleep(rng.random() / 50)
            vm.repl.send(CTRL_C)
    vm.repl.send(CTRL_C + CTRL_B)
    vm.repl.sendline("print('al' + 'ive')")
    vm.repl.expect_exact("alive")


def test_full_ring_without_ctrl_c(vm):
    """Where Ctrl-C is switched off, nothing is lost however long the program does not read."""
    vm.exec("""
        import micropython, sys, time
        def read_late():
            micropython.kbd_intr(-1)
            print('go')
            time.sleep(3)
            text = sys.stdin.read(20001)
            micropython.kbd_intr(3)
            return len(text), text.count('x'), text[-1]
    """)
    vm.repl.sendline("read_late()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("x" * 20000 + "\x03")
    vm.repl.expect_exact("(20001, 20000, '\\x03')\r\n>>> ")


def test_slow_reader(vm):
    """Nothing is lost while the program reads, however slowly, and Ctrl-C still ends it."""
    vm.exec("""
        import sys, time
        def read_slowly():
            print('go')
            count = 0
            while count < 20000:
                part = sys.stdin.read(10)
                assert part == 'x' * 10, part
                count += 10
                if count <= 40:
                    time.sleep(1)
            print('read', count)
            while True:
                pass
    """)
    vm.repl.sendline("read_slowly()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("x" * 20000)
    vm.repl.expect_exact("read 20000\r\n")
    vm.repl.send("y" * 5000 + "\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")


IN_HARD_CALLBACKS = (
    "for_ever",
    "native",
    "native_try",
    "viper",
    "lambda: sum(big)",
    "lambda: time.sleep(1000)",
    "lambda: sys.stdin.buffer.readinto(three)",
)
PROGRAMS = {"prompt": "", "program": "; for_ever()"}


def start_hard(vm, function, program="prompt"):
    """Have a hard timer interrupt the prompt or a program."""
    vm.exec(f"""
        timer = machine.Timer()
        function = {function}
        def callback(timer):
            print('go')
            function()
    """)
    vm.repl.sendline("timer.init(period=1, callback=callback, hard=True)" + PROGRAMS[program])
    vm.repl.expect_exact("go\r\n")


def expect_ended(vm, handler="Timer callback"):
    vm.repl.expect_exact(f"Uncaught exception in {handler} handler", timeout=15)
    vm.repl.expect_exact("KeyboardInterrupt")


def check_callbacks(vm):
    """The scheduler is neither locked nor unlocked for good, and timers of both kinds run."""
    vm.exec("""
        import frames, machine, time
        soft, hard = [0], [0]
        def count(of):
            def add(timer): of[0] += 1
            return add
        timers = [
            machine.Timer(period=2, callback=count(of), hard=of is hard) for of in (soft, hard)
        ]
        time.sleep_ms(200)
        for timer in timers: timer.deinit()
        frames.check()
    """)
    assert vm.eval("min(soft[0], hard[0])") > 10


@pytest.mark.timeout(120)
@pytest.mark.parametrize("program", PROGRAMS)
def test_deaf_hard_callbacks(vm, program):
    """A loop in a hard timer's callback ends, the timer stops, and what it interrupted goes on."""
    vm.exec(DEFINITIONS)
    for function in IN_HARD_CALLBACKS:
        start_hard(vm, function, program)
        vm.repl.send("\x03")
        expect_ended(vm)
        if program != "prompt":
            vm.repl.send("\x03")
            vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
            vm.repl.expect_exact(">>> ")
        vm.repl.sendline("print('on' + 'wards')")
        vm.repl.expect_exact("onwards\r\n>>> ")
        check_callbacks(vm)


@pytest.mark.parametrize("program", PROGRAMS)
def test_full_ring_in_a_hard_callback(vm, program):
    """Ctrl-C behind more typed characters than there is room for ends a hard callback, too."""
    vm.exec(DEFINITIONS)
    start_hard(vm, "for_ever", program)
    vm.repl.send("x" * 5000 + "\x03")
    expect_ended(vm)
    if program != "prompt":
        vm.repl.send("\x03")
        vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact("xxx")
    vm.repl.send("\x03")
    vm.repl.expect_exact("x\r\n>>> ")
    check_callbacks(vm)


def test_deaf_hard_uart_handler(vm):
    """A loop in a handler of the console's own ends, and what was typed meanwhile is there."""
    vm.exec(DEFINITIONS)
    vm.exec("""
        uart = machine.UART(0)
        def handler(uart):
            print('go')
            for_ever()
    """)
    vm.run("uart.irq(handler, uart.IRQ_RX, hard=True)")
    vm.repl.send("6")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send(" * 7\x03")
    expect_ended(vm, "IRQ callback")
    vm.repl.expect_exact("6 * 7\r\n>>> ")
    check_callbacks(vm)


def test_ctrl_c_is_the_programs(vm):
    """Ctrl-C while a short hard callback waits is the program's, and a key at the prompt."""
    vm.exec(DEFINITIONS)
    vm.exec("def wait(timer): time.sleep_ms(9)")
    vm.run("timer = machine.Timer(period=10, callback=wait, hard=True)")
    for _ in range(3):
        vm.repl.sendline("print('go'); for_ever()")
        vm.repl.expect_exact("go\r\n")
        vm.repl.send("\x03")
        vm.repl.expect_exact("KeyboardInterrupt")
        vm.repl.expect_exact(">>> ")
        vm.repl.send("6 * \x03")
        vm.repl.expect_exact("6 * \r\n>>> ")
    vm.run("timer.deinit()")
    assert "Uncaught" not in vm.transcript()


@pytest.mark.timeout(90)
def test_third_time_in_a_hard_callback(boot):
    """Where a hard callback is in C that cannot be left, the third Ctrl-C ends the program."""
    vm = boot(memory="512M", extra=("-serial", "null")).boot()
    vm.exec(DEFINITIONS)
    before = vm.eval("frames.stats().used")
    vm.exec("zeros = bytes(1 << 27)\nuart = machine.UART(1)")
    for program in PROGRAMS:
        start_hard(vm, "lambda: uart.write(zeros)", program)
        for _ in range(3):
            vm.repl.send("\x03")
        vm.repl.expect_exact("MPY: Ctrl-C three times without an answer")
        vm.repl.expect_exact("soft reboot\r\n")
        vm.repl.expect_exact("\n>>> ")
        assert "Uncaught" not in vm.transcript()
        vm.repl.sendline("print('on' + 'wards')")
        vm.repl.expect_exact("onwards\r\n>>> ")
        check_callbacks(vm)
        assert vm.eval("frames.stats().used") <= before
        vm.exec(DEFINITIONS + "zeros = bytes(1 << 27)\nuart = machine.UART(1)")


def test_storm_of_hard_callbacks(vm):
    """Hard timers whose callbacks take longer than their periods leave the program its turns."""
    vm.exec("""
        import gc, machine, sys, time
        calls = [0]
        def callback(timer):
            calls[0] += 1
            time.sleep_us(200)
        def get():
            print('go')
            data = bytearray(3)
            sys.stdout.buffer.readinto(data)
            gc.collect()
            return bytes(data)
        def for_ever():
            while calls[0] < 1000: pass
            print('go')
            while True: pass
        timers = [machine.Timer() for _ in range(2)]
        def start():
            for timer in timers: timer.init(freq=20000, callback=callback, hard=True)
        def stop():
            for timer in timers: timer.deinit()
    """)
    vm.run("start()")
    vm.repl.sendline("get()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("abc")
    vm.repl.expect_exact("b'abc'\r\n>>> ")
    vm.repl.sendline("for_ever()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")
    assert vm.run("stop()") == ""


STUCK = (
    PYTHON_DISK
    + """
import time
class Stuck(Disk):
    stuck = False
    def writeblocks(self, block, buf, offset=0):
        if Stuck.stuck:
            print('stuck')
        while Stuck.stuck:
            time.sleep_ms(1)
        super().writeblocks(block, buf, offset)
"""
)


@pytest.mark.parametrize("kind", ["VfsFat", "VfsLfs1", "VfsLfs2"])
def test_stuck_disk(vm, kind):
    """Ctrl-C ends what waits for a disk: the program, and closing files that were dropped."""
    vm.exec(STUCK)
    vm.exec(f"""
        disk = Stuck(64 * 4096)
        vfs.{kind}.mkfs(disk)
        vfs.mount(vfs.{kind}(disk), '/disk')
        gc.disable()
        def drop():
            for i in range(40):
                open('/disk/f%d' % i, 'w').write('text')
        def close():
            file = open('/disk/file', 'w')
            file.write('text' * 5000)
            file.close()
        drop()
    """)
    for program in ("gc.collect()", "close()"):
        vm.repl.sendline(f"Stuck.stuck = True; {program}; print('E' + 'ND')")
        vm.repl.expect_exact("stuck\r\n")
        vm.repl.send("\x03")
        vm.repl.expect_exact("KeyboardInterrupt")
        vm.repl.expect_exact(">>> ")
        assert "END" not in vm.repl.before
        vm.run("Stuck.stuck = False")
    vm.exec("gc.collect(); gc.collect()")
    files = "[open('/disk/f%d' % i).read() for i in range(40) if 'f%d' % i in os.listdir('/disk')]"
    texts = vm.eval(files)
    assert texts.count("text") >= 38 and set(texts) <= {"text", ""}
