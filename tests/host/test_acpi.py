"""acpi finds the tables, believes none that is malformed, and reads fields as iasl does."""

import contextlib
import io
import random

import pytest

from tests.host.frozen import frozen
from tests.host.iasl import compile, disassemble, lines, machines, run, template

acpi = frozen("acpi")
tables = frozen("_acpi_tables")

__all__ = ["machines"]

HERE = """RSDT XSDT FACP FACS APIC MCFG HPET SRAT SLIT SPCR DBGP DMAR IVRS BGRT WAET TPM2 BERT EINJ
ERST HEST MSCT MPST PCCT PMTT PPTT HMAT NFIT FPDT GTDT UEFI ECDT BOOT WSMT""".split()

# Where iasl 20200925 says what is not so. Of these lines only the text after the offset counts, or
# nothing.
WRONG_OFFSETS = {"NFIT": ("Line Offset", "SMBIOS Table Entries"), "SPCR": ("Reserved",)}
WRONG_BITS = {"HEST": ("Global",)}  # it shows bit 0, which is that of Firmware First


def shown(kind, data):
    """What acpi.show() prints of a table, without the bytes of an unknown one."""
    with contextlib.redirect_stdout(io.StringIO()) as text:
        tables.show(kind, data)
    return lines(text.getvalue().partition("\n\n0000: ")[0])


def comparable(kind, text):
    """Lines less what iasl gets wrong."""
    found = []
    for line in text:
        name = line[15:].partition(" : ")[0].strip()
        if name in WRONG_BITS.get(kind, ()):
            continue
        if name in WRONG_OFFSETS.get(kind, ()):
            line = line[15:]
        found.append(line)
    if kind == "NFIT":
        # It breaks the line of these bytes before the first of them.
        found = " ".join(" ".join(found).replace("\\", " ").split()).split(" ")
    return found


def sealed(data):
    """A table with the right length and checksum."""
    data = bytearray(data)
    data[4:8] = len(data).to_bytes(4, "little")
    data[9] = 0
    data[9] = -sum(data) & 255
    return bytes(data)


@pytest.mark.parametrize("kind", HERE)
def test_sample(kind, tmp_path):
    """Of the sample that iasl makes of each kind of table, each field is as iasl -d says."""
    data = template(kind, tmp_path)
    if kind == "GTDT":
        # The sample's own offset of its timers leads into the middle of a field.
        data = sealed(data[:92] + (104).to_bytes(4, "little") + data[96:])
    want = disassemble(data, tmp_path)
    assert comparable(kind, shown(kind, data)) == comparable(kind, want)
    assert len(want) > (6 if kind == "FACS" else 9)


def test_sample_of_the_root_pointer(tmp_path):
    """The root pointer's fields have the values that are in its bytes."""
    run("iasl", "-T", "RSDP", cwd=tmp_path)
    data = compile((tmp_path / "rsdp.asl").read_text(), tmp_path, "RSDP")
    fields, problem = tables.decode("RSDP", data)
    assert problem is None
    assert sum(size for _, size, _, _, _ in fields) == len(data) == 36
    values = {name: value for _, _, name, value, _ in fields}
    assert values["Signature"] == "RSD PTR "
    assert values["RSDT Address"] == int.from_bytes(data[16:20], "little")


def body(*parts):
    return b"".join(value.to_bytes(size, "little") for value, size in parts)


NEW = {
    "CEDT": body((0, 1), (0, 1), (32, 2), (7, 4), (1, 4), (0, 4), (0xFE000000, 8), (65536, 8))
    + body((1, 1), (0, 1), (40, 2), (0, 4), (1 << 32, 8), (1 << 28, 8), (0, 1), (0, 1), (0, 2))
    + body((5, 4), (15, 2), (2, 2), (7, 4)),
    "VIOT": body((2, 2), (48, 2), (0, 8))
    + body((3, 1), (0, 1), (16, 2), (0, 2), (8, 2), (0, 8))
    + body((1, 1), (0, 1), (24, 2), (0, 4), (0, 2), (0, 2), (0, 2), (255, 2), (48, 2), (0, 6)),
}


def test_newer_tables():
    """Tables that iasl 20200925 does not know: each field at its offset, nothing left over."""
    header = bytes(range(36))
    for kind, content in NEW.items():
        data = sealed(kind.encode() + header[4:] + content)
        fields, problem = tables.decode(kind, data)
        assert problem is None
        at = 0
        for offset, size, name, value, _ in fields:
            assert offset == at
            if name:
                at += size
                if isinstance(value, int):
                    assert value == int.from_bytes(data[offset : offset + size], "little")
        assert at == len(data)
    names = [
        [f[4] for f in tables.decode(kind, sealed(kind.encode() + header[4:] + c))[0] if f[4]]
        for kind, c in NEW.items()
    ]
    assert names[0][1:] == ["CXL Host Bridge Structure", "CXL Fixed Memory Window Structure"]
    assert names[1][1:] == ["VirtIO-PCI IOMMU", "PCI Range"]


