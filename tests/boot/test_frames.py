"""The allocator on the real map: what tests/frames_python.py proves, and all of memory again."""

from pathlib import Path

import pytest

FRAMES_PYTHON = Path(__file__).resolve().parents[1] / "frames_python.py"

EXHAUST = """
from array import array
import frames
def exhaust(rounds):
    before = frames.stats()
    taken = array("Q", bytes(8 * before.free))
    # What the array itself has taken of the machine's memory.
    before = frames.stats()
    part = memoryview(taken)[: before.free]
    for i in range(rounds):
        frames.fill(part)
        try:
            frames.alloc()
            return "one frame too many"
        except MemoryError:
            pass
        if frames.stats().free:
            return "some left"
        frames.drain(part)
        after = frames.stats()
        if after.free != before.free or after.used != before.used:
            return "lost in round %d: %r" % (i, after)
        frames.check()
    return len(set(part)) == len(part) and rounds
"""


@pytest.mark.board("q35", "pc", "microvm")
def test_from_python(launch, board):
    """The Python-level tests pass on each machine, as they do on MicroPython's unix port."""
    done = launch("--board", board, FRAMES_PYTHON)
    assert "frames_python: 12 of 12 passed" in done.stdout
    assert done.returncode == 0


@pytest.mark.qemu  # of any other size it takes too long
@pytest.mark.board("q35", "microvm")
@pytest.mark.memory("16M")
@pytest.mark.timeout(120)
def test_exhaustion(vm):
    """All frames by fill() and back by drain(), 100 times: none twice, the counts exact."""
    vm.exec(EXHAUST)
    assert vm.eval("exhaust(100)") == 100


IN_A_CALLBACK = """
import array, frames, machine, pages, ramdisk
buf = array.array("Q", bytes(8 * 8))
filled = array.array("Q", bytes(8 * 8))
frames.fill(filled)
held = frames.alloc()
page = pages.alloc()
disk = ramdisk.RAMDisk(4096)
block = bytearray(4096)
CALLS = (
    lambda: frames.alloc(), lambda: frames.alloc(2), lambda: frames.alloc(below=1 << 30),
    lambda: frames.free(held), lambda: frames.free(held, 1), lambda: frames.fill(buf),
    lambda: frames.drain(filled), lambda: frames.reserve(held, held + 4096),
    lambda: frames.stats(), lambda: frames.check(), lambda: frames.show(), lambda: frames.runs(),
    lambda: frames.init(buf), lambda: pages.alloc(), lambda: page.close(),
    lambda: pages.map(0x600000000000, held), lambda: pages.unmap(held),
    lambda: pages.protect(held, 1, pages.READ), lambda: pages.translate(held),
    lambda: pages.reserve(1), lambda: pages.walk(), lambda: ramdisk.RAMDisk(4096),
    lambda: disk.readblocks(0, block), lambda: disk.writeblocks(0, block), lambda: disk.close(),
)
refused = bytearray(len(CALLS))
done = False
def callback(timer):
    global done
    for i in range(len(CALLS)):
        try:
            CALLS[i]()
        except RuntimeError:
            refused[i] = 1
        except Exception:
            refused[i] = 2
    done = True
before = frames.stats()
timer = machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=1, callback=callback, hard=True)
while not done:
    pass
"""


def test_a_hard_callback_is_refused(vm):
    """All that has to do with frames is a RuntimeError there, and nothing has changed."""
    vm.exec(IN_A_CALLBACK)
    assert vm.eval("[i for i, r in enumerate(refused) if r != 1]") == []
    assert vm.eval("frames.stats() == before and frames.check()") is True
    vm.exec("frames.free(held); page.close(); disk.close(); frames.drain(filled)")


def test_callbacks_between_calls(vm):
    """Hard callbacks that try, thousands of times, never lose or double a frame."""
    vm.exec("""
        import frames, machine
        refused = accepted = 0
        def callback(timer):
            global refused, accepted
            try:
                frames.free(frames.alloc())
                accepted += 1
            except RuntimeError:
                refused += 1
        before = frames.stats().free
        timer = machine.Timer(-1, freq=5000, callback=callback, hard=True)
        while refused < 1000:
            held = [frames.alloc() for _ in range(100)]
            assert len(set(held)) == 100
            for addr in held:
                frames.free(addr)
        timer.deinit()
    """)
    assert vm.eval("accepted") == 0
    assert vm.eval("frames.stats().free == before and frames.check()") is True


KERNELS = """
import array, frames, gc, memmap, pages, ramdisk
held = [pages.alloc(count) for count in (1, 1, 3, 64, 512, 700)[:4 if SMALL else 6]]
held[1].close()
disk = ramdisk.RAMDisk(40000)
@micropython.native
def native():
    pass
grown = bytearray(300000 if SMALL else 3000000)
va = pages.reserve(1 << 18)
for i in range(0, 1 << 18, 1 << 15):
    pages.map(va + (i << 12), held[0].addr)
end = max(r.end for r in memmap.regions() if r.kind == memmap.USABLE)
def refused():
    n = 0
    for addr in range(0, end + (1 << 21), 4096):
        try:
            frames.free(addr)
        except ValueError:
            n += 1
    one = array.array("Q", [0])
    for addr in range(0, end, 65536):
        one[0] = addr
        for count in (0, 3, 512):
            try:
                frames.free(addr, count) if count else frames.drain(one)
            except ValueError:
                n += 1
    return n
gc.collect()
before = frames.stats()
"""


