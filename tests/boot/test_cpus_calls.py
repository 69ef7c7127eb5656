"""Calls from one CPU to another: functions, values, exceptions, waiting, cancelling."""

import random
import time

import pytest

pytestmark = pytest.mark.smp(2)

SETUP = """
import cpus, frames, gc, machine, sys, io, time
one = cpus.all()[1]
def raised(function, *args):
    try:
        function(*args)
    except BaseException as e:
        return e
def text(e):
    out = io.StringIO()
    sys.print_exception(e, out)
    return out.getvalue()
"""


@pytest.fixture
def guest(vm):
    vm.exec(SETUP)
    return vm


def test_cpus(guest):
    """The CPUs have numbers and APIC ids, and know which they are."""
    assert guest.eval("[(cpu.n, cpu.apic_id) for cpu in cpus.all()]") == [(0, 0), (1, 1)]
    assert guest.eval("[cpus.here(), one.run(cpus.here).result(), cpus.all()[0].busy]") == [
        0,
        1,
        True,
    ]
    assert guest.eval("one.busy") is False
    assert guest.eval("cpus.all() is cpus.all()")
    assert guest.eval("cpus.all()[0].run(cpus.here).result()") == 0
    # Ctrl-C is not just an answer of what runs here: it ends what has asked for that, too.
    guest.exec(
        """
got = []
for source in "raise KeyboardInterrupt", "raise ValueError", "1":
    try:
        got.append(cpus.all()[0].run(source).done())
    except KeyboardInterrupt:
        got.append("ended")
"""
    )
    assert guest.eval("got") == ["ended", True, True]


def test_functions(guest):
    """Functions of the kernel, of modules, with code of their own, and source run there."""
    guest.exec("""
        import marshal, math, memmap, random
        def plain(a, b=2, *, k=3): return a, b, k
        @micropython.native
        def native(x): return x
    """)
    assert guest.eval("one.run(math.sqrt, 16).result()") == 4.0
    assert guest.eval("one.run(int, '12').result()") == 12
    assert guest.eval("one.run(memmap.human, 5000).result()") == "4.8 KiB"
    assert guest.eval("one.run(plain, 1).result()") == (1, 2, 3)
    assert guest.eval("one.run(plain, 1, k=5, b=4).result()") == (1, 4, 5)
    assert guest.eval("one.run(lambda x: x + 1, 4).result()") == 5
    assert guest.eval("one.run(random.randrange, 5, stop=6).result()") == 5
    # Globals stay from one call to the next, and are not those of here.
    guest.exec("one.run('value = 5').result()\ndef there(): return value")
    assert guest.eval("one.run(there).result()") == 5
    assert guest.eval("repr(raised(there))").startswith("NameError")
    guest.exec("value = 6")
    assert guest.eval("one.run(there).result()") == 5
    guest.exec("""
        def outer():
            def inner(): return 1
            return inner
        refused = [native, one.run, object(), 5, None, [].append]
        try:
            marshal.dumps(outer.__code__)
        except (AttributeError, ValueError):  # before MicroPython 1.28
            refused.append(outer)
        for function in refused:
            e = raised(one.run, function)
            assert isinstance(e, TypeError) and 'cannot go to another CPU' in str(e), e
        assert not one.busy
    """)


def test_machine_code(guest):
    """Machine code that is made there runs there."""
    guest.exec(
        """
source = '''
@micropython.viper
def viper(n: int) -> int:
    s = 0
    for i in range(n):
        s += i
    return s
@micropython.native
def native(n):
    return [i for i in range(n)]
'''
one.run(source).result()
def there(n): return viper(n), native(5)
"""
    )
    assert guest.eval("one.run(there, 1000).result()") == (499500, [0, 1, 2, 3, 4])


