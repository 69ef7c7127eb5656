"""Threads: turns, waits, locks, stacks, and that nothing stays of them."""

import re

import pytest
from python_disk import PYTHON_DISK
from ringzero_vm import CTRL_C, CTRL_D, PANIC
from test_recursion import CASES, SETUP

pytestmark = pytest.mark.board("microvm")

START = """
import _thread, frames, gc, machine, micropython, pages, sys, time
start, new_lock = _thread.start_new_thread, _thread.allocate_lock
def used():
    gc.collect()
    return frames.stats().used
def for_ever():
    while True:
        pass
@micropython.viper
def viper():
    while True:
        pass
def wait_for(condition):
    for _ in range(1000):
        if condition():
            return True
        time.sleep_ms(10)
def all_end():
    return wait_for(lambda: pages.stats().stacks == 0)
"""


@pytest.fixture(autouse=True)
def definitions(vm):
    """What all of these use."""
    vm.exec(START)


def test_names(vm):
    """A thread is known by the number that starting it has returned, which no other has."""
    vm.exec("""
        names = []
        def note():
            names.append(_thread.get_ident())
            time.sleep_ms(50)
        started = [start(note, ()) for _ in range(20)]
        assert wait_for(lambda: len(names) == 20)
    """)
    assert vm.eval("sorted(names) == sorted(started) and len(set(names)) == 20")
    assert vm.eval("_thread.get_ident() not in names")


def test_arguments(vm):
    """Positional and keyword arguments arrive; what is no function or no tuple is refused."""
    vm.exec("got = []; start(lambda *a, **k: got.append((a, k)), (1, 2), {'x': 3})")
    assert vm.eval("wait_for(lambda: got) and got[0]") == ((1, 2), {"x": 3})
    vm.exec("""
        before = used()
        for arguments in ((print, 5), (print, (), 5), (print,)):
            try:
                start(*arguments)
                print('started')
            except TypeError:
                pass
        assert used() == before
    """)


def test_thousand(vm):
    """A thousand threads, one after the other and then all at once, leave no frame behind."""
    vm.exec("""
        count = 0
        def once():
            global count
            count += 1
        lock = new_lock()
        start(once, ())
        assert all_end()
        before = used(), pages.stats()
        for _ in range(1000):
            start(once, ())
        assert all_end() and count == 1001
        assert (used(), pages.stats()) == before

        def wait():
            with lock:
                once()
        lock.acquire()
        for _ in range(1000):
            start(wait, ())
        assert pages.stats().stacks == 1000 * 16, pages.stats()
        assert count == 1001
        lock.release()
        assert all_end() and count == 2001
        assert (used(), pages.stats()) == before, (used(), pages.stats(), before)
        frames.check()
    """)


def test_turns(vm):
    """Threads that never wait get as much time as each other, in machine code, too."""
    vm.exec("""
        counts = [0] * 4
        def count(i):
            while not done:
                counts[i] += 1
        def call(i):
            def one():
                counts[i] += 1
            while not done:
                one()
        @micropython.native
        def native(i):
            while not done:
                counts[i] += 1
        done = False
        for i, f in enumerate((count, count, native, native)):
            start(f, (i,))
        for _ in range(500):
            time.sleep_ms(1)
        done = True
    """)
    python, other, native, other_native = vm.eval("counts")
    assert min(python, other) > 0.5 * max(python, other) > 0
    assert min(native, other_native) > 0.5 * max(native, other_native) > 0


def test_sleep(vm):
    """Sleepers wake in order and not early, beside a program that never waits."""
    vm.exec("""
        order, early = [], []
        def sleep(ms):
            start_ms = time.ticks_ms()
            time.sleep_ms(ms)
            if time.ticks_diff(time.ticks_ms(), start_ms) < ms:
                early.append(ms)
            order.append(ms)
        for ms in (300, 100, 400, 200, 0):
            start(sleep, (ms,))
        while len(order) < 5:
            pass
    """)
    assert vm.eval("order") == [0, 100, 200, 300, 400]
    assert vm.eval("early") == []


def test_idle(vm):
    """Where all threads wait the CPU halts: hardly an interrupt comes."""
    vm.exec("""
        stop = new_lock()
        stop.acquire()
        def sleep():
            time.sleep(1000)
        for _ in range(5):
            start(sleep, ())
            start(stop.acquire, ())
        steps = 0
        end = time.ticks_add(time.ticks_ms(), 500)
        while time.ticks_diff(end, time.ticks_ms()) > 0:
            machine.lightsleep(500)
            steps += 1
    """)
    # One for its time, and a few for the console.
    assert vm.eval("steps") < 20


