"""Values go through queues as bytes: what comes out is equal, and nothing stays behind."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FRAMES = 2000


@pytest.fixture(scope="module")
def port(large_unix_port):
    """A unix port with frames, and what the tests say of values."""
    large_unix_port.exec(
        f"""
import cpus, frames, gc, micropython, pages, uctypes
from array import array
ram = bytearray({FRAMES + 1} * 4096)
start = (uctypes.addressof(ram) + 4095) & ~4095
frames.init(array("Q", (start, start + {FRAMES} * 4096)))
queue = cpus.Queue()

def same(a, b):
    if type(a) is not type(b):
        return False
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        # Keys that are equal may differ in type: there is one of them.
        return len(a) == len(b) and all(k in b and same(v, b[k]) for k, v in a.items())
    return a == b or a != a and b != b

def through(value):
    queue.put(value)
    return queue.get()

def used():
    gc.collect()
    return frames.stats().used
"""
    )
    return large_unix_port


ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(1 << 70), 1 << 70),
    st.integers(),
    st.sampled_from([1 << 61, (1 << 61) - 1, -(1 << 61), 1 << 62, -(1 << 62), 1 << 63, 1 << 64]),
    st.integers(0, 600).map(lambda n: 3**n),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
    st.binary(),
)
KEYS = st.recursive(ATOMS, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=4)
VALUES = st.recursive(
    ATOMS | st.binary().map(bytearray),
    lambda inner: st.one_of(
        st.lists(inner, max_size=6),
        st.lists(inner, max_size=6).map(tuple),
        st.dictionaries(KEYS, inner, max_size=6),
        st.sets(KEYS, max_size=6),
        st.frozensets(KEYS, max_size=6),
    ),
    max_leaves=40,
)


@given(VALUES)
@settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_values(port, value):
    """Whatever is made of the types that can go over comes out as it was, types included."""
    port.exec(f"value = {value!r}")
    assert port.eval("same(through(value), value)")
    assert port.eval("len(queue)") == 0


def test_floats(port):
    """Floats keep every bit: infinities, signs of zero, NaN."""
    port.exec("import struct\nvalues = [float('inf'), float('-inf'), -0.0, 5e-324, float('nan')]")
    assert port.eval(
        "[struct.pack('d', v) for v in through(values)] == [struct.pack('d', v) for v in values]"
    )


@pytest.mark.parametrize("size", [0, 1, 4050, 4060, 4070, 4096, 100000, 1 << 20])
def test_sizes(port, size):
    """Bytes of any size go over, and their frames come back."""
    port.exec(f"before = used()\nvalue = bytes(range(256)) * ({size} // 256 + 1)")
    port.exec(f"value = value[:{size}]")
    assert port.eval("through(value) == value and through([value, value]) == [value, value]")
    assert port.eval("used() == before")


@pytest.mark.parametrize("make", ["[value]", "(value,)", "{1: value}", "[0, value, 0]"])
def test_deep(port, make):
    """Nesting is no deeper than memory: nothing recurses."""
    port.exec(
        f"""
def nest():
    value = None
    for i in range(20000):
        value = {make}
    return value
def depth(value):
    n = 0
    while value is not None:
        value = value[1] if len(value) > 1 or isinstance(value, dict) else value[0]
        n += 1
    return n