def test_real_machines(machines, tmp_path):
    """Of real machines' tables each field is as iasl -d says, one of each kind and length."""
    seen = set()
    for name, found in list(machines.items())[::4]:
        for data in found.values():
            kind = data[:4].decode("latin-1")
            if kind not in HERE or (kind, len(data), data[8]) in seen:
                continue
            seen.add((kind, len(data), data[8]))
            if kind == "FACP" and data[8] < 3:
                continue  # iasl has older names for fields that were reserved then
            want = disassemble(data, tmp_path)
            assert comparable(kind, shown(kind, data)) == comparable(kind, want), (name, kind)


def test_unknown():
    """A table of an unknown kind is its header and its bytes."""
    data = sealed(b"WHAT" + bytes(32) + b"0123456789abcdefghi")
    with contextlib.redirect_stdout(io.StringIO()) as text:
        tables.show("WHAT", data)
    text = text.getvalue()
    assert '[000h 0000   4]                    Signature : "WHAT"' in text
    assert "0020: 00 00 00 00 30 31 32 33 34 35 36 37 38 39 61 62  ....0123456789ab\n" in text
    assert "0030: 63 64 65 66 67 68 69 " in text
    assert len(lines(text.partition("\n\n0000: ")[0])) == 9


def test_checksum_is_shown():
    """A wrong checksum is shown with the right one."""
    data = bytearray(sealed(b"BOOT" + bytes(36)))
    right = data[9]
    data[9] ^= 0x55
    assert f"Incorrect checksum, should be {right:02X}" in "\n".join(shown("BOOT", bytes(data)))


class Memory:
    """Physical memory with tables in it, as acpi.hardware()."""

    def __init__(self, rsdp=None):
        self.parts = {}
        self.rsdp = rsdp

    def put(self, addr, data):
        self.parts[addr] = bytes(data)
        return addr

    def copy(self, addr, size):
        for start, data in self.parts.items():
            if start <= addr and addr + size <= start + len(data):
                return data[addr - start : addr - start + size]
        raise ValueError(f"0x{addr:x} to 0x{addr + size:x} cannot be read")


def pointer(rsdt, xsdt=None):
    """A root pointer: the old one, or with an XSDT the new one."""
    data = bytearray(b"RSD PTR \0OEMID_" + bytes([2 if xsdt is not None else 0]))
    data += rsdt.to_bytes(4, "little")
    data[8] = -sum(data) & 255
    if xsdt is not None:
        data += (36).to_bytes(4, "little") + xsdt.to_bytes(8, "little") + bytes(4)
        data[32] = -sum(data) & 255
    return bytes(data)


def plain(kind, content=b""):
    return sealed(kind.encode() + bytes(32) + content)


def listing(kind, width, addrs):
    return plain(kind, b"".join(addr.to_bytes(width, "little") for addr in addrs))


@pytest.fixture
def memory():
    made = Memory(rsdp=0xE0010)
    fadt = bytearray(240)
    fadt[0:8] = (0x8000).to_bytes(4, "little") + (0x9000).to_bytes(4, "little")
    made.put(0x8000, b"FACS" + (64).to_bytes(4, "little") + bytes(56))
    made.put(0x9000, plain("DSDT", b"\xa3\xa3"))
    made.put(0x6000, plain("FACP", fadt))
    made.put(0x1_0000_7000, plain("APIC", bytes(8)))
    made.put(0x7000, plain("APIC", bytes(8) + b"\x04\x06\xff\0\0\1"))
    made.put(0x4000, listing("RSDT", 4, [0x6000, 0x7000, 0]))
    made.put(0x5000, listing("XSDT", 8, [0x6000, 0x1_0000_7000, 0xF000]))
    made.put(0xE0010, pointer(0x4000, 0x5000))
    acpi.hardware(made)
    return made


def kinds():
    return [one.signature for one in acpi.tables()]


def test_found(memory):
    """By the new pointer through the XSDT, by the old one through the RSDT; FACS and DSDT too."""
    assert kinds() == ["RSDP", "XSDT", "FACP", "FACS", "DSDT", "APIC", "????"]
    assert acpi.table("APIC").addr == 0x1_0000_7000
    memory.put(0xE0010, pointer(0x4000))
    assert kinds() == ["RSDP", "RSDT", "FACP", "FACS", "DSDT", "APIC"]
    assert acpi.table("APIC")["Local Apic Address"] == 0
    assert acpi.table("APIC").structures()[1]["Interrupt Input LINT"] == 1