def test_ends(vm):
    """SystemExit ends a thread without a word, anything else with a traceback."""
    vm.exec("def leave(): _thread.exit()\ndef fail(): raise ValueError('why')")
    assert vm.exec("start(leave, ()); start(sys.exit, (3,)); time.sleep_ms(50)") == ""
    text = vm.exec("start(fail, ()); time.sleep_ms(50)")
    assert text.startswith("Unhandled exception in thread started by <function fail at 0x")
    assert text.endswith("in fail\nValueError: why\n")
    # Even where that cannot be told.
    vm.exec("""
        class Nameless:
            def __call__(self): raise ValueError('why')
            def __repr__(self): raise TypeError('no name')
    """)
    text = vm.exec("start(Nameless(), ()); time.sleep_ms(50)")
    assert text.endswith("TypeError: no name\n")


def test_locks(vm):
    """Who waits for a lock has it next, in turn; a lock that is not locked cannot be released."""
    vm.exec("""
        lock, order = new_lock(), []
        def work(name):
            for _ in range(20):
                with lock:
                    order.append(name)
        lock.acquire()
        for name in 'abc':
            start(work, (name,))
        time.sleep_ms(50)
        lock.release()
        assert wait_for(lambda: len(order) == 60)
        turns = ''.join(order)
        assert lock.acquire(0) is True and lock.acquire(False) is False and lock.locked()
        lock.release()
        try:
            lock.release()
            print('released')
        except RuntimeError:
            pass
    """)
    assert sorted(vm.eval("turns[:6]")) == list("aabbcc")


def test_locks_and_callbacks(vm):
    """A hard callback may release a lock that a thread waits for, and not wait for one."""
    vm.exec("""
        lock = new_lock()
        def release(timer):
            lock.release()
        lock.acquire()
        for hard in (False, True):
            timer = machine.Timer(mode=0, period=20, hard=hard, callback=release)
            lock.acquire()
        errors = [0]
        def acquire(timer):
            try:
                lock.acquire()
            except OSError as e:
                errors[0] = e.errno
        timer = machine.Timer(mode=0, period=5, hard=True, callback=acquire)
        assert wait_for(lambda: errors[0])
        state = machine.disable_irq()
        acquire(None)
        machine.enable_irq(state)
        import errno
        assert errors == [errno.EBUSY], errors
    """)


def test_callbacks(vm):
    """Soft and hard callbacks come to whichever thread runs, never to be left in the middle."""
    vm.exec("""
        inside, wrong, calls = 0, 0, [0, 0]
        def callback(timer):
            global inside, wrong
            wrong += inside
            inside += 1
            for i in range(300):
                pass
            inside -= 1
            calls[0] += 1
        def hard(timer):
            calls[1] += 1
        done = False
        def work():
            while not done:
                if inside:
                    calls.append('left')
        for _ in range(3):
            start(work, ())
        timers = [machine.Timer(period=2, callback=callback) for _ in range(3)]
        timers.append(machine.Timer(period=1, hard=True, callback=hard))
        wait_for(lambda: calls[0] > 300 and calls[1] > 100)
        done = True
        for timer in timers:
            timer.deinit()
        time.sleep_ms(20)
    """)
    assert vm.eval("wrong") == 0
    assert len(vm.eval("calls")) == 2
    assert min(vm.eval("calls")) > 100


def test_wait_in_callback(vm):
    """A soft callback that waits for a lock lets the thread run that releases it."""
    vm.exec("""
        lock, log = new_lock(), []
        def hold():
            with lock:
                time.sleep_ms(50)
                log.append('held')
        def callback(timer):
            with lock:
                log.append('callback')
        start(hold, ())
        time.sleep_ms(5)
        timer = machine.Timer(mode=0, period=5, callback=callback)
        assert wait_for(lambda: len(log) == 2)
    """)
    assert vm.eval("log") == ["held", "callback"]


