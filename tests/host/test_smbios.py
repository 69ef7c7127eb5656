"""smbios finds the structures, and says of each field what dmidecode says."""

import contextlib
import io
import random
import shutil
import subprocess
import sys
import types

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.host.frozen import frozen

acpi = frozen("acpi")
smbios = frozen("smbios")

# No user has its folder on the path.
DMIDECODE = shutil.which("dmidecode") or "/usr/sbin/dmidecode"

TYPES = [kind for kind in range(44) if kind != 37] + [45, 46, 126, 128, 255]
END = b"\x7f\x04\xff\xff\0\0"

# Bytes of structures with the bits or values that dmidecode 3.4 knows, or tells right: of a type,
# the offset and what is done to the byte there. Its 37 reads what is behind the structure.
KNOWN = {
    4: [
        (0x19, lambda v: v & 0x3F),  # newer sockets
        (0x27, lambda v: v & 0xFC),  # None, whatever bits 8 and 9 say
        (0x06, lambda v: 0x17 if v == 0x16 else v),
        (0x29, lambda v: v & 1 if v != 2 else 0),
        (0x28, lambda v: v & 0xFD),
        (0x10, lambda v: 0),
    ],
    5: [(0x08, lambda v: v & 0x0F)],  # sizes that fit into 32 bits
    6: [(0x09, lambda v: v & 0x9F), (0x0A, lambda v: v & 0x9F)],
    8: [(0x08, lambda v: 0 if v in (0x22, 0x23) else v)],
    9: [(0x0C, lambda v: v & 7)],  # None, whatever bits 3 to 7 say
    17: [(0x12, lambda v: 0 if v == 0x24 else v), (0x29, lambda v: v & 0x3F), (0x2A, lambda v: 0)],
}


def structure(kind, body, strings=(), handle=0x100):
    """A structure of these bytes behind its header."""
    data = bytearray(kind.to_bytes(1, "little") + bytes([len(body) + 4]))
    data += handle.to_bytes(2, "little") + body
    for at, known in KNOWN.get(kind, ()):
        if at < len(data):
            data[at] = known(data[at])
    return bytes(data) + b"".join(one + b"\0" for one in strings) + bytes(1 if strings else 2)


def new_entry(data, version=(3, 5, 0), addr=32, size=None):
    entry = bytearray(b"_SM3_\0\x18" + bytes(version) + b"\1\0")
    entry += (len(data) if size is None else size).to_bytes(4, "little")
    entry += addr.to_bytes(8, "little")
    entry[5] = -sum(entry) & 255
    return bytes(entry).ljust(32, b"\0")


def old_entry(data, count, version=(2, 8), addr=32):
    entry = bytearray(b"_SM_\0\x1f" + bytes(version) + bytes(8) + b"_DMI_\0")
    entry += len(data).to_bytes(2, "little") + addr.to_bytes(4, "little")
    entry += count.to_bytes(2, "little") + b"\x28"
    entry[21] = -sum(entry[16:]) & 255
    entry[4] = -sum(entry) & 255
    return bytes(entry).ljust(32, b"\0")