"""
    )
    assert port.eval("depth(through(nest()))") == 20000


def test_copies(port):
    """What occurs twice comes out as two."""
    port.exec("one = [1]\na, b = through([one, one])\na.append(2)")
    assert port.eval("[one, b]") == [[1], [1]]


def refused(port, source):
    with pytest.raises(port.Failed) as caught:
        port.exec(source)
    return caught.value


@pytest.mark.parametrize(
    "value, name",
    [
        ("object()", "object"),
        ("print", "function"),
        ("len", "function"),
        ("(lambda: 0)", "function"),
        ("range(3)", "range"),
        ("array('Q')", "array"),
        ("memoryview(b'a')", "memoryview"),
        ("1j", "complex"),
        ("int", "type"),
        ("gc", "module"),
        ("ValueError()", "ValueError"),
        ("{}.keys()", "dict_view"),
        ("frames.stats()", "tuple"),
        ("type('L', (list,), {})()", "L"),
        ("type('I', (int,), {})()", "I"),
        ("type('P', (cpus.Queue,), {})()", "P"),
        ("closed", "a closed Pages"),
        ("...", "Ellipsis"),
        ("NotImplemented", "NotImplemented"),
    ],
)
@pytest.mark.parametrize("around", ["{}", "[1, 'a' * 5000, {}]", "{{1: (2, {})}}"])
def test_refused(port, value, name, around):
    """What cannot go over is a TypeError that names it, and nothing has happened."""
    port.exec("closed = pages.alloc()\nclosed.close()\nbefore = used()")
    failure = refused(port, f"queue.put({around.format(value)})")
    assert (failure.kind, failure.message) == ("TypeError", f"{name} cannot go to another CPU")
    assert port.eval("[len(queue), used() == before]") == [0, True]


@pytest.mark.parametrize(
    "source",
    [
        "a = []\na.append(a)",
        "a = [1, 2]\nb = {1: a}\na[0] = (b,)",
        "a = []\nlast = a\nfor i in range(1000):\n    last.append([])\n    last = last[0]\n"
        "last.append(a)",
        "a = [[], 'x' * 100, {}]\na[2][1] = [a]",
        "loop = []\nloop.append([[loop]])\na = loop\nfor i in range(37):\n    a = [a]",
    ],
)
def test_cycles(port, source):
    """A container in itself is a ValueError."""
    port.exec("before = used()\n" + source)
    failure = refused(port, "queue.put(a)")
    assert failure.kind == "ValueError" and failure.message.endswith(" contains itself")
    assert port.eval("[len(queue), used() == before]") == [0, True]


def test_pages(port):
    """Pages go by reference: a view of the same frames, which closing it leaves alone."""
    port.exec("p = pages.alloc(2)\nthrough(p).close()\nbefore = used()")
    port.exec("p[0:3] = b'abc'\nview = through({1: p})[1]")
    assert port.eval("view is not p and view.addr == p.addr and len(view) == len(p)")
    port.exec("view[0] = 0x7a\nagain = through(view)")
    assert port.eval("p[0:3] == b'zbc' and again.fetch_add(8, 5) == 0 and p.load(8) == 5")
    port.exec("view.close()\nview.close()\nagain.close()")
    assert port.eval("bool(p) and not view and used() == before")
    assert refused(port, "view[0]").message == "pages are closed"
    port.exec("view = through(p)\nqueue.put(p)\np.close()\nlate = queue.get()")
    assert port.eval("[bool(view), bool(late), repr(late)]") == [False, False, "Pages(closed)"]
    assert refused(port, "view[0]").message == "pages are closed"
    assert refused(port, "late.load(0)").message == "pages are closed"
    assert refused(port, "queue.put(view)").message == "a closed Pages cannot go to another CPU"


def test_memory(port):
    """A value that its receiver has no memory for stays in the queue, in its place, whole."""
    port.exec(
        """
value = [1, {2: b'x' * 3000000}, {3, (4, 'y' * 100)}]
queue.put(value)
queue.put(3)
failed = []
def get_nothing():
    try:
        queue.get()
    except MemoryError:
        failed.append(len(queue))
micropython.heap_lock()
get_nothing()
micropython.heap_unlock()
def fill():
    held = [None]
    try:
        while True:
            held = [held, bytearray(4000)]
    except MemoryError:
        pass
    get_nothing()
