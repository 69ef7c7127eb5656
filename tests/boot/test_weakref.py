"""Weak references, which MicroPython has had since 1.28: gc.c then has a table more per area."""

import pytest

GROW = """
import gc, weakref

class Thing:
    pass

gone = []
def callback(ref):
    gone.append([bytes(3000)])

things, refs, ballast = [], [], []
for i in range(300):
    thing = Thing()
    refs.append(weakref.ref(thing, callback))
    if i % 3 == 0:
        things.append(thing)
    # Code that has just died, and memory that the callbacks could be given in its place.
    exec("@micropython.native\\ndef f(x): return x + 1")
    f(1)
    del thing, f
    ballast.append(bytearray(50000))
gc.collect()
"""


CHANGE = """
import gc, weakref

class Thing:
    pass

def change(act, expected):
    # The collection is in the middle of making the list or the dictionary bigger.
    called = []
    for i in range(100):
        target, d = [i] * 4, {0: i, 1: i}
        def callback(ref):
            act(target, d)
            called.append([bytes(100) for _ in range(5)])
        thing = Thing()
        ref = weakref.ref(thing, callback)
        thing = None
        target.append(i)
        d[5] = i
        others = [[3] * 4 for _ in range(10)]
        for x in range(70):
            target.append(x)
            d[x + 1000] = x
        assert others == [[3] * 4] * 10
        assert target[-1] == 69 and d[1069] == 69
        assert len(target) in expected[0] and len(d) in expected[1], (len(target), len(d))
    assert len(called) == 100

def clear(target, d):
    target.clear()
    d.clear()

def extend(target, d):
    target.extend([7] * 40)
    d.update({-x: x for x in range(20, 60)})

gc.threshold(1)
"""


@pytest.fixture
def weakref(vm, mpy_minor):
    """A guest that has them."""
    if mpy_minor < 28:
        pytest.skip("there is no weakref before MicroPython 1.28")
    return vm


def test_callbacks_while_the_heap_grows(weakref):
    """Objects that live keep their references, the others' callbacks run once each."""
    weakref.exec(GROW)
    live, called = weakref.eval("(sum(ref() is not None for ref in refs), len(gone))")
    # A stale pointer on the stack may keep an object or two.
    assert 100 <= live <= 105 and live + called == 300
    assert weakref.eval("[ref() for ref in refs[::3]] == things")
    weakref.exec("import frames; frames.check()")


def test_callbacks_that_change_what_grows(weakref):
    """A callback may change the very list or dictionary for which memory was wanted."""
    weakref.exec(CHANGE + "change(extend, ([115], [113]))")
    # Cleared once, and filled by the steps after that.
    weakref.exec("change(clear, (range(1, 72), range(1, 72)))")


@pytest.mark.memory("512M")
def test_third_ctrl_c_in_a_callback(weakref):
    """The third Ctrl-C ends a program in the middle of a callback of the collector's."""
    weakref.exec("""
        import gc, weakref
        class Thing: pass
        spaces = b' ' * 1024 * 150000
        def callback(ref):
            print('go')
            exec(spaces)
        things = [Thing() for _ in range(10)]
        refs = [weakref.ref(thing, callback) for thing in things]
    """)
    weakref.repl.sendline("del things; gc.collect()")
    weakref.repl.expect_exact("go\r\n")
    for _ in range(3):
        weakref.repl.send("\x03")
    weakref.repl.expect_exact("MPY: Ctrl-C three times without an answer")
    weakref.repl.expect_exact("soft reboot\r\n")
    weakref.repl.expect_exact("\n>>> ")
    weakref.exec(GROW + "import frames; frames.check()")
    live, called = weakref.eval("(sum(ref() is not None for ref in refs), len(gone))")
    assert 100 <= live <= 105 and live + called == 300


def test_soft_reset_calls_nobody(weakref):
    """A soft reset with references that wait for their objects comes back to the prompt."""
    weakref.exec(
        GROW + "def callback(ref): print('called')\nlast = weakref.ref(things[0], callback)"
    )
    weakref.soft_reset()
    assert "called" not in weakref.transcript()
    weakref.exec("[bytearray(50000) for i in range(100)]")