@pytest.mark.parametrize("memory", ["5M", "64M"])
def test_what_python_has_not_allocated(boot, memory):
    """No frame that the kernel has taken goes back by frames.free() or drain(), wherever it is."""
    vm = boot(memory=memory).boot()
    vm.exec(f"SMALL = {memory == '5M'}")
    vm.exec(KERNELS)
    assert vm.eval("before.used > 70 + 10")
    assert vm.eval(
        "refused() == (end + (1 << 21)) // 4096 + (end + 65535) // 65536 * 3", timeout=100
    )
    assert vm.eval("frames.stats() == before and frames.check()")
    assert vm.eval("native()") is None
    # And all that Python has allocated goes back, beside it.
    vm.exec("addrs = [frames.alloc() for _ in range(before.free // 2)]")
    vm.exec("for addr in addrs: frames.free(addr)")
    vm.exec("for p in held: p.close()")
    vm.exec("disk.close()")
    assert vm.eval("frames.check()")


def test_messages(vm):
    """Each says what is wrong, which value, and what would be right."""
    vm.exec("""
        import array, frames, pages
        def why(function, *args, **kwargs):
            try:
                return function(*args, **kwargs)
            except Exception as error:
                return "%s: %s" % (type(error).__name__, error)
        a = frames.alloc(4)
        huge = frames.alloc(512, 2 << 20)
        p = pages.alloc()
    """)
    a, huge, kernels = vm.eval("(a, huge, p.addr)")
    for call, message in (
        ("frames.alloc, 0", "ValueError: count is at least 1, not 0"),
        ("pages.alloc, 0", "ValueError: count is at least 1, not 0"),
        ("frames.alloc, -1", "ValueError: count cannot be negative: -1"),
        ("frames.alloc, 1 << 64", "OverflowError: count is at most 0xffffffffffffffff"),
        (
            "frames.alloc, 1 << 63",
            "MemoryError: no 9223372036854775808 contiguous frames at a multiple of 0x1000 "
            "are free",
        ),
        ("frames.alloc, align=3", "ValueError: align is a power of two from 4096 on, not 3"),
        ("pages.alloc, align=3", "ValueError: align is a power of two from 4096 on, not 3"),
        ("frames.alloc, below=-5", "ValueError: below cannot be negative: -5"),
        (
            "frames.alloc, below=4096",
            "MemoryError: no 1 contiguous frames at a multiple of 0x1000 are free below 0x1000",
        ),
        (
            "frames.free, a + 1",
            f"ValueError: a frame's address is a multiple of 4096, not {a + 1:#x}",
        ),
        ("frames.free, -1", "ValueError: addr cannot be negative: -1"),
        ("frames.free, 1 << 80", "OverflowError: addr is at most 0xffffffffffffffff"),
        (
            "frames.free, (1 << 64) - 4096",
            "ValueError: 0xfffffffffffff000 is not in the memory that frames come from",
        ),
        (
            "frames.free, 0x1fff",
            "ValueError: a frame's address is a multiple of 4096, not 0x1fff",
        ),
        (
            "frames.free, a, 5000000",
            None,
        ),
        ("frames.free, a, 0", "ValueError: count is at least 1, not 0"),
        (
            "frames.free, huge + 4096",
            f"ValueError: {huge + 4096:#x} is part of a large frame: "
            f"free {huge:#x} with count=512",
        ),
        ("frames.free, p.addr", f"ValueError: {kernels:#x} is the kernel's"),
        (
            "frames.drain, array.array('Q', [a, p.addr])",
            f"ValueError: {kernels:#x} is the kernel's",
        ),
        ("frames.drain, array.array('Q', [a, a])", "ValueError: an address is in it twice"),
        ("frames.fill, bytearray(8)", "TypeError: addresses are in an array('Q')"),
        ("frames.reserve, 8192, 4096", "ValueError: start 0x2000 is behind end 0x1000"),
        ("frames.reserve, a, a + 1", f"ValueError: some of {a:#x} to {a + 1:#x} is in use"),
    ):
        said = vm.eval(f"why({call})")
        if message is None:
            assert said.startswith("ValueError: 0x"), said
        else:
            assert said == message
    vm.exec("frames.free(a + 8192)")
    assert vm.eval("why(frames.free, a, 4)") == f"ValueError: {a + 8192:#x} is free already"
    # Without heap the exception is the same.
    vm.exec("""
        import micropython
        def locked(function, arg):
            micropython.heap_lock()
            try:
                function(arg)
            except ValueError:
                return 1
            except MemoryError:
                return 2
            finally:
                micropython.heap_unlock()
    """)
    assert vm.eval(
        "(locked(frames.free, 4097), locked(frames.alloc, 0), locked(frames.alloc, 1 << 50))"
    ) == (1, 1, 2)
    vm.exec("frames.free(a, 2); frames.free(a + 12288); frames.free(huge, 512); p.close()")
    assert vm.eval("frames.check()")