def test_values(guest):
    """Arguments and results are copies; what cannot go over names itself at once."""
    guest.exec("""
        import pages
        def same(*args, **kwargs): return args, kwargs
        value = [None, True, 1 << 100, 1.5, 'x', b'y', bytearray(b'z'), (1,), {2: {3}}]
        assert one.run(same, value, k=value).result() == ((value,), {'k': value})
        e = raised(one.run, same, [1, print])
        assert isinstance(e, TypeError) and str(e) == 'function cannot go to another CPU'
        e = raised(one.run(lambda: print).result)
        assert isinstance(e, TypeError) and str(e) == 'function cannot go to another CPU', e
        p = pages.alloc()
        def write(p):
            p[0:5] = b'there'
            return p.fetch_add(8, 7)
        assert one.run(write, p).result() == 0 and p[0:5] == b'there' and p.load(8) == 7
        p.close()
    """)


def test_pages_that_are_closed(guest):
    """Closed where they are owned, Pages are closed everywhere, and nothing of them stays."""
    guest.exec("""
        import pages
        one.reset()
        gc.collect()
        before = frames.stats().free
        def keep(p):
            global view
            view = p
        def say(): return repr(view), bool(view)
        def read(): return view[0]
        def drop():
            import gc
            global view
            view = None
            gc.collect()
        queue = cpus.Queue()
        p = pages.alloc()
        one.run("view = None").result()
        one.run(keep, p).result()
        queue.put(p)
        again = queue.get()
        queue.put(p)
        sent = one.run(say)
        assert sent.result() == (repr(p), True) and again.addr == p.addr
        p.close()
        assert one.run(say).result() == ("Pages(closed)", False)
        error = raised(one.run(read).result)
        assert isinstance(error, ValueError) and str(error) == "pages are closed"
        assert isinstance(raised(lambda: again.load(0)), ValueError) and not again
        assert not queue.get() and isinstance(raised(queue.put, again), TypeError)
        # One that closes a view closes no more than that.
        p = pages.alloc()
        one.run(keep, p).result()
        one.run("view.close()").result()
        assert p and p[0] == 0
        p.close()
        # Those of a CPU that is reset are closed with it.
        one.run("import pages; mine = pages.alloc(3)").result()
        theirs = one.run(lambda: mine).result()
        assert len(theirs) == 3 * 4096
        one.reset()
        assert repr(theirs) == "Pages(closed)"
        del p, again, theirs, sent, queue, error
        gc.collect()
        # What a view was leaves with it.
        p = pages.alloc()
        one.run("view = None").result()
        for _ in range(100):
            one.run(keep, p).result()
        one.run(drop).result()
        p.close()
        one.reset()
        gc.collect()
        print(frames.stats().free - before, frames.check())
    """)
    assert guest.eval("(frames.stats().free - before, frames.check())") == (0, True)


def test_interrupts_off_at_the_end(guest):
    """A call that leaves interrupts off leaves them off for no other."""
    out = guest.exec("""
        one.run("import machine; machine.disable_irq()").result()
        call = one.run("import time; time.sleep(1000)")
        call.wait(50)
        call.cancel()
        print(type(raised(call.result)))
        one.run("import machine; machine.disable_irq(); 1 / 0").wait()
        one.reset()
        print(one.run("import machine; x = machine.disable_irq()").result())
    """)
    assert out == "<class 'KeyboardInterrupt'>\nNone\n"


def test_ctrl_c_while_they_start(boot):
    """All come up, whenever it comes, and then it is raised."""
    vm = boot(smp=4).boot()
    for ms in range(0, 60, 5):
        vm.run("import cpus, time")
        vm.repl.send("cpus.all()\r")
        time.sleep(ms / 1000)
        vm.repl.send("\x03")
        vm.repl.expect_exact(">>> ")
        vm.repl.send("\r'an' + 'swer'\r")
        vm.repl.expect_exact("'answer'\r\n>>> ")
        assert vm.eval("len(cpus.all())") == 4
        vm.soft_reset()


