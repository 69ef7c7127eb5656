"""Three boot tests to begin with. `ringzero test` runs them."""

import pytest


def test_eval(vm):
    """Python in the kernel has a value."""
    assert vm.eval("1 + 1") == 2


@pytest.mark.board("microvm")
@pytest.mark.memory("64M")
def test_page(vm):
    """What the guest writes into a page is what QEMU finds at its address."""
    vm.exec("import pages; p = pages.alloc(); p[0:5] = b'hello'")
    assert vm.memory(vm.eval("p.addr"), 5) == b"hello"


def test_program(boot, hello):
    """A program says what it has to say, and the machine ends with its status."""
    vm = boot(app=hello, board="microvm")
    vm.repl.expect_exact("hello")
    assert vm.wait_exit() == 3
