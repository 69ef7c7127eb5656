"""The machine's other CPUs: found, started, and back at a soft reset."""

import ast

import pytest

ASK = """
import _cpus, frames
count = _cpus.count()
ids = [_cpus.apic_id(number) for number in range(count)]
print((count, ids, _cpus.here(), frames.check(), frames.stats().cpus))
"""


def ask(vm, timeout=-1):
    """How many CPUs came up, and their APIC ids."""
    count, ids, here, good, shared = ast.literal_eval(vm.exec(ASK, timeout).strip())
    assert here == 0 and good and shared == count
    return count, ids


@pytest.mark.board("q35", "pc", "microvm")
@pytest.mark.smp(1, 2, 3, 4, 8)
def test_start(vm, smp):
    """Each CPU of the table comes up when first asked for; a reset gives all frames back."""
    vm.soft_reset()
    first = vm.eval("tuple(__import__('frames').stats())")
    for _ in range(2):
        assert ask(vm) == (smp, list(range(smp)))
        vm.soft_reset()
        assert vm.eval("tuple(__import__('frames').stats())") == first


@pytest.mark.board("q35", "microvm")
@pytest.mark.parametrize("option, count", [("cpus=2", 2), ("cpus=1", 1), ("cpus=8", 3)])
def test_limit(boot, board, option, count):
    """cpus=COUNT on the command line has no more of them started."""
    vm = boot(board=board, smp=3, append=option).boot()
    assert ask(vm) == (count, list(range(count)))
    vm.soft_reset()
    assert ask(vm)[0] == count


def test_all_at_the_start(boot):
    """cpus=all has them up before the prompt."""
    vm = boot(smp=3, append="cpus=all").boot()
    assert vm.eval("__import__('frames').stats().cpus") == 3


@pytest.mark.parametrize("smp", [64, 255])
def test_many(boot, smp):
    """As many as APIC ids of 8 bits name."""
    vm = boot(memory="1G", smp=smp, wait=600.0).boot()
    assert ask(vm) == (smp, list(range(smp)))
    vm.soft_reset()
    assert vm.eval("__import__('frames').stats().cpus") == 1