def shown(table):
    """What is printed of a table, a list of lines for each structure."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        table.show()
    return parts(text.getvalue())


def parts(text):
    return [part.split("\n") for part in text.strip("\n").split("\n\n")][1:]


def dmidecode(entry, data, folder):
    """What dmidecode says of it, in the same form, and its complaints."""
    (folder / "dump").write_bytes(entry + data)
    done = subprocess.run(
        [DMIDECODE, "--from-dump", folder / "dump"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0
    return parts(done.stdout.decode("latin-1")), done.stderr.decode()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("smbios")


def check(entry, data, folder):
    """The two say the same, and find nothing wrong."""
    table = smbios.Table(entry, data)
    want, complaint = dmidecode(entry, data, folder)
    # It says what it makes good, and which records of a host interface do not fit.
    made_good = ("Invalid entry length (16)", "SMBIOS version fixup", "Total read length")
    assert [line for line in complaint.splitlines() if not line.startswith(made_good)] == []
    assert table.problem is None
    got = shown(table)
    for one, other in zip(got, want, strict=True):
        assert one == other
    return table


@pytest.mark.parametrize("kind", TYPES)
def test_every_value(kind, folder):
    """Of each type, with every value of each byte in some of its structures."""
    made = []
    for value in range(256):
        body = bytes((value + 37 * at) % 256 for at in range(0x60))
        made.append(structure(kind, body, [b"one", b"t\xfcwo", b"three"]))
    data = b"".join(made) + END
    table = check(new_entry(data), data, folder)
    assert len(table.structures) == 257


bodies = st.binary(max_size=251) | st.lists(st.integers(0, 4), max_size=251).map(bytes)
names = st.lists(st.binary(min_size=1, max_size=20).filter(lambda b: 0 not in b), max_size=5)
structures = st.builds(structure, st.sampled_from(TYPES), bodies, names, st.integers(0, 0xFFFF))
versions = st.sampled_from([(2, 0), (2, 1), (2, 3), (2, 31), (2, 51), (2, 8)])


@settings(max_examples=300, deadline=None)
@given(st.lists(structures, max_size=12), st.booleans(), versions)
def test_any_length(folder, made, new, version):
    """Whatever a structure's length, its bytes and strings are, and whichever the version is."""
    made.append(END)
    data = b"".join(made)
    entry = new_entry(data) if new else old_entry(data, len(made), version)
    table = check(entry, data, folder)
    assert [one.type for one in table.structures] == [one[0] for one in made]


NETWORK = b"\x02" + bytes.fromhex("3412 7856 00")


def redfish(assigned, kind, name=b"bmc", size=None):
    """A Management Controller Host Interface, of a network, with a record of Redfish."""
    record = bytes(range(1, 17))
    for _ in range(2):
        record += bytes([assigned, kind]) + bytes.fromhex("20010db8000000000000ff0000428329")
        record += bytes.fromhex("ffffff00") + bytes(12)
    record += (443).to_bytes(2, "little") + (7).to_bytes(4, "little") + bytes([len(name)]) + name
    record = record[:size]
    body = b"\x40" + bytes([len(NETWORK)]) + NETWORK
    return structure(42, body + b"\2" + bytes([4, len(record)]) + record + b"\x02\x01\x09")


def test_host_interfaces(folder):
    """Records of Redfish, with addresses of both kinds, and what is too short for one."""
    made = [redfish(how, kind) for how in range(6) for kind in range(4)]
    made += [redfish(1, 1, b"", size=size) for size in (90, 91)]
    made.append(redfish(1, 1, size=93))
    made.append(structure(42, b"\x40\x0a\x03" + bytes(range(9)) + b"\0"))
    made.append(structure(42, b"\xf0\x01\x01\x00\x00\x00\x00"))
    data = b"".join(made) + END
    table = check(new_entry(data), data, folder)
    assert "IPv6 Address: 2001:db8::ff00:42:8329" in table.structures[6]["Protocol ID"]
    check(old_entry(data, len(made) + 1), data, folder)


