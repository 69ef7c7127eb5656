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