def test_interrupts_off(vm):
    """Where a program has turned interrupts off nobody else runs, even while it sleeps."""
    vm.exec("""
        count = 0
        def work():
            global count
            while not done:
                count += 1
        done = False
        start(work, ())
        time.sleep_ms(20)
        state = machine.disable_irq()
        before = count
        for i in range(20000):
            pass
        time.sleep_ms(5)
        after = count
        machine.enable_irq(state)
        done = True
        # And who ends so has turned them off for itself alone.
        start(machine.disable_irq, ())
        time.sleep_ms(20)
        machine.enable_irq(machine.disable_irq())
        called = []
        timer = machine.Timer(mode=0, period=5, callback=called.append)
        assert wait_for(lambda: called)
    """)
    assert vm.eval("before == after and count > 0")


def test_recursion(vm):
    """Endless recursion in a thread is what it is in the main one."""
    vm.exec(SETUP)
    vm.exec("done = new_lock()\ndone.acquire()\ndef run(f): error(f); done.release()")
    for name, code in CASES.items():
        result = vm.exec(f"start(run, (lambda: {code},)); _ = done.acquire()")
        assert result == "maximum recursion depth exceeded\n", name
    vm.exec("frames.check()")


def test_faults(vm):
    """A fault in a thread, in its guard page for one, is an exception there; all others go on."""
    vm.exec("""
        errors = []
        def read(addr):
            try:
                machine.mem8[addr]
            except OSError as e:
                errors.append((type(e).__name__, e.addr))
        lock = new_lock()
        lock.acquire()
        name = start(lock.acquire, ())
        addr = min(page[0] for page in pages.walk() if page[0] >= 0x5000_0000_0000)
        for addr in (16, addr - 1, addr - 4096):
            start(read, (addr,))
        assert wait_for(lambda: len(errors) == 3)
        lock.release()
    """)
    assert [error for error, _ in vm.eval("errors")] == ["FaultError"] * 3


def test_stack_sizes(vm):
    """Any size is refused or right: the smallest is enough to work, and no frame is lost."""
    vm.exec("""
        done = []
        def depth(n):
            try:
                return depth(n + 1)
            except RuntimeError:
                return n
        def work():
            done.append(depth(0))
        _thread.stack_size(1 << 20)
        before = used()
        sizes = 0, 1, 4096, 1 << 16, (1 << 18) + 1, (1 << 21) + 4096
        for size in sizes + (1 << 40, 1 << 62, -1, -1 << 62):
            _thread.stack_size(size)
            try:
                start(work, ())
            except MemoryError:
                done.append(None)
            assert all_end()
        _thread.stack_size()
        assert used() == before, (used(), before)
    """)
    depths = vm.eval("done")
    assert depths[-4:] == [None] * 4
    small = depths[1]
    assert depths[:4] == [depths[0], small, small, depths[0]]
    assert 10 < small < depths[0] < depths[4] < depths[5]


def test_refused(vm):
    """A hard callback starts no thread, and says why."""
    vm.exec("""
        told = [None, ()]
        def callback(timer):
            try:
                start(for_ever, told[1])
            except Exception as e:
                told[0] = type(e)
        timer = machine.Timer(mode=0, period=5, hard=True, callback=callback)
        assert wait_for(lambda: told[0])
    """)
    assert vm.eval("told[0] in (MemoryError, RuntimeError)")


@pytest.mark.memory("32M")
def test_low_memory(vm):
    """Threads until there is no memory for more: MemoryError, and all frames come back."""
    vm.exec("""
        lock, count = new_lock(), 0
        lock.acquire()
        def wait():
            global count
            with lock:
                count += 1
        started = 0
        try:
            while True:
                start(wait, ())
                started += 1
        except MemoryError:
            pass
        assert started > 100
        lock.release()
        assert all_end() and count == started
        for _ in range(100):
            start(wait, ())
        assert all_end() and count == started + 100
        frames.check()
    """)


def test_garbage(vm):
    """What only a thread that waits or has not begun leads to stays, whoever collects."""
    vm.exec("""
        right = []
        def make(depth, seed):
            if depth:
                return [make(depth - 1, seed + str(depth)), seed]
            return seed
        def work(seed):
            for i in range(30):
                mine = make(20, seed + str(i))
                time.sleep_ms(1)
                if mine != make(20, seed + str(i)):
                    right.append(False)
            right.append(True)
        for name in 'abcdefgh':
            start(work, (name * 50,))
        while len(right) < 8:
            gc.collect()
        frames.check()
    """)
    assert vm.eval("right") == [True] * 8