def test_exceptions(guest):
    """What a function raises there is raised here, with its arguments and its traceback."""
    guest.exec("""
        class Own(KeyError): pass
        class Failed(OSError): pass
        def fail(*args): raise Failed(*args)
        one.run("class Failed(OSError): pass").result()
        e = raised(one.run(fail, 5).result)
        assert type(e) is OSError and e.errno == 5 and "Failed" in str(e), e
        e = raised(one.run(fail).result)
        assert type(e) is OSError and "Failed" in str(e), e
        source = 'def inner():\\n  raise OSError(5, "x")\\ndef outer():\\n  inner()'
        one.run(source).result()
        call = one.run('outer()')
        for i in range(2):
            e = raised(call.result)
            assert isinstance(e, OSError) and e.args == (5, 'x'), e
            lines = text(e).splitlines()
            # In the order of calls: here, then there.
            assert '<stdin>' in lines[1], lines
            assert [line.strip() for line in lines if '<string>' in line] == [
                'File "<string>", line 1, in <module>', 'File "<string>", line 4, in outer',
                'File "<string>", line 2, in inner'], lines
        def own(): raise RuntimeError(print)
        e = raised(one.run(own).result)
        assert isinstance(e, RuntimeError) and e.args == ('<function>',), e.args
        e = raised(one.run('class E(KeyError): pass\\nraise E(1, 2)').result)
        assert type(e) is KeyError and e.args[0] == 'E: (1, 2)', e.args
        e = raised(one.run('1 +').result)
        assert isinstance(e, SyntaxError)
        e = raised(one.run('import machine; machine.mem32[0x10]').result)
        assert isinstance(e, FaultError) and e.addr == 16 and 'read of 0x10' in str(e)
        e = raised(one.run('def r(): return r()\\nr()').result)
        assert isinstance(e, RuntimeError), e
        e = raised(one.run('x = []\\nwhile True: x.append(bytearray(1 << 20))').result)
        assert isinstance(e, MemoryError), e
        e = raised(one.run('raise SystemExit(3)').result)
        assert isinstance(e, SystemExit) and e.args == (3,)
        assert one.run('x = None; import gc; gc.collect()').result() is None
    """)
    assert guest.eval("one.run(cpus.here).result()") == 1


def test_waiting(guest):
    """A call starts at once and is waited for no longer than said; callbacks run meanwhile."""
    guest.exec("""
        q = cpus.Queue()
        def get(q): return q.get()
        call = one.run(get, q)
        next = one.run(cpus.here)
        assert not call.done() and not call.wait(0) and not call.wait(20) and one.busy
        assert not next.done()
        count = 0
        def tick(timer):
            global count
            count += 1
            if count == 5:
                q.put('x')
        timer = machine.Timer(period=2, callback=tick)
        assert call.result() == 'x' and call.done() and call.wait() and count >= 5
        timer.deinit()
        assert next.result() == 1
    """)


def test_cancel(guest):
    """cancel() is a KeyboardInterrupt there; a call that has not begun never does."""
    guest.exec("""
        one.run('ran = []').result()
        def loop():
            while True: pass
        def note(): ran.append(1)
        call, second, third = one.run(loop), one.run(note), one.run(note)
        second.cancel()
        call.wait(20)
        call.cancel()
        assert isinstance(raised(call.result), KeyboardInterrupt)
        assert isinstance(raised(second.result), KeyboardInterrupt)
        assert third.result() is None
        call.cancel()
        third.cancel()
        assert third.result() is None
        assert one.run(lambda: ran).result() == [1]
        # In waits and in C that only computes as well.
        sources = ('import time; time.sleep(1000)', 'sum(range(1 << 40))', '7 ** 3000000',
            'import cpus; cpus.Queue().get()')
        for source in sources:
            call = one.run(source)
            call.wait(20)
            call.cancel()
            assert isinstance(raised(call.result), KeyboardInterrupt), source
        assert one.run(cpus.here).result() == 1
    """)