def test_words():
    """What dmidecode 3.4 does not know, or says wrong, is as DSP0134 3.7 has it."""
    processor = bytearray(0x30)
    processor[0x19 - 4] = 0x49
    processor[0x06 - 4] = 0xFE
    processor[0x28 - 4 : 0x2A - 4] = (0x102).to_bytes(2, "little")
    processor[0x26 - 4 : 0x28 - 4] = (0x0200).to_bytes(2, "little")
    made = [
        b"\x04\x34\1\0" + bytes(processor) + b"\0\0",
        # 7.38: load and handle of each, from offset 7 on.
        structure(37, bytes.fromhex("03 10 02 05 1100 06 1200")),
        # 7.45: a block of its length, its kind, and what that kind has.
        structure(44, bytes.fromhex("0004 02 08 abcd")),
        bytes.fromhex("09 0d 0300 00 a5 08 03 03 0100 00 80 0000"),
    ]
    data = b"".join(made) + END
    found = smbios.Table(new_entry(data), data).structures
    assert found[0]["Upgrade"] == "Socket AM5"
    assert found[0]["Family"] == "ARMv9"
    assert found[0]["Characteristics"] == ["Arm64 SoC ID"]
    assert found[1].fields() == [
        (None, "Memory Channel"),
        ("Type", "RamBus"),
        ("Maximal Load", "16"),
        ("Devices", "2"),
        ("Device 1 Load", "5"),
        ("Device 1 Handle", "0x0011"),
        ("Device 2 Load", "6"),
        ("Device 2 Handle", "0x0012"),
    ]
    assert found[2].fields() == [
        (None, "Processor Additional Information"),
        ("Referenced Handle", "0x0400"),
        ("Processor Type", "128-bit RISC-V (RV128)"),
        ("Processor-Specific Data", "AB CD"),
    ]
    assert found[3]["Characteristics"] == ["Flexbus slot, CXL 3.0 capable"]
    with pytest.raises(KeyError):
        found[3]["Speed"]


def test_damaged(folder):
    """Whatever is in it, reading ends: what lies before the damage is there, and where it is."""
    chosen = random.Random(1)
    problems = set()
    for _ in range(400):
        made = []
        for _ in range(chosen.randrange(1, 12)):
            body = chosen.randbytes(chosen.randrange(0, 90))
            names = [b"string %d" % i for i in range(chosen.randrange(4))]
            made.append(structure(chosen.choice(TYPES), body, names))
        data = bytearray(b"".join(made) + END)
        for _ in range(chosen.randrange(1, 4)):
            data[chosen.randrange(len(data))] = chosen.choice((0, 1, 3, 4, 127, 255))
        if chosen.randrange(2):
            del data[chosen.randrange(len(data)) :]
        data = bytes(data)
        entry = old_entry(data, len(made) + 1) if chosen.randrange(2) else new_entry(data)
        table = smbios.Table(entry, data)
        assert sum(len(one.data) + 2 for one in table.structures) <= len(data) + 2
        got = shown(table)
        want, complaint = dmidecode(entry, data, folder)
        count = len(table.structures)
        heads = [one[0] for one in got[:count]]
        assert heads == [one[0] for one in want[:count]]
        assert not complaint or table.problem or "Fixed up" in complaint or "length" in complaint
        problems.add((table.problem or "none").rstrip("0123456789"))
    assert {"none", "no structure at offset "} <= problems


def test_bad_entries():
    """An entry point that is none, or whose checksum is wrong, is a ValueError."""
    good = new_entry(END)
    smbios.Table(good, END)
    older = old_entry(END, 1)
    smbios.Table(older, END)
    for entry in b"", bytes(32), good[:20], good[:6] + b"\xff" + good[7:], b"_SM3_":
        with pytest.raises(ValueError, match="SMBIOS: "):
            smbios.Table(entry, END)
    for entry, size in (good, 24), (older, 31):
        for at in range(size):
            bad = bytearray(entry)
            bad[at] ^= 0x10
            with pytest.raises(ValueError, match="SMBIOS: "):
                smbios.Table(bytes(bad), END)


class Memory:
    """Physical memory with tables in it, as acpi.hardware()."""

    rsdp = None

    def __init__(self):
        self.parts = {}

    def copy(self, addr, size):
        for start, data in self.parts.items():
            if start <= addr and addr + size <= start + len(data):
                return bytes(data[addr - start : addr - start + size])
        raise ValueError(f"0x{addr:x} to 0x{addr + size:x} cannot be read")