def test_heap_lock(vm):
    """A locked heap is the thread's that has locked it."""
    vm.exec("""
        made, wait = [], new_lock()
        wait.acquire()
        def work():
            made.append([1, 2, 3])
            try:
                micropython.heap_unlock()
            except RuntimeError:
                made.append(4)
            wait.release()
        start(work, ())
        micropython.heap_lock()
        wait.acquire()
        micropython.heap_unlock()
    """)
    assert vm.eval("made") == [[1, 2, 3], 4]


def test_file_system(vm):
    """Threads share file systems, one on a slow disk in Python: files are what was written."""
    vm.exec(PYTHON_DISK)
    vm.exec("""
        class SlowDisk(Disk):
            def readblocks(self, *a):
                time.sleep_us(1)
                Disk.readblocks(self, *a)
            def writeblocks(self, *a):
                time.sleep_ms(1)
                Disk.writeblocks(self, *a)
        disk = SlowDisk(4096 * 64)
        vfs.VfsLfs2.mkfs(disk)
        vfs.mount(vfs.VfsLfs2(disk), '/slow')
        done = []
        def work(name):
            for i in range(5):
                for folder in ('/slow/', '/'):
                    with open(folder + name, 'w') as file:
                        file.write(name * 500)
                    with open(folder + name) as file:
                        if file.read() != name * 500:
                            done.append(folder)
            done.append(None)
        for name in 'abcd':
            start(work, (name,))
        assert wait_for(lambda: len(done) >= 4)
    """)
    assert vm.eval("done") == [None] * 4


def test_input(vm):
    """A thread reads a line of its own while the prompt reads one."""
    vm.exec("lines = []\ndef read(): lines.append(input('thread? '))")
    vm.repl.sendline("_ = start(read, ())")
    vm.repl.expect_exact("thread? ")
    vm.repl.send("a")
    vm.repl.send("bcdef\r")
    vm.repl.send("ghijkl\r")
    vm.repl.send(CTRL_C)
    vm.repl.sendline("print('al' + 'ive')")
    vm.repl.expect_exact("alive")
    vm.repl.sendline("")
    vm.repl.sendline("frames.check(); print(len(lines) < 2)")
    vm.repl.expect_exact("True")


@pytest.mark.parametrize(
    "program", ["for_ever()", "time.sleep(1000)", "lock.acquire()", "input()"]
)
def test_ctrl_c(vm, program):
    """Ctrl-C is the main thread's, whatever it does, and the others go on."""
    vm.exec("""
        lock, count = new_lock(), 0
        lock.acquire()
        def work():
            global count
            while True:
                count += 1
        start(work, ())
        start(time.sleep, (1000,))
    """)
    for _ in range(20):
        vm.repl.sendline(f"print('go'); {program}")
        vm.repl.expect_exact("go\r\n")
        vm.repl.send(CTRL_C)
        vm.repl.expect_exact("line 1, in <module>\r\n")
        vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
        vm.repl.expect_exact(">>> ")
    vm.exec("before = count; time.sleep_ms(50); assert count > before")


@pytest.mark.parametrize("program", ["time.sleep(1000)", "print('go')"])
def test_ctrl_c_ends_who_lets_nobody_run(vm, program):
    """A thread in machine code that keeps the main one, or the prompt, from running is ended."""
    vm.exec("def work(): time.sleep_ms(100); print('work'); viper()")
    vm.repl.sendline(f"_ = start(work, ()); {program}")
    vm.repl.expect_exact("work\r\n")
    vm.repl.send(CTRL_C)
    vm.repl.expect_exact("Unhandled exception in thread started by <function work", timeout=10)
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.send("\r")
    if "sleep" in program:
        vm.repl.send(CTRL_C)
        vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.sendline("print('al' + 'ive')")
    vm.repl.expect_exact("alive")


@pytest.mark.memory("512M")
def test_third_ctrl_c(vm):
    """A thread that nothing can end is ended with the program, and all frames come back."""
    vm.exec("spaces = b' ' * 1024 * 150000\ndef work(): print('work'); exec(spaces)")
    before = vm.eval("frames.stats().used")
    vm.repl.sendline("_ = start(work, ()); time.sleep(1000)")
    vm.repl.expect_exact("work\r\n")
    for _ in range(3):
        vm.repl.send(CTRL_C)
    vm.repl.expect_exact("MPY: Ctrl-C three times without an answer", timeout=10)
    vm.repl.expect_exact("\n>>> ")
    vm.exec(START)
    vm.exec("time.sleep_ms(20); frames.check(); count = []; start(count.append, (1,))")
    assert vm.eval("wait_for(lambda: count)")
    assert vm.eval("frames.stats().used") <= before