def test_ctrl_c(guest):
    """Ctrl-C ends the wait here and the call there."""
    guest.exec("def loop():\n    while True: pass")
    guest.repl.sendline("print('go'); one.run(loop).result()")
    guest.repl.expect_exact("go\r\n")
    guest.repl.send("\x03")
    guest.repl.expect_exact("KeyboardInterrupt")
    guest.repl.expect_exact(">>> ")
    assert guest.eval("one.run(cpus.here).result()") == 1
    assert guest.eval("one.busy") is False


def test_await(guest):
    """`await` waits for a call as for anything else; a task that is cancelled cancels it."""
    guest.exec("""
        import asyncio
        def slow(ms, value):
            import time
            time.sleep_ms(ms)
            return value
        def bad(): raise ValueError('there')
        def loop():
            while True: pass
        ticks = 0
        async def tick():
            global ticks
            while True:
                ticks += 1
                await asyncio.sleep_ms(1)
        async def main():
            task = asyncio.create_task(tick())
            assert await one.run(slow, 30, 'a') == 'a' and ticks >= 5
            assert await one.run(slow, 0, 'b') == 'b'
            try:
                await one.run(bad)
                assert False
            except ValueError as e:
                assert e.args == ('there',)
            # asyncio takes it as it takes a coroutine.
            for call in one.run(loop), _run(loop):
                try:
                    await asyncio.wait_for_ms(call, 20)
                    assert False
                except asyncio.TimeoutError:
                    pass
            both = one.run(slow, 20, 'a'), one.run(slow, 0, 'b')
            assert await asyncio.gather(*both) == ['a', 'b']
            assert await asyncio.gather(*both) == ['a', 'b'] and both[0].result() == 'a'
            (error,) = await asyncio.gather(one.run(bad), return_exceptions=True)
            assert isinstance(error, ValueError)
            # Several tasks may wait for one, and the loop goes on meanwhile.
            call, before = one.run(slow, 30, 'c'), ticks
            many = [asyncio.create_task(call), asyncio.create_task(call), _wait(call), _wait(call)]
            assert await asyncio.gather(*many) == ['c'] * 4
            assert ticks >= before + 5, ticks - before
            call = one.run(loop)
            many = [asyncio.create_task(_wait(call)) for i in range(3)]
            await asyncio.sleep_ms(10)
            many.pop(0).cancel()
            for error in await asyncio.gather(*many, return_exceptions=True):
                assert isinstance(error, asyncio.CancelledError), error
            # Cancelled before it is waited for.
            endless = one.run(loop)
            waits = asyncio.create_task(endless)
            waits.cancel()
            try:
                await waits
                assert False
            except asyncio.CancelledError:
                assert endless.wait(10000)
            task.cancel()
        async def _run(function):
            return await one.run(function)
        async def _wait(call):
            return await call
        asyncio.run(main())
        assert one.run(cpus.here).result() == 1
    """)


def test_forgotten(guest):
    """A call that nobody keeps runs all the same, and leaves nothing behind."""
    guest.exec("""
        one.run('count = 0').result()
        def add():
            global count
            count += 1
            return 'x' * 5000
        def used():
            gc.collect()
            return frames.stats().used
        def forget(n):
            for i in range(n):
                one.run(add)
        forget(50)
        assert one.run(lambda: count).result() == 50
    """)
    # By itself: what lies on a program's stack may keep a call as long as that runs.
    guest.exec("before = used()")
    guest.exec("""
        forget(50)
        kept = [one.run(add) for i in range(50)]
        assert one.run(lambda: count).result() == 150
        for call in kept:
            assert len(call.result()) == 5000
        kept = call = None
    """)
    assert guest.eval("used() - before") == 0
    assert guest.eval("frames.check()")


