"""Which CPUs are started: what the MADT says, whatever it says, is made in the guest's memory."""

import re
import subprocess

import pytest

# A MADT of the given entries, in frames, takes the firmware's place in its RSDT or XSDT.
REPLACE = """
import cpus, frames, machine, memmap, struct, uctypes
def fix(table, at):
    table[at] = 0
    table[at] = -sum(table) & 255
def replace(entries):
    root = memmap.rsdp
    wide = machine.mem8[root + 15] >= 2
    size = 8 if wide else 4
    addr = int.from_bytes(uctypes.bytes_at(root + (24 if wide else 16), size), "little")
    length = int.from_bytes(uctypes.bytes_at(addr + 4, 4), "little")
    tables = uctypes.bytearray_at(addr, length)
    for at in range(36, len(tables), size):
        old = int.from_bytes(tables[at:at + size], "little")
        if uctypes.bytes_at(old, 4) == b"APIC":
            break
    new = bytearray(uctypes.bytes_at(old, 44)) + entries
    new[4:8] = struct.pack("<I", len(new))
    fix(new, 9)
    place = frames.alloc(16)
    uctypes.bytearray_at(place, len(new))[:] = new
    tables[at:at + size] = place.to_bytes(size, "little")
    fix(tables, 9)
def local(id, flags=1):
    return struct.pack("<BBBBI", 0, 8, id, id, flags)
def x2(id, flags=1):
    return struct.pack("<BBHIII", 9, 16, 0, id, flags, id)
"""


@pytest.fixture
def started(boot, board):
    """A function of the MADT's entries, as Python: what is printed, and the APIC ids of CPUs."""

    def start(entries, append="", cpu="max"):
        vm = boot(board=board, smp=3, append=append, extra=["-cpu", cpu]).boot()
        vm.exec(REPLACE)
        out = vm.exec(
            f"replace({entries})\nprint([cpu.apic_id for cpu in cpus.all()])", timeout=60
        )
        assert vm.eval("frames.check()")
        *said, ids = out.removeprefix("\n").strip().split("\n")
        # Those that are there work.
        assert vm.eval("sum(cpus.each(machine.rdmsr, 0x1b)) > 0")
        assert vm.eval("cpus.map(abs, [-1, -2, -3])") == [1, 2, 3]
        return said, ids

    return start


SILENT = "cpus: the one with APIC id {} does not start"


@pytest.mark.board("q35", "pc", "microvm")
@pytest.mark.parametrize(
    "entries, said, ids",
    [
        # One that is not there is left out after a second, wherever it stands.
        ("local(0) + local(1) + local(7) + local(2)", [SILENT.format(7)], [0, 1, 2]),
        ("local(9) + local(0) + local(2)", [SILENT.format(9)], [0, 2]),
        ("local(0) + x2(5) + x2(1)", [SILENT.format(5)], [0, 1]),
        # Disabled ones, and those that can be enabled later, are not there.
        ("local(0) + local(1, 0) + local(2, 2)", [], [0]),
        ("x2(0) + x2(1, 0) + x2(2, 1)", [], [0, 2]),
        # A CPU is one CPU, however often it is named.
        ("local(0) + local(1) + x2(1) + x2(0) + local(1)", [], [0, 1]),
        # The one that has booted is always there; id 255 is all of them, and none.
        ("b''", [], [0]),
        ("local(2) + local(255)", [], [0, 2]),
        # Entries of no size, cut off, or of other kinds.
        ("local(1) + b'\\0\\0' + local(2)", [], [0, 1]),
        ("local(1) + b'\\0\\1' + local(2)", [], [0, 1]),
        ("local(1) + local(2)[:7]", [], [0, 1]),
        ("local(1) + b'\\0\\x06\\2\\2\\1\\0' + b'\\x7f\\4\\0\\0' + local(2)", [], [0, 1, 2]),
    ],
)
def test_entries(started, entries, said, ids):
    """Each kind of entry, and what cannot be one."""
    assert started(entries) == (said, str(ids))


def test_too_many(started):
    """At most 255 are started; a message says how many are left out."""
    # 255 ids from 0 to 254, and ten that are wider.
    entries = "b''.join(local(i) for i in range(255)) + b''.join(x2(i) for i in range(300, 310))"
    said, ids = started(entries, append="cpus=3")
    assert said == ["cpus: 10 more than 255 are left out"] and ids == "[0, 1, 2]"


def test_wide_ids(started):
    """APIC ids that take x2APIC, which this CPU does not have: the others are started."""
    said, ids = started("local(0) + x2(256) + x2(0xffffffff) + local(1)", cpu="max,x2apic=off")
    assert said == ["cpus: 1 with APIC ids above 254 are left out: there is no x2APIC"]
    assert ids == "[0, 1]"


def test_wide_cpus(boot):
    """CPUs whose APIC ids take x2APIC are started, and all run in its mode, the first one too."""
    version = subprocess.run(["qemu-system-x86_64", "--version"], capture_output=True, text=True)
    if int(re.search(r"version (\d+)", version.stdout)[1]) < 9:
        pytest.skip("QEMU emulates x2APIC from version 9 on")
    extra = ["-smp", "1,sockets=2,cores=144,threads=1,maxcpus=288"]
    for core in (0, 5):
        extra += ["-device", f"max-x86_64-cpu,socket-id=1,core-id={core},thread-id=0"]
    vm = boot(extra=extra).boot()
    vm.exec("import cpus, machine")
    assert vm.eval("[cpu.apic_id for cpu in cpus.all()]") == [0, 256, 261]
    # SDM 10.12.1: IA32_APIC_BASE says so.
    modes = vm.eval("[base >> 10 & 3 for base in cpus.each(machine.rdmsr, 0x1b)]")
    assert modes == [3, 3, 3]
    assert vm.eval("cpus.map(abs, range(-99, 0))") == list(range(99, 0, -1))