def test_soft_reset(vm):
    """Threads that work, sleep, wait for a lock, or are in a file system end with the program."""
    vm.soft_reset()
    vm.exec(START)
    before = vm.eval("used()")
    vm.exec(PYTHON_DISK)
    vm.exec("""
        class Slow(Disk):
            def writeblocks(self, *a):
                time.sleep(1000 if slow else 0)
                Disk.writeblocks(self, *a)
        slow = False
        disk = Slow(4096 * 64)
        vfs.VfsLfs2.mkfs(disk)
        vfs.mount(vfs.VfsLfs2(disk), '/slow')
        files = [open('/file', 'w'), open('/slow/file', 'w')]
        files[0].write('text')
        files[1].write('text')
        slow = True
        lock = new_lock()
        lock.acquire()
        def take():
            lock.acquire()
        start(for_ever, ())
        for _ in range(10):
            start(take, ())
            start(time.sleep, (1000,))
        start(files[1].flush, ())
        timer = machine.Timer(period=1, callback=lambda t: None)
        time.sleep_ms(50)
        sys.atexit(lambda: print('exit', open('/file').read()))
    """)
    vm.repl.send(CTRL_D)
    vm.repl.expect_exact("soft reboot\r\n")
    vm.repl.expect_exact(">>> ", timeout=10)
    vm.exec(START)
    assert vm.eval("used()") == before
    vm.exec("frames.check(); count = []; start(count.append, (1,))")
    assert vm.eval("wait_for(lambda: count)")


@pytest.mark.qemu
def test_panic(vm):
    """A panic in a thread shows the Python lines of that thread."""
    vm.exec("""
        def inner():
            machine.disable_irq()
            print('go')
            for_ever()
        def outer():
            inner()
    """)
    vm.repl.sendline("_ = start(outer, ()); time.sleep(1000)")
    vm.repl.expect_exact("go\r\n")
    vm.nmi()
    assert vm.wait_exit() == PANIC
    lines = re.findall(r"in (\w+)$", vm.panic, re.MULTILINE)
    assert lines == ["for_ever", "inner", "outer"]


@pytest.mark.board("q35")
@pytest.mark.smp(2)
def test_another_cpu(vm):
    """Another CPU's interpreter has threads of its own, beside those of the first."""
    vm.exec("""
        import cpus
        here = []
        def note():
            while len(here) < 1000:
                here.append(_thread.get_ident())
                time.sleep_us(100)
        for _ in range(3):
            start(note, ())
        call = cpus.all()[1].run('''
        import _thread, time
        lock, done = _thread.allocate_lock(), []
        def work(i):
            for j in range(100):
                with lock:
                    done.append(i)
        for i in range(5):
            _thread.start_new_thread(work, (i,))
        while len(done) < 500:
            pass
        if sorted(done) != [i for i in range(5) for _ in range(100)]:
            raise ValueError(done)
        ''')
        assert call.wait(20000)
        call.result()
        assert all_end() and len(here) >= 1000
        frames.check()
    """)


def test_queue_between_threads(vm):
    """What one thread puts, or makes room for, another one of the same CPU has at once."""
    vm.exec("import cpus")
    out = vm.exec(
        """
        to, back = cpus.Queue(1), cpus.Queue(1)
        def echo():
            for _ in range(200):
                back.put(to.get())
        start(echo, ())
        before = time.ticks_ms()
        for i in range(200):
            to.put(i)
            if back.get() != i:
                print("not", i)
        took = time.ticks_diff(time.ticks_ms(), before)
        print(took < 10000 or took)
    """,
        timeout=120,
    )
    assert out == "True\n"


def test_hard_callbacks_while_importing(vm):
    """A hard callback that raises, and catches it, leaves a thread's import as it was."""
    out = vm.exec(
        """
        done, calls = [], [0]
        with open("/slow.py", "w") as file:
            file.write("for i in range(20000): pass")
        def work():
            for _ in range(20):
                import slow
                del sys.modules["slow"]
            done.append(1)
        empty = []
        def call(timer):
            calls[0] += 1
            try:
                empty[1]
            except Exception:
                pass
        timer = machine.Timer(period=100, tick_hz=1000000, callback=call, hard=True)
        start(work, ())
        while not done:
            time.sleep_ms(1)
        timer.deinit()
        print(calls[0] > 100)
    """,
        timeout=60,
    )
    assert out == "True\n"