@pytest.mark.smp(4)
def test_map_and_each(guest):
    """map() spreads over all that are free and keeps the order; each() asks every CPU."""
    guest.exec("def where(x): import cpus; return x, cpus.here()")
    got = guest.eval("cpus.map(where, range(40))")
    assert [item for item, _ in got] == list(range(40))
    assert {cpu for _, cpu in got} == {1, 2, 3}
    assert guest.eval("cpus.each(cpus.here)") == [0, 1, 2, 3]
    assert guest.eval("cpus.map(where, [])") == []
    guest.exec("""
        def loop():
            while True: pass
        calls = [cpu.run(loop) for cpu in cpus.all()[1:3]]
        while not all(cpu.busy for cpu in cpus.all()[1:3]): pass
        assert set(cpu for x, cpu in cpus.map(where, range(10))) == {3}
        third = cpus.all()[3].run(loop)
        assert set(cpu for x, cpu in cpus.map(where, range(10))) == {0}
        for call in calls + [third]:
            call.cancel()
            assert isinstance(raised(call.result), KeyboardInterrupt)
        def bad(x):
            if x == 7: raise ValueError(x)
            return x
        e = raised(cpus.map, bad, range(1000))
        assert isinstance(e, ValueError) and e.args == (7,)
        assert cpus.each(cpus.here) == [0, 1, 2, 3]
    """)


@pytest.mark.smp(3)
def test_between_others(guest):
    """Other CPUs call each other as well; CPU 0 is the program's."""
    guest.exec("""
        def call(n):
            import cpus
            return cpus.all()[n].run(cpus.here).result()
        assert one.run(call, 2).result() == 2
        assert one.run(call, 1).result() == 1
        e = raised(one.run(call, 0).result)
        assert isinstance(e, ValueError) and str(e) == 'CPU 0 runs the program', e
    """)


@pytest.mark.smp(4)
def test_queues(guest):
    """Many senders, many receivers: each value arrives once, in its sender's order."""
    guest.exec("""
        q, done = cpus.Queue(5), cpus.Queue()
        lock = cpus.Lock()
        def send(q, me, count):
            for i in range(count):
                q.put((me, i))
        def receive(q):
            got = []
            while True:
                value = q.get()
                if value is None:
                    return got
                got.append(value)
        others = cpus.all()[1:]
        receivers = [others[0].run(receive, q), others[1].run(receive, q)]
        sender = others[2].run(send, q, 2, 300)
        send(q, 0, 300)
        sender.result()
        q.put(None)
        q.put(None)
        parts = [r.result() for r in receivers]
        both = parts[0] + parts[1]
        assert sorted(both) == [(me, i) for me in (0, 2) for i in range(300)]
        for part in parts:
            for me in (0, 2):
                mine = [i for sender, i in part if sender == me]
                assert mine == sorted(mine)
        # A lock keeps steps together that are not one by themselves.
        import pages
        p = pages.alloc()
        def add(p, lock, count):
            for i in range(count):
                with lock:
                    value = p.load(0)
                    for j in range(5): pass
                    p.store(0, value + 1)
                p.fetch_add(8, 1)
        calls = [cpu.run(add, p, lock, 500) for cpu in others]
        add(p, lock, 500)
        for call in calls:
            call.result()
        assert p.load(0) == p.load(8) == 2000
        p.close()
    """)


def test_soft_reset(vm):
    """A soft reset stops them in whatever they do, and every frame comes back."""
    for _ in range(3):
        vm.exec(SETUP)
        vm.exec("first = frames.stats(); calls = []")
        before = vm.eval("first.used")
        vm.exec("""
            def loop():
                while True:
                    x = [bytearray(1000), bytearray(2000)]
            calls = [one.run(loop), one.run(loop)]
            q = cpus.Queue()
            q.put(bytes(100000))
        """)
        vm.soft_reset()
        vm.exec(SETUP)
        assert vm.eval("frames.stats().used") == before
        assert vm.eval("one.run(cpus.here).result()") == 1
        vm.soft_reset()