def test_found_in_the_bios(memory):
    """Where the loader has not said where it is, the BIOS is searched, at multiples of 16."""
    bios = bytearray(0x20000)
    bios[0x108:0x12C] = pointer(0x4000, 0x5000)  # at no multiple of 16
    bios[0x200:0x224] = b"RSD PTR " + bytes(28)  # with no checksum
    memory.rsdp = None
    memory.parts.pop(0xE0010)
    memory.put(0xE0000, bios)
    with pytest.raises(ValueError, match="RSDP: there is none"):
        acpi.tables()
    bios[0x300:0x324] = pointer(0x4000, 0x5000)
    memory.put(0xE0000, bios)
    assert acpi.rsdp().addr == 0xE0300
    assert "APIC" in kinds()


def test_bad_xsdt(memory):
    """An XSDT that is not in order makes the RSDT count; where that is not either, it says so."""
    memory.put(0x5000, plain("XSDT")[:-1] + b"\1")
    assert kinds()[1] == "RSDT"
    memory.put(0x4000, plain("TRSD"))
    with pytest.raises(ValueError, match="TRSD: where RSDT should be"):
        acpi.tables()


def test_malformed(memory):
    """What is malformed is listed with its problem, and a ValueError that names it."""
    memory.put(0x1_0000_7000, plain("APIC", bytes(8))[:-1] + b"\1")
    assert acpi.tables()[5].problem == "APIC: its checksum is wrong"
    with pytest.raises(ValueError, match="APIC: its checksum is wrong"):
        acpi.table("APIC")
    memory.put(0x1_0000_7000, b"APIC\x23\0\0\0" + bytes(28))
    with pytest.raises(ValueError, match="APIC: a length of 35 bytes"):
        acpi.table("APIC")
    memory.put(0x1_0000_7000, b"APIC\x25\0\0\0" + bytes(28))
    with pytest.raises(ValueError, match="APIC: 0x100007000 to 0x100007025 cannot be read"):
        acpi.table("APIC")
    memory.put(0x1_0000_7000, plain("APIC", bytes(8) + b"\1\0\0"))
    with pytest.raises(ValueError, match="APIC: a structure of 0 bytes at offset 44"):
        acpi.table("APIC").fields()
    with pytest.raises(ValueError, match="HPET: 0 of them"):
        acpi.table("HPET")
    with pytest.raises(ValueError, match="APIC: 1 of them"):
        acpi.table("APIC", 1)
    memory.put(0xE0010, pointer(0x4000, 0x5000)[:-1] + b"\1")
    with pytest.raises(ValueError, match="RSDP: its checksum is wrong"):
        acpi.tables()


def test_changed_at_random(machines, tmp_path):
    """Whatever is in a table, reading it ends, with fields or with a ValueError that names it."""
    chosen = random.Random(1)
    samples = [template(kind, tmp_path) for kind in HERE]
    for found in list(machines.values())[::20]:
        samples += [data for data in found.values() if data[:4].decode("latin-1") in HERE]
    for _ in range(3000):
        data = bytearray(chosen.choice(samples))
        for _ in range(chosen.randrange(1, 6)):
            at = chosen.randrange(4, len(data))
            data[at] = chosen.choice((0, 1, 2, 0x7F, 0x80, 0xFF, chosen.randrange(256)))
        if chosen.randrange(4) == 0:
            del data[chosen.randrange(8, len(data)) :]
        kind = data[:4].decode("latin-1")
        fields, problem = tables.decode(kind, bytes(data))
        assert problem is None or problem.startswith(f"{kind}: ")
        assert len(fields) < 40 * len(data)


def test_in_micropython(unix_port, memory, tmp_path):
    """The same in MicroPython: as many fields, the same text."""
    data = template("APIC", tmp_path)
    (tmp_path / "APIC.dat").write_bytes(data)
    unix_port.exec(f"import _acpi_tables\ndata = open('{tmp_path}/APIC.dat', 'rb').read()")
    unix_port.exec("fields, problem = _acpi_tables.decode('APIC', data)")
    got = unix_port.eval("[[f[0], f[1], f[2], _acpi_tables.form(f)] for f in fields if f[2]]")
    fields, _ = tables.decode("APIC", data)
    assert got == [[f[0], f[1], f[2], tables.form(f)] for f in fields if f[2]]
    assert unix_port.eval("problem") is None
