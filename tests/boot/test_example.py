"""A boot test in ten lines: a kernel of yours, two machines, one page of memory."""

import pytest


@pytest.mark.qemu
@pytest.mark.board("q35", "microvm")
def test_page(vm):
    """What the guest writes into a page is what QEMU finds at its address."""
    vm.exec("import pages; p = pages.alloc(); p[0:5] = b'hello'")
    assert vm.memory(vm.eval("p.addr"), 5) == b"hello"
