"""The options on the kernel's command line do what board/README.md says of them."""

import pytest

MIB = 1 << 20
PANIC = 101


@pytest.mark.parametrize(
    "option, message",
    [
        ("heap=lots", "heap=lots is not a size"),
        ("heap=4k", "heap= is at least 1M"),
        ("heap=", "heap= is not a size"),
        ("maxmem=1Q", "maxmem=1Q is not a size"),
        ("log=loud", "log=loud is not one of info quiet"),
        ("console=paper", "console=paper is not one of all serial screen none"),
        ("eof=maybe", "eof=maybe is not one of reset poweroff"),
        ("disk=some", "disk=some is not a size"),
        ('main="/rom/main.py', "a quote is not closed"),
        ("main=" + "x" * 300, "main= has a path that is too long"),
    ],
)
def test_bad_value(boot, option, message):
    """A value that makes no sense is a message and a panic."""
    vm = boot(board="microvm", append=option)
    assert vm.wait_exit() == PANIC
    assert message in vm.transcript()


def test_heap(boot):
    """heap= is as far as the heap grows, however much memory there is."""
    vm = boot(board="microvm", memory="128M", append="heap=8M").boot()
    vm.exec("import gc; kept = [bytearray(1 << 20) for _ in range(5)]")
    assert vm.eval("gc.mem_alloc() + gc.mem_free()") <= 8 * MIB
    vm.exec(
        """
        try:
            more = bytearray(4 << 20)
        except MemoryError:
            more = None
        """
    )
    assert vm.eval("more") is None
    assert vm.eval("len(kept)") == 5


def test_maxmem(boot):
    """maxmem= leaves all memory from there on alone, and the map as it is."""
    vm = boot(board="q35", memory="128M", append="maxmem=32M").boot()
    assert vm.eval("__import__('memmap').total()") > 120 * MIB
    vm.exec("import frames; from array import array; taken = array('Q', bytes(8 * 5000))")
    assert vm.eval("frames.stats().free") < 8192
    vm.exec("frames.fill(taken)")
    assert vm.eval("max(taken)") < 32 * MIB


def test_log(boot):
    """log=quiet leaves the map's line out."""
    assert "memmap: " in boot(board="microvm").boot().transcript()
    assert "memmap: " not in boot(board="microvm", append="log=quiet").boot().transcript()


def test_unknown_options_are_kept(boot):
    """What the kernel does not know is for the program."""
    vm = boot(board="microvm", append='speed=9 name="Ada L" verbose').boot()
    vm.exec("import bootinfo, cmdline")
    assert vm.eval("bootinfo.cmdline") == 'speed=9 name="Ada L" verbose'
    options = {"speed": "9", "name": "Ada L", "verbose": ""}
    assert vm.eval("cmdline.parse(bootinfo.cmdline)") == options
