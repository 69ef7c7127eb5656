"""Queues and locks in the kernel: between the program, its callbacks and other CPUs."""

import pytest

SETUP = "import cpus, frames, gc, machine, micropython, pages, time\n"


@pytest.fixture
def guest(vm):
    vm.exec(SETUP)
    return vm


def test_callbacks(guest):
    """The program waits for what a soft callback puts, and the other way round."""
    guest.exec("""
        def used():
            gc.collect()
            return frames.stats().used
        before = used()
        q = cpus.Queue(1)
        timer = machine.Timer(mode=0, period=20, callback=lambda t: q.put([1]))
        assert q.get() == [1]
        q.put(2)
        got = []
        timer.init(mode=0, period=20, callback=lambda t: got.append(q.get()))
        q.put(3)
        assert got == [2] and q.get() == 3
        lock = cpus.Lock()
        lock.acquire()
        timer.init(mode=0, period=20, callback=lambda t: lock.release())
        with lock:
            assert lock.locked()
        q = lock = None
        timer.deinit()
    """)
    assert guest.eval("used() - before") == 0


def test_timeouts(guest):
    """A wait without an end in sight ends in time, and not before."""
    guest.exec("""
        q = cpus.Queue(1)
        lock = cpus.Lock()
        q.put(0)
        lock.acquire()
        def put(): q.put(1, 30)
        def get(): q.get(30)
        def acquire(): assert not lock.acquire(30)
        for wait in put, get, acquire:
            start = time.ticks_ms()
            try:
                wait()
                assert wait is acquire
            except OSError as e:
                assert e.errno == 110
            assert time.ticks_diff(time.ticks_ms(), start) >= 29
            if wait is put:
                q.get()
        # Times that never end.
        timer = machine.Timer(mode=0, period=20, callback=lambda t: q.put(5))
        assert q.get((1 << 64) - 1) == 5
    """)


@pytest.mark.parametrize("wait", ["q.get()", "full.put(1)", "lock.acquire()", "lock.__enter__()"])
def test_ctrl_c(guest, wait):
    """Ctrl-C ends every wait, and nothing is lost or kept."""
    guest.exec("""
        q = cpus.Queue(); full = cpus.Queue(1); full.put(0); lock = cpus.Lock(); lock.acquire()
        gc.collect(); before = frames.stats().used
    """)
    guest.repl.sendline(f"print('go'); {wait}")
    guest.repl.expect_exact("go\r\n")
    guest.repl.send("\x03")
    guest.repl.expect_exact("KeyboardInterrupt")
    guest.repl.expect_exact(">>> ")
    assert guest.eval("[len(q), len(full), lock.locked()]") == [0, 1, True]
    assert guest.eval("[gc.collect(), frames.stats().used - before][1]") == 0


def test_hard_callbacks(guest):
    """A hard callback may take a free lock and give one back; all else is a RuntimeError there."""
    guest.exec("""
        q = cpus.Queue()
        free, held = cpus.Lock(), cpus.Lock()
        held.acquire()
        q.put(1)
        wrong = bytearray(20)
        count = 0
        def hard(timer):
            global count
            wrong[0] = not free.acquire(0)
            wrong[1] = held.acquire(0)
            held.release()
            for call in calls:
                try:
                    call()
                    wrong[2 + count] = 1
                except RuntimeError:
                    pass
                count += 1
        calls = (lambda: q.put(1, 0), lambda: q.get(0), lambda: free.acquire(1), lambda: q.put(2),
            lambda: free.__enter__(), lambda: cpus.Queue(), lambda: cpus.Lock(),
            lambda: q.__del__())
        timer = machine.Timer(mode=machine.Timer.ONE_SHOT, period=5, callback=hard, hard=True)
        while count < len(calls):
            time.sleep_ms(1)
        assert not any(wrong), wrong
        assert free.locked() and not held.locked() and len(q) == 1
    """)


def test_soft_reset(vm):
    """At a soft reset queues, locks and what is in them go back, whoever has them."""
    for _ in range(2):
        vm.exec(SETUP)
        before = vm.eval("frames.stats().used")
        vm.exec("""
            keep = [cpus.Queue(1000) for i in range(10)]
            for q in keep:
                for other in keep:
                    q.put([bytes(10000), other, cpus.Lock()])
            assert frames.stats().used > 300
        """)
        vm.soft_reset()
        vm.exec(SETUP)
        assert vm.eval("frames.check()")
        assert vm.eval("frames.stats().used") == before


def test_collector(guest):
    """Values that come out live as any others, with collections all the time."""
    guest.exec("""
        q = cpus.Queue(8)
        gc.threshold(2000)
        value = {i: [str(i) * 20, (i, {i}, bytes(i))] for i in range(100)}
        for turn in range(50):
            q.put(value)
            q.put([value, turn])
            assert q.get() == value and q.get() == [value, turn]
        gc.threshold(-1)
        assert frames.check()
    """)


@pytest.mark.memory("32M")
def test_out_of_memory(guest):
    """With no memory left a value is a MemoryError at either end, and none is lost or in two."""
    guest.exec("""
        q = cpus.Queue(1000)
        taken = []
        put = got = refused = 0
        try:
            while True:
                q.put([put, bytes(50000)])
                put += 1
        except MemoryError:
            pass
        assert put > 50 and len(q) == put
        held = [None]
        def fill():
            global held
            try:
                while True:
                    held = [held, bytearray(3000)]
            except MemoryError:
                pass
        fill()
        for i in range(3):
            try:
                q.get()
                raise SystemExit('got a value')
            except MemoryError:
                assert len(q) == put
        held = None
        gc.collect()
        while len(q):
            number, data = q.get()
            assert number == got and data == bytes(50000)
            got += 1
            data = None
        assert got == put and frames.check()
    """)
