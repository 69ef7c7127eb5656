"""pages gives out zeroed frames as buffers, takes them back once, and then refuses access."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FRAMES = 40


@pytest.fixture
def port(unix_port_program, small_unix_port):
    """A unix port whose frames are a bytearray of its own, full of garbage."""
    small_unix_port.exec(
        f"""
import frames, io, pages, struct, uctypes
from array import array
ram = bytearray({FRAMES + 1} * 4096)
for i in range(len(ram)):
    ram[i] = 0xa5
start = (uctypes.addressof(ram) + 4095) & ~4095
end = start + {FRAMES} * 4096

def start_frames():
    frames.init(array("Q", (start, end)))

def free_count():
    # By taking all there are; the allocator may keep some for itself.
    held = []
    try:
        while True:
            held.append(pages.alloc())
    except MemoryError:
        pass
    for one in held:
        one.close()
    return len(held)
"""
    )
    return small_unix_port


@pytest.fixture
def started(port):
    port.exec("start_frames()\nwhole = free_count()")
    return port


def refused(port, source):
    with pytest.raises(port.Failed) as caught:
        port.exec(source)
    return caught.value


def test_before_the_map(port):
    """There is no page before there is a memory map."""
    assert refused(port, "pages.alloc()").kind == "RuntimeError"


def test_zeroed_and_contiguous(started):
    """Pages lie in the frames' memory, aligned, full of zeros however full of garbage it was."""
    started.exec("p = pages.alloc(4)")
    assert started.eval("len(p)") == 4 * 4096
    assert started.eval("p.addr % 4096 == 0 and start <= p.addr and p.addr + len(p) <= end")
    assert started.eval("p.va == p.addr == uctypes.addressof(p)")
    assert started.eval("bytes(p) == bytes(len(p))")
    started.exec("p[:] = b'x' * len(p)\np.close()\np = pages.alloc(4)")
    assert started.eval("bytes(p) == bytes(len(p))")


def test_default_is_one_page(started):
    """alloc() gives one page."""
    assert started.eval("len(pages.alloc())") == 4096


def test_does_not_overlap(started):
    """Pages that are held at the same time are different ones."""
    started.exec(
        """
held = []
try:
    while True:
        held.append(pages.alloc(1 + len(held) % 3))
except MemoryError:
    pass
for i, p in enumerate(held):
    p[:] = bytes((i,)) * len(p)
"""
    )
    assert started.eval("all(bytes(p) == bytes((i,)) * len(p) for i, p in enumerate(held))")


def test_indices_and_slices(started):
    """Bytes and slices read and write as with a bytearray; a slice that is read is a copy."""
    started.exec(
        """
p = pages.alloc()
model = bytearray(4096)
for b in (p, model):
    b[0:4] = b"\\x01\\x02\\x03\\x04"
    b[-1] = 255
    b[100:104] = memoryview(b"abcd")
    b[101:105] = b[100:104]
    b[200:100] = b""
p[104:108] = array("I", (0x64636261,))
model[104:108] = b"abcd"
"""
    )
    assert started.eval("p[:] == model and bytes(p) == bytes(model)")
    for index in ("0", "3", "-1", "-4096", "4095"):
        assert started.eval(f"p[{index}] == model[{index}]")
    for part in ("0:4", "-4:", ":", "5:2", "4000:5000", "-5000:3"):
        assert started.eval(f"p[{part}] == model[{part}]")
    started.exec("copy = p[0:4]\np[0] = 9")
    assert started.eval("list(copy)") == [1, 2, 3, 4]


def test_overlapping_slices_of_itself(started):
    """A slice may be written from a view of the same pages."""
    started.exec("p = pages.alloc()\np[0:8] = b'01234567'\np[2:8] = memoryview(p)[0:6]")
    assert started.eval("p[0:8] == b'01012345'")