def test_no_memory_to_begin_with(boot):
    """Where there is none for an interpreter, each call is a MemoryError, until there is some."""
    vm = boot(smp=2, memory="64M").boot()
    out = vm.exec("""
        import cpus, frames, gc
        cpu = cpus.all()[1]
        taken = []
        try:
            while True:
                taken.append(frames.alloc())
        except MemoryError:
            pass
        for _ in range(20):
            frames.free(taken.pop())
        for _ in range(2):
            calls = [cpu.run(abs, -n) for n in range(3)]
            for call in calls:
                try:
                    call.result()
                except MemoryError as error:
                    print(error)
        del call, calls
        gc.collect()
        for addr in taken:
            frames.free(addr)
        print(cpu.run(abs, -5).result(), frames.check())
    """)
    assert out == "CPU 1 has no memory\n" * 6 + "5 True\n"


@pytest.mark.smp(4)
def test_maps_of_all(vm):
    """Maps on all CPUs at once, each with the others' help, come to their ends."""
    out = vm.exec(
        """
        import cpus
        several = (
            "import cpus\\n"
            "results = {sum(cpus.map(abs, range(-20, 20))) for _ in range(10)}\\n"
            "assert results == {400}, results\\n"
        )
        for _ in range(5):
            calls = [cpu.run(several) for cpu in cpus.all()[1:]]
            exec(several)
            print([call.result() for call in calls])
    """,
        timeout=120,
    )
    assert out == "[None, None, None]\n" * 5


def test_ctrl_c_ends_a_loop_of_many(vm):
    """However many tasks await one call, Ctrl-C is KeyboardInterrupt out of asyncio.run()."""
    vm.exec("""
        import asyncio, cpus
        def endless():
            while True: pass
        async def wait(call):
            await call
        async def main():
            call = cpus.all()[1].run(endless)
            print('go')
            await asyncio.gather(*(wait(call) for _ in range(40)))
    """)
    for _ in range(12):
        vm.repl.sendline("asyncio.run(main())")
        vm.repl.expect_exact("\r\ngo\r\n")
        time.sleep(random.random() / 20)
        vm.repl.send("\x03")
        vm.repl.expect_exact("KeyboardInterrupt: \r\n>>> ")
        vm.run("cpus.all()[1].reset()")


@pytest.mark.smp(3)
@pytest.mark.memory("64M")
def test_garbage_at_rest(vm):
    """What calls leave to be collected is memory for others once a CPU has nothing to do."""
    vm.exec("""
        import cpus, frames, gc, time
        def fill(kept):
            global left
            left = bytearray(kept)
            some = []
            try:
                while True:
                    some.append(bytearray(10000))
            except MemoryError:
                return len(some)
        def kept():
            return len(left)
        def free_comes_to(count):
            end = time.ticks_ms() + 20000
            while frames.stats().free < count and time.ticks_ms() < end:
                time.sleep_ms(10)
            return frames.stats().free >= count
        one, two = cpus.all()[1:]
        before = frames.stats().free
        for size in 0, 8 << 20, 8 << 20, 0:
            for cpu in one, two:
                assert cpu.run(fill, size).result() > 1000
                assert free_comes_to(3000), (size, frames.stats())
            # A heap has room for as much again as is in use.
            assert free_comes_to(before - (4 * size >> 12) - 4096), (size, frames.stats())
            assert [cpu.run(kept).result() for cpu in (one, two)] == [size, size]
        bytearray(20 << 20)
        gc.collect()
        # Who does not want to be collected is not.
        one.run("import gc; gc.disable()").result()
        assert one.run(fill, 0).result() > 1000
        time.sleep_ms(300)
        assert frames.stats().free < 2000, frames.stats()
        one.reset()
        assert free_comes_to(before - 4096)
    """)
