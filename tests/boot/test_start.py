"""What only the start may do is refused afterwards, and nothing changes by trying."""

import pytest
from ringzero_vm import GuestError

OVER = "RuntimeError: only the start does this, and it is over: nothing has changed"

pytestmark = pytest.mark.board("microvm")

DOORS = {
    "import _boot": OVER,
    "import memmap; memmap.init([])": OVER,
    "import memmap; memmap.init(__import__('bootinfo').regions)": OVER,
    "import bootinfo; bootinfo.init(1, 0)": OVER,
    "import memmap; memmap.nothing": "AttributeError: 'module' object has no attribute 'nothing'",
    "import bootinfo; bootinfo.init(bootinfo.PVH, bootinfo.addr)": OVER,
    "import frames; frames.init(__import__('array').array('Q', [0, 4096]))": "RuntimeError",
    "import _files; _files.off_null(((0, 4096, ''),))": OVER,
    "import _files; _files.mount((), {})": OVER,
    "import _files; _files.mount(((0x100000, 0x101000, ''),), {'disk': '0'})": OVER,
    "import _handoff; _handoff.keep(0, 0, 1 << 40)": OVER,
    "import _handoff; _handoff.keep(3, 0, 1 << 40)": OVER,
    "import _handoff; _handoff.kept(4)": "ValueError",
    "import _handoff; _handoff.in_use(5)": "TypeError",
    "import _handoff; _handoff.in_use([])": "TypeError",
    "import _handoff; _handoff.log(5)": "TypeError",
    "import _handoff; _handoff.log(('a',), ['b'])": "TypeError",
    "import _handoff; _handoff.log((-1,))": "ValueError",
    "import _handoff; _handoff.set_rom(0x100000, 4096)": OVER,
    "import _handoff; _handoff.set_program('/main.py')": OVER,
    "import _handoff; _handoff.set_heap(1 << 20)": OVER,
    "import _handoff; _handoff.set_console(False, False)": OVER,
    "import _handoff; _handoff.set_eof_poweroff(True)": OVER,
    "import array, _space; _space._init(*[array.array('Q')] * 3)": "RuntimeError",
    "import ramdisk; ramdisk.RAMDisk(4096, addr=0x100000)._keep()": "RuntimeError: only one disk",
    "import sys; del sys.modules['memmap']; import memmap as again; again.init([])": OVER,
}

STATE = """
import bootinfo, frames, memmap, pages, vfs
def state():
    return (memmap.raw(), [tuple(r) for r in memmap.regions()], memmap.total(), memmap.rsdp,
        bootinfo.protocol, bootinfo.addr, bootinfo.cmdline, bootinfo.in_use, bootinfo.modules,
        frames.stats().total, frames.stats().free, repr(vfs.mount()), pages.stats().tables)
"""


def test_doors(vm):
    """Each is an exception with a reason; map, record, frames and file systems are as before, and
    a soft reset finds all that it needs."""
    vm.exec(STATE)
    vm.exec("before = state()")
    for code, error in DOORS.items():
        with pytest.raises(GuestError) as caught:
            vm.exec(code)
        assert error in str(caught.value), code
        assert vm.eval("before == state()"), code
    vm.exec("memmap.show(); frames.check()")
    vm.soft_reset()
    vm.exec(STATE + "print(state())")
    assert vm.eval("6 * 7") == 42


def test_second_disk_is_not_kept(vm):
    """Only the disk at / outlives a soft reset; closing it gives back nothing of it."""
    vm.exec("with open('file', 'w') as f: f.write('text')")
    with pytest.raises(GuestError, match="RuntimeError: only one disk"):
        vm.exec("import ramdisk; ramdisk.RAMDisk(4096)._keep()")
    vm.soft_reset()
    assert vm.eval("open('file').read()") == "text"
    vm.exec("import frames; frames.check()")


def test_map_is_not_reached_by_its_copies(vm):
    """What the modules hand out can be changed without a change to the map."""
    vm.exec(STATE)
    vm.exec("before = state()")
    vm.exec("memmap.free_ranges()[0] = 7; r = memmap.regions()[0]; r.start = 7; r.kind = 9")
    assert vm.eval("before == state()")


@pytest.mark.board("q35", "pc", "microvm")
@pytest.mark.memory("32M", "255M", "5G")
def test_summary(vm):
    """The line that the start prints of the map is what summary() makes of it."""
    vm.exec("import bootinfo, memmap")
    source = vm.eval("'%s map at 0x%x' % (bootinfo.protocol, bootinfo.map_addr)")
    assert vm.transcript().splitlines()[0] == vm.eval(f"memmap.summary({source!r})")
    assert f"bytes ({vm.eval('memmap.human(memmap.total())')}) of RAM" in vm.transcript()


ERRNOS = {"ENOSPC": 28, "ENAMETOOLONG": 36, "ENOTEMPTY": 39, "EROFS": 30, "ENODATA": 61}


@pytest.mark.parametrize("name", ERRNOS)
def test_errno_names(vm, name):
    """The file systems' errors have names."""
    assert vm.eval(f"__import__('errno').{name}") == ERRNOS[name]
    assert vm.eval(f"str(OSError({ERRNOS[name]}))") == f"[Errno {ERRNOS[name]}] {name}"


def test_errors_of_file_systems(boot):
    """A full disk, a long name and a folder that is not empty are told by name."""
    vm = boot(board="microvm", append="disk=64k").boot()
    for code, error in {
        "with open('f', 'wb') as f: f.write(bytes(1 << 20))": "[Errno 28] ENOSPC",
        "open('n' * 300, 'w')": "[Errno 36] ENAMETOOLONG",
        "import os; os.mkdir('d'); os.mkdir('d/e'); os.rmdir('d')": "[Errno 39] ENOTEMPTY",
    }.items():
        with pytest.raises(GuestError) as caught:
            vm.exec(code)
        assert f"OSError: {error}" in str(caught.value)
