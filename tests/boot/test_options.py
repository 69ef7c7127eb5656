"""The options on the kernel's command line do what board/README.md says of them."""

import re

import pytest
from ringzero_vm import ROOT

MIB = 1 << 20
PANIC = 101


SIZE = "is not a size: one is like 4096, 0x1000, 64k, 16M or 1G"


@pytest.mark.parametrize(
    "option, message",
    [
        *((f"{key}={value}", f"{key}={value} {SIZE}")
          for key, value in [
              ("heap", "lots"), ("heap", ""), ("heap", "-4M"), ("heap", "1.5G"), ("heap", "4MB"),
              ("maxmem", "1Q"), ("maxmem", ""), ("maxmem", "0xg"),
              ("disk", "some"), ("disk", ""), ("disk", "-1"), ("disk", "99999999999T"),
              ("rom", "x"), ("rom", ""), ("rom", "k"),
          ]),
        ("heap", f"heap= {SIZE}"),
        ("heap=4k", "heap= is at least 1M, not 4096 bytes"),
        ("heap=0", "heap= is at least 1M, not 0 bytes"),
        ("maxmem=0", "maxmem=0 leaves no memory: it is at least 64k"),
        ("maxmem=4k", "maxmem=4k leaves no memory: it is at least 64k"),
        ("root=none", "root=none: there is no 'none'; there is no disk"),
        ("root=", "root=: there is no ''; there is no disk"),
        ("disk=1", "disk=1: a disk has at least 8k, or 0 for none"),
        ("disk=4k", "disk=4k: a disk has at least 8k, or 0 for none"),
        ("disk=1T", "disk=1T: only 2"),
        ("rom=1T", "rom=1T: only 2"),
        ("cpus=0", "cpus=0 is neither all nor a number from 1 to 255"),
        ("cpus=256", "cpus=256 is neither all nor a number from 1 to 255"),
        ("cpus=-1", "cpus=-1 is neither all nor a number from 1 to 255"),
        ("cpus=" + "9" * 40, "9 is neither all nor a number from 1 to 255"),
        ("cpus=some", "cpus=some is neither all nor a number from 1 to 255"),
        ("cpus", "cpus= is neither all nor a number from 1 to 255"),
        ("log=loud", "log=loud is not one of info quiet"),
        ("log", "log= is not one of info quiet"),
        ("console=paper", "console=paper is not one of all serial screen none"),
        ("eof=maybe", "eof=maybe is not one of reset poweroff"),
        ('main="/rom/main.py', "a quote is not closed"),
        ("main=" + "x" * 300, "main= has a path that is too long: 300 bytes, more than 255"),
        ("main=", "main= has no path: one is like /rom/main.py"),
    ],
)  # fmt: skip
def test_bad_value(boot, option, message):
    """A value that makes no sense ends the start with what is wrong with it, and a panic."""
    vm = boot(board="microvm", append=option)
    assert vm.wait_exit() == PANIC
    assert message in vm.transcript()


def test_every_option_has_bad_values():
    """Each option in board/README.md is refused above where its value makes no sense.

    Not keyboard=, which must not end the start: see test_keyboard.py; and not ip=, which is read
    when an interface is switched on: see test_network.py.
    """
    text = (ROOT / "board/README.md").read_text()
    text = text[text.index("| `console=") :]
    options = set(re.findall(r"^\| `(\w+)=", text, re.M))
    assert "keyboard" in options
    options -= {"keyboard", "ip"}
    assert options == {
        "console",
        "log",
        "main",
        "heap",
        "maxmem",
        "root",
        "disk",
        "rom",
        "eof",
        "cpus",
    }
    refused = {
        arguments[0].partition("=")[0] for arguments in test_bad_value.pytestmark[0].args[1]
    }
    assert options == refused


def test_no_program(boot):
    """Where main= names no program the message names it, and the status is an exception's."""
    vm = boot(board="microvm", append="main=/nope.py")
    assert vm.wait_exit() == 1
    message = "command line: main=/nope.py: OSError: [Errno 2] ENOENT: there is no such file"
    assert message in vm.transcript()


def test_disk_is_taken_at_once(boot):
    """What disk= asks for is there from the start, whatever else takes memory before its use."""
    vm = boot(board="microvm", memory="64M", append="disk=16M").boot()
    vm.exec("import frames; free = frames.stats().free; kept = frames.alloc(free // 2)")
    vm.exec("with open('file', 'w') as f: f.write('text')")
    assert vm.eval("free - frames.stats().free - free // 2") < 100
    vm.soft_reset()
    assert vm.eval("open('file').read()") == "text"
    assert vm.eval("__import__('os').statvfs('/')[2]") == 16 * MIB // 4096


def test_smallest_disk(boot):
    """A disk of 8k holds a file."""
    vm = boot(board="microvm", append="disk=8k").boot()
    vm.exec("with open('file', 'w') as f: f.write('text')")
    assert vm.eval("open('file').read()") == "text"


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
