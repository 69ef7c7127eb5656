"""What a lab's machine can do, wherever it stands; tests/labs.py runs it in several places."""

import os

import pytest


@pytest.mark.parametrize("number", range(4))
def test_prompt(vm, number, record_property):
    """A test has a prompt, and nothing of the test before."""
    record_property("place", os.environ.get("LG_PLACE", ""))
    assert vm.eval("'kept' in globals()") is False
    vm.exec("kept = 1")
    assert vm.eval("2 ** 70") == 2**70


@pytest.mark.parametrize("status", [0, 3, 100])
def test_status(vm, status):
    """A program's end is said on the line, and the machine is switched on again for the next."""
    vm.repl.sendline(f"import machine; machine.poweroff({status})")
    assert vm.wait_exit() == status


@pytest.mark.qemu
def test_memory(vm):
    """What only QEMU can do is not asked of a lab."""
    assert len(vm.memory(0x100000, 16)) == 16