def test_buffer_protocol(started):
    """Whatever takes a buffer takes pages."""
    started.exec("p = pages.alloc()\nstruct.pack_into('<I', p, 8, 0xdeadbeef)")
    assert started.eval("struct.unpack_from('<I', p, 8)[0]") == 0xDEADBEEF
    assert started.eval("uctypes.bytearray_at(p.addr + 8, 4) == b'\\xef\\xbe\\xad\\xde'")
    assert started.eval("io.BytesIO(b'hello').readinto(p)") == 5
    assert started.eval("p[0:5] == b'hello'")
    started.exec("view = memoryview(p)\nview[4095] = 7")
    assert started.eval("[len(view), p[4095]]") == [4096, 7]


@pytest.mark.parametrize(
    "source, kind",
    [
        ("p[4096]", "IndexError"),
        ("p[-4097]", "IndexError"),
        ("p['a']", "TypeError"),
        ("p[::2]", "NotImplementedError"),
        ("p[0] = 256", "ValueError"),
        ("p[0] = -1", "ValueError"),
        ("p[0] = 'a'", "TypeError"),
        ("p[0:4] = b'123'", "ValueError"),
        ("p[0:4] = b'12345'", "ValueError"),
        ("p[0:4] = 5", "TypeError"),
        ("del p[0]", "TypeError"),
        ("p.addr = 1", "AttributeError"),
        ("pages.Pages()", "TypeError"),
        ("p.load(4)", "ValueError"),
        ("p.load(4095)", "IndexError"),
        ("p.load(-8)", "IndexError"),
        ("p.load(4096)", "IndexError"),
        ("p.load(1 << 64)", "IndexError"),
        ("p.load(1.0)", "TypeError"),
        ("p.store(8, 1 << 64)", "ValueError"),
        ("p.store(8, -(1 << 63) - 1)", "ValueError"),
        ("p.store(8, -(1 << 64))", "ValueError"),
        ("p.store(8, None)", "TypeError"),
        ("p.fetch_add(1, 1)", "ValueError"),
        ("p.fetch_add(0, 1 << 64)", "ValueError"),
        ("p.fetch_add(0, 1.5)", "TypeError"),
        ("p.compare_exchange(0, 1 << 64, 0)", "ValueError"),
        ("p.compare_exchange(0, 0x7a7a7a7a7a7a7a7a, 1 << 64)", "ValueError"),
        ("pages.alloc(0)", "ValueError"),
        ("pages.alloc(-1)", "ValueError"),
        ("pages.alloc(1, align=100)", "ValueError"),
        ("pages.alloc(1, align=6000)", "ValueError"),
        ("pages.alloc(1, align=0)", "ValueError"),
        ("pages.alloc(1, below=-1)", "ValueError"),
        ("pages.alloc('x')", "TypeError"),
        ("pages.alloc(1 << 40)", "MemoryError"),
        ("pages.alloc(1 << 61)", "MemoryError"),
        ("pages.alloc(1, below=4096)", "MemoryError"),
    ],
)
def test_refused(started, source, kind):
    """What makes no sense is refused, and then nothing has changed."""
    started.exec("p = pages.alloc()\np[:] = b'z' * 4096")
    assert refused(started, source).kind == kind
    assert started.eval("bytes(p) == b'z' * 4096")
    assert started.eval("(p.close(), free_count())[1] == whole")


def test_align_and_below(started):
    """align and below go to the allocator."""
    started.exec("p = pages.alloc(2, align=16384)\nq = pages.alloc(1, 4096, start + 20 * 4096)")
    assert started.eval("p.addr % 16384 == 0 and q.addr + 4096 <= start + 20 * 4096")
    started.exec("p.close()\nq.close()")


NUMBERS = st.one_of(
    st.integers(-(1 << 63), (1 << 64) - 1),
    st.sampled_from([0, 1, -1, 1 << 62, (1 << 62) - 1, 1 << 63, -(1 << 63), (1 << 64) - 1]),
)


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), NUMBERS, NUMBERS), max_size=20))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_atomics(started, steps):
    """Atomics on words do what a model modulo 2^64 does, beside each other and to nothing else."""
    started.exec("p = pages.alloc()")
    model = [0] * 512
    for kind, place, one, two in steps:
        index = (0, 1, 2, 511)[place]
        if kind == 0:
            assert started.eval(f"str(p.fetch_add({index * 8}, {one}))") == str(model[index])
            model[index] = (model[index] + one) % (1 << 64)
        elif kind == 1:
            started.exec(f"p.store({index * 8}, {one})")
            model[index] = one % (1 << 64)
        else:
            # Half of them expect what is there.
            expected = model[index] if two % 2 else one
            same = expected % (1 << 64) == model[index]
            assert started.eval(f"p.compare_exchange({index * 8}, {expected}, {two})") == same
            model[index] = two % (1 << 64) if same else model[index]
        assert started.eval(f"str(p.load({index * 8}))") == str(model[index])
    started.exec(f"model = array('Q', bytes(4096))\nfor i in range(512): model[i] = {model}[i]")
    assert started.eval("(p[:] == bytes(model), p.close())[0]")


