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