@pytest.fixture
def memory(monkeypatch):
    made = Memory()
    monkeypatch.setitem(sys.modules, "bootinfo", types.SimpleNamespace(efi=None))
    monkeypatch.setattr(acpi, "_hardware", made)
    made.parts[0xF0000] = bytearray(0x10000)
    return made


def at(memory, addr, data):
    memory.parts[0xF0000][addr - 0xF0000 : addr - 0xF0000 + len(data)] = data


def test_found_in_the_bios(memory):
    """At multiples of 16, the newer kind first; one that is not in order is passed over."""
    with pytest.raises(ValueError, match="no entry point"):
        smbios.table()
    memory.parts[0x8000] = structure(1, bytes(4)) + END
    memory.parts[0x9000] = structure(2, bytes(4)) + END
    at(memory, 0xF0108, new_entry(bytes(16), addr=0x8000))
    at(memory, 0xF0200, new_entry(bytes(16), addr=0x8000)[:8] + bytes(24))
    at(memory, 0xFFFE0, old_entry(bytes(16), 2, addr=0x9000))
    assert smbios.table().structures[0].type == 2
    at(memory, 0xFFFC0, new_entry(bytes(16), addr=0x8000))
    found = smbios.table()
    assert (found.addr, found.size, found.count, found.version) == (0x8000, 16, None, (3, 5, 0))
    assert [one.type for one in found.structures] == [1, 127]
    assert [one.handle for one in smbios.structures(127)] == [0xFFFF]
    # A table that is not there: the next entry point counts, or its error.
    del memory.parts[0x8000]
    assert smbios.table().structures[0].type == 2
    del memory.parts[0x9000]
    with pytest.raises(ValueError, match="0x9000 to 0x9010 cannot be read"):
        smbios.table()
    del memory.parts[0xF0000]
    with pytest.raises(ValueError, match="no entry point"):
        smbios.table()


def test_found_by_efi(memory, monkeypatch):
    """By EFI's configuration table, whatever is in the BIOS's memory."""
    import bootinfo

    bootinfo.efi = 0x7000
    system = bytearray(b"IBI SYST" + bytes(112))
    system[104:120] = (3).to_bytes(8, "little") + (0x7800).to_bytes(8, "little")
    memory.parts[0x7000] = system
    guids = [bytes(16), *reversed(smbios._GUIDS)]
    table = b"".join(
        guid + (0x4000 + 32 * i).to_bytes(8, "little") for i, guid in enumerate(guids)
    )
    memory.parts[0x7800] = table
    memory.parts[0x4000] = bytes(32) + old_entry(bytes(16), 2, addr=0x9000)
    memory.parts[0x4000] += new_entry(bytes(16), addr=0x8000)
    memory.parts[0x8000] = structure(1, bytes(4)) + END
    memory.parts[0x9000] = structure(2, bytes(4)) + END
    at(memory, 0xFFFE0, old_entry(bytes(16), 2, addr=0x9000))
    assert smbios.table().structures[0].type == 1
    del memory.parts[0x8000]
    assert smbios.table().structures[0].type == 2
    system[104:112] = (1 << 40).to_bytes(8, "little")
    with pytest.raises(ValueError, match="EFI's system table is malformed"):
        smbios.table()


def test_in_micropython(unix_port, folder):
    """The same in MicroPython: the same text of every type."""
    made = [structure(kind, bytes(range(0x60)), [b"one", b"two"]) for kind in TYPES]
    made.append(redfish(1, 2))
    data = b"".join(made) + END
    (folder / "table").write_bytes(data)
    unix_port.exec(
        f"from _smbios_fields import Fields\ndata = open('{folder}/table', 'rb').read()"
    )
    for one in smbios.Table(new_entry(data), data).structures:
        unix_port.exec(f"found = Fields({one.data!r}, {one.strings!r}, (3, 5, 0)).found")
        assert unix_port.eval("found") == [list(field) for field in one._fields()]