def test_atomics_without_heap(started):
    """Where there is no heap for the number that it would return, fetch_add() changes nothing."""
    started.exec(
        """
import micropython
p = pages.alloc()
p.store(0, 1 << 63)
p.store(8, 5)
micropython.heap_lock()
try:
    p.fetch_add(0, 1)
    failed = False
except MemoryError:
    failed = True
small = p.fetch_add(8, 1)
micropython.heap_unlock()
"""
    )
    assert started.eval("failed and p.load(0) == 1 << 63 and small == 5 and p.load(8) == 6")


def test_close(started):
    """close() gives all frames back, a second one does nothing, `with` does it by itself."""
    started.exec("p = pages.alloc(3)")
    assert started.eval("free_count() == whole - 3")
    started.exec("p.close()\np.close()")
    assert started.eval("free_count() == whole")
    started.exec("with pages.alloc(3) as p:\n    p[0] = 1\n    inside = free_count()")
    assert started.eval("[whole - inside, free_count() == whole]") == [3, True]
    assert refused(started, "with pages.alloc(3) as p:\n    1 / 0").kind == "ZeroDivisionError"
    assert started.eval("free_count() == whole")
    # Closed by hand within: the end of `with` finds nothing to do.
    started.exec("with pages.alloc(3) as p:\n    p.close()")
    assert started.eval("free_count() == whole")


@pytest.mark.parametrize(
    "source",
    [
        "p[0]",
        "p[0] = 1",
        "p[:]",
        "p[0:1] = b'1'",
        "len(p)",
        "p.addr",
        "p.va",
        "memoryview(p)",
        "bytes(p)",
        "p.__enter__()",
        "struct.pack_into('<I', p, 0, 1)",
        "io.BytesIO(b'a').readinto(p)",
        "p.load(0)",
        "p.store(0, 1)",
        "p.fetch_add(0, 1)",
        "p.compare_exchange(0, 0, 1)",
    ],
)
def test_nothing_after_close(started, source):
    """Every access after close() is refused."""
    started.exec("p = pages.alloc()\np.close()")
    failure = refused(started, source)
    assert (failure.kind, failure.message) == ("ValueError", "pages are closed")


def test_repr_and_truth(started):
    """repr() shows the address in hex, or that the pages are closed; so does their truth."""
    started.exec("p = pages.alloc(2)")
    assert started.eval("repr(p) == 'Pages(addr=0x%x, count=2)' % p.addr and bool(p)")
    started.exec("p.close()")
    assert started.eval("repr(p) == 'Pages(closed)' and not p")


def test_frames_are_freed_by_their_pages_only(started):
    """Nobody can free frames behind the pages' back."""
    started.exec("p = pages.alloc(3)")
    for call in ("frames.free(p.addr)", "frames.free(p.addr, 3)", "frames.free(p.addr + 4096, 2)"):
        assert refused(started, call).kind == "ValueError"
    assert started.eval("free_count() == whole - 3")
    started.exec("p.close()")
    assert started.eval("free_count() == whole")


def test_no_finaliser(started):
    """Pages that are dropped without close() keep their frames."""
    started.exec("import gc\npages.alloc(2)\ngc.collect()")
    assert started.eval("free_count() == whole - 2")


def test_heap_full(started):
    """Without heap for the object no frame is allocated."""
    started.exec(
        """
import gc
import micropython
micropython.heap_lock()
try:
    pages.alloc()
except MemoryError:
    pass
micropython.heap_unlock()
"""
    )
    assert started.eval("free_count() == whole")