fill()
gc.collect()
"""
    )
    assert port.eval("failed") == [2, 2]
    assert port.eval("queue.get() == value and queue.get() == 3 and len(queue) == 0")


def test_no_frames(port):
    """Without frames for it a value is a MemoryError, and what was taken has gone back."""
    port.exec("before = used()\nvalue = bytes(20000)\nheld = []")
    port.exec("try:\n    while True: held.append(pages.alloc())\nexcept MemoryError: pass")
    port.exec("held.pop().close()\nheld.pop().close()")
    port.exec("queue.put([b'x' * 100])")
    assert refused(port, "queue.put([b'x' * 4000, value])").kind == "MemoryError"
    assert refused(port, "[cpus.Queue() for i in range(3)]").kind == "MemoryError"
    port.exec("gc.collect()\nfor p in held: p.close()\nheld = None")
    assert port.eval("queue.get() == [b'x' * 100] and used() == before and frames.check()")
    assert port.eval("len(queue)") == 0


def test_queue_order(port):
    """First in, first out, as many as there is room for, then OSError; so is an empty one."""
    port.exec("q = cpus.Queue(3)\nq.put(1)\nq.put(2, 0)\nq.put(3, timeout_ms=None)")
    assert refused(port, "q.put(4, 0)").kind == "OSError"
    assert refused(port, "q.put(4, timeout_ms=5)").message == "[Errno 110] ETIMEDOUT"
    assert port.eval("[len(q), q.get(), q.get(0), q.get(timeout_ms=1), len(q), bool(q)]") == [
        3,
        1,
        2,
        3,
        0,
        True,
    ]
    assert refused(port, "q.get(0)").message == "[Errno 110] ETIMEDOUT"
    assert refused(port, "q.get(timeout_ms=5)").kind == "OSError"
    port.exec("big = cpus.Queue(capacity=1 << 63)\nbig.put(1)")


@pytest.mark.parametrize(
    "source, kind",
    [
        ("cpus.Queue(0)", "ValueError"),
        ("cpus.Queue(-1)", "ValueError"),
        ("cpus.Queue(1 << 64)", "OverflowError"),
        ("cpus.Queue('a')", "TypeError"),
        ("cpus.Queue(1, 2)", "TypeError"),
        ("cpus.Lock(1)", "TypeError"),
        ("queue.put()", "TypeError"),
        ("queue.put(1, -1)", "ValueError"),
        ("queue.put(1, 1.5)", "TypeError"),
        ("queue.get(-1)", "ValueError"),
        ("queue.get('')", "TypeError"),
        ("cpus.Queue.put(5, 1)", "TypeError"),
        ("cpus.Queue.get(cpus.Lock())", "TypeError"),
        ("cpus.Lock().release()", "RuntimeError"),
        ("q = cpus.Queue()\nq.__del__()\nq.__del__()\nq.put(1)", "ValueError"),
        ("q = cpus.Queue()\nq.__del__()\nlen(q)", "ValueError"),
        ("q = cpus.Lock()\nq.__del__()\nq.acquire()", "ValueError"),
        ("q = cpus.Lock()\nq.__del__()\nqueue.put(q)", "TypeError"),
    ],
)
def test_bad_calls(port, source, kind):
    """What makes no sense is refused, and then nothing has changed."""
    port.exec("q = None\nbefore = used()")
    assert refused(port, source).kind == kind
    port.exec("q = None")
    assert port.eval("[len(queue), used() == before]") == [0, True]


def test_lock(port):
    """A lock is had once, by acquire() or `with`, and waited for no longer than said."""
    port.exec("lock = cpus.Lock()\nhad = [lock.locked(), lock.acquire(), lock.locked()]")
    assert port.eval("had + [lock.acquire(0), lock.acquire(timeout_ms=3)]") == [
        False,
        True,
        True,
        False,
        False,
    ]
    port.exec("lock.release()")
    assert refused(port, "with lock:\n    inside = lock.acquire(0)\n    1 / 0").kind == (
        "ZeroDivisionError"
    )
    assert port.eval("[inside, lock.locked()]") == [False, False]


def test_shared(port):
    """Queues and locks go over as themselves, and are gone when nobody has them any more."""
    port.exec("used()\nbefore = used()")
    port.exec("a, b = through((cpus.Queue(), cpus.Lock()))\nc, d = through([a, b])")
    assert port.eval("used() - before") == 2
    port.exec("a.put('x')\nb.acquire()")
    assert port.eval("[c.get(), d.locked(), a is c]") == ["x", True, False]
    # A chain: each lies in a message of the one before.
    port.exec("a = b = c = d = None\nfirst = last = cpus.Queue()")
    port.exec(
        "for i in range(300):\n    q = cpus.Queue()\n    last.put([q, cpus.Lock(), q])\n"
        "    last = q\nq = last = None"
    )
    assert port.eval("used() - before") == 1 + 300 * 3
    port.exec("first = None\n[bytearray(10) for i in range(100)]")
    assert port.eval("[used() - before, frames.check()]") == [0, True]
    # Neither a put that fails nor a value that never comes out keeps them.
    failure = refused(port, "queue.put([cpus.Lock(), cpus.Queue(), print])")
    assert failure.kind == "TypeError"
    port.exec("[bytearray(10) for i in range(100)]")
    assert port.eval("used() - before") == 0
