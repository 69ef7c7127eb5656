"""firmware_tests finds what is wrong in tables, on real machines and in damaged ones."""

import sys
from types import SimpleNamespace

import pytest

from tests.host.frozen import frozen
from tests.host.iasl import compile, machines, run
from tests.host.test_acpi import Memory, listing, plain, pointer, sealed
from tests.host.test_smbios import END, new_entry, structure

acpi = frozen("acpi")
firmware_tests = frozen("firmware_tests")

__all__ = ["machines"]

TABLES = "rsdp root checksum layout fadt facs madt hpet mcfg mpst".split()


def little(*parts):
    return b"".join(value.to_bytes(size, "little") for value, size in parts)


def fadt():
    data = bytearray(244)
    for at, value, size in (
        (36, 0x8000, 4),  # FACS
        (40, 0x9000, 4),  # DSDT
        (56, 0x600, 4),  # PM1a_EVT
        (64, 0x604, 4),  # PM1a_CNT
        (76, 0x608, 4),  # PM_TMR
        (88, 4, 1),
        (89, 2, 1),
        (91, 4, 1),
        (112, 1 << 10 | 1, 4),
        (116, 0x0801, 2),  # RESET_REG
        (120, 0xCF9, 8),
        (140, 0x9000, 8),
    ):
        data[at : at + size] = value.to_bytes(size, "little")
    data[8] = 3
    return b"FACP" + bytes(data[4:])


MADT = little((0xFEE00000, 4), (1, 4))
MADT += little((0, 1), (8, 1), (0, 1), (0, 1), (1, 4)) + little(
    (0, 1), (8, 1), (1, 1), (1, 1), (1, 4)
)
MADT += little((1, 1), (12, 1), (2, 2), (0xFEC00000, 4), (0, 4))
MADT += little((2, 1), (10, 1), (0, 1), (9, 1), (9, 4), (13, 2))
MADT += little((4, 1), (6, 1), (255, 1), (0, 2), (1, 1))
HPET = little((0x8086A201, 4), (0x4000, 4), (0xFED00000, 8), (0, 4))
MCFG = bytes(8) + little((0xB0000000, 8), (0, 2), (0, 1), (255, 1), (0, 4))
NODE = little((1, 1), (0, 1), (7, 2), (34, 4), (0, 8), (4096, 8), (1, 4), (0, 4), (0, 1), (0, 1))
MPST = little((0, 4), (1, 2), (0, 2)) + NODE + little((1, 2), (0, 2)) + bytes(28)


def machine(**changed):
    """A machine in order, but for tables that are given."""
    made = Memory(rsdp=0xE0010)
    tables = {
        "FACP": sealed(fadt()),
        "APIC": plain("APIC", MADT),
        "HPET": plain("HPET", HPET),
        "MCFG": plain("MCFG", MCFG),
        "MPST": plain("MPST", MPST),
        "FACS": b"FACS" + little((64, 4)) + bytes(56),
        "DSDT": plain("DSDT", b"\xa3"),
        **changed,
    }
    made.put(0x8000, tables.pop("FACS"))
    made.put(0x9000, tables.pop("DSDT"))
    root = tables.pop("RSDP", pointer(0x4000, 0x5000))
    addrs = tables.pop("addrs", None)
    found = [made.put(0x10000 + 0x1000 * i, data) for i, data in enumerate(tables.values())]
    addrs = addrs or found
    made.put(0x4000, listing("RSDT", 4, addrs))
    made.put(0x5000, listing("XSDT", 8, addrs))
    made.put(0xE0010, root)
    acpi.hardware(made)


def failed(*only):
    return {
        name: text for outcome, name, text in firmware_tests.results(*only) if outcome == "FAIL"
    }


def test_in_order():
    """A machine that is in order passes all, and none of them is skipped."""
    machine()
    outcomes = {(outcome, name) for outcome, name, _ in firmware_tests.results(*TABLES)}
    assert outcomes == {("PASS", name) for name in TABLES}


def changed(data, at, value):
    data = bytearray(data)
    data[at] = value
    return sealed(data)


DAMAGED = [
    (
        "rsdp",
        {"RSDP": pointer(0x4000, 0x5000)[:-1] + b"\1"},
        "sum of all bytes: expected 0, found 1",
    ),
    ("root", {"addrs": [0x10000, 0x10000]}, "addresses that come twice: expected none"),
    ("checksum", {"HPET": plain("HPET", HPET)[:-1] + b"\5"}, "HPET's bytes: expected 0, found 5"),
    ("layout", {"APIC": plain("APIC", MADT + b"\0\x20")}, "a structure of 32 bytes"),
    ("fadt", {"FACP": changed(sealed(fadt()), 91, 3)}, "PM_TMR's length: expected 4, found 3"),
    ("fadt", {"FACP": changed(sealed(fadt()), 141, 0x91)}, "X_DSDT and DSDT: expected"),
    ("fadt", {"FACP": changed(sealed(fadt()), 117, 16)}, "RESET_REG's width and offset"),
    ("fadt", {"FACP": changed(sealed(fadt()), 112, 0)}, "WBINVD"),
    (
        "fadt",
        {"FACP": changed(sealed(fadt()), 8, 6)},
        "length for revision 6: expected at least 276",
    ),
    ("facs", {"FACS": b"FACS" + little((64, 4)) + bytes(24) + b"\3" + bytes(31)}, "version"),
    ("madt", {"APIC": changed(plain("APIC", MADT), 55, 0)}, "APIC IDs that come twice"),
    ("madt", {"APIC": changed(plain("APIC", MADT), 54, 0)}, "UIDs that come twice: expected none"),
    ("madt", {"APIC": changed(plain("APIC", MADT), 74, 1)}, "overrides of other buses"),
    ("madt", {"APIC": changed(plain("APIC", MADT), 80, 2)}, "reserved polarities"),
    ("madt", {"APIC": changed(plain("APIC", MADT), 87, 2)}, "LINT0 and LINT1"),
    ("hpet", {"HPET": changed(plain("HPET", HPET), 40, 1)}, "address space: expected 0, found 1"),
    ("mcfg", {"MCFG": changed(plain("MCFG", MCFG), 54, 255)}, None),
    ("mcfg", {"MCFG": plain("MCFG", MCFG + MCFG[8:])}, "buses that come twice: expected 0"),
    ("mpst", {"MPST": changed(plain("MPST", MPST), 77, 3)}, "states without characteristics"),
]


@pytest.mark.parametrize("name, tables, text", DAMAGED)
def test_damaged(name, tables, text):
    """What is damaged fails in the check that it is about, with what was expected and found."""
    machine(**tables)
    found = failed(name)
    if text is None:
        # One bus alone.
        assert not found
    else:
        lines = [line for _, _, line in firmware_tests.results(name)]
        assert any(text in line for line in lines if name in found), lines


AML = """
DefinitionBlock ("", "DSDT", 2, "TEST", "TEST", 1) {
    Scope (\\_SB) {
        Processor (C000, 0, 0, 0) {
            Name (_MAT, Buffer () {0, 8, %d, %d, 1, 0, 0, 0})
            Name (_PSS, Package () {
                Package () {3000, 20, 1, 1, 1, 1}, Package () {%d, %d, 1, 1, %d, 2}})
            Name (_PSD, Package () {Package () {5, 0, 0, %d, %d}})
        }
        Processor (C001, 1, 0, 0) {
            Name (_PSS, Package () {
                Package () {%d, 20, 1, 1, 1, 1}, Package () {2000, 10, 1, 1, 2, 2}})
            Name (_PSD, Package () {Package () {5, 0, 0, 254, 2}})
        }
    }
}
"""
GOOD = (0, 0, 2000, 10, 2, 254, 2, 3000)


@pytest.mark.parametrize(
    "changed, check, text",
    [
        ((), None, None),
        ({0: 1}, "mat", "processor's UID: expected 0, found 1"),
        ({1: 5}, "mat", "APIC ID, and the MADT's: expected 0, found 5"),
        ({2: 4000}, "pss", "frequencies: expected descending numbers, found 0xbb8, 0xfa0"),
        ({2: 3000}, "pss", "frequencies that come twice: expected none, found 0xbb8"),
        ({3: 30}, "pss", "power: expected descending numbers, found 0x14, 0x1e"),
        ({4: 1}, "pss", "control values that come twice: expected none, found 1"),
        ({5: 1}, "psd", "coordination: expected 0xfc to 0xfe, found 1"),
        ({6: 1}, "psd", "processors: expected at most 1, found 2"),
        ({7: 3100}, "pss", "processors whose _PSS is another than the first's: expected none"),
    ],
)
def test_processors(tmp_path, changed, check, text):
    """What AML says of processors passes, and fails where one number of it is wrong."""
    values = [dict(changed).get(i, value) for i, value in enumerate(GOOD)]
    machine(DSDT=compile(AML % tuple(values), tmp_path))
    lines = list(firmware_tests.results("aml", "mat", "pss", "psd"))
    assert {name for outcome, name, _ in lines if outcome != "PASS"} == (
        {check} if check else set()
    )
    assert not check or any(text in line for outcome, _, line in lines if outcome == "FAIL")


def test_status(capsys):
    """run() prints a line for each and the sums, and returns how many failed."""
    machine(APIC=changed(plain("APIC", MADT), 55, 0))
    assert firmware_tests.run("madt", "hpet") == 1
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("FAIL madt: ") for line in lines) == 1
    good = sum(line.startswith("PASS ") for line in lines)
    assert lines[-2:] == ["Skipped: 0", f"Summary: {good} passed, 1 failed"]
    with pytest.raises(ValueError, match="nothing: no check; there are rsdp root"):
        firmware_tests.results("nothing")
    acpi.hardware(Memory())
    assert [outcome for outcome, _, _ in firmware_tests.results(*TABLES)] == ["SKIP"] * len(TABLES)


def put(found):
    """A real machine's tables in memory: in an XSDT of ours, and where its FADT says."""
    memory = Memory(rsdp=0xE0010)
    addrs = []
    for name, data in found.items():
        if name[:4] not in ("DSDT", "FACS", "XSDT", "RSDT"):
            addrs.append(memory.put((1 << 32) + (len(addrs) << 24), data))
        if data[:4] == b"FACP":
            for kind, at, wide in (("FACS", 36, 132), ("DSDT", 40, 140)):
                addr = int.from_bytes(data[wide : wide + 8], "little")
                addr = addr or int.from_bytes(data[at : at + 4], "little")
                if kind in found:
                    memory.put(addr, found[kind])
    memory.put(0x5000, listing("XSDT", 8, addrs))
    memory.put(0xE0010, pointer(0, 0x5000))
    acpi.hardware(memory)


def test_real_machines(machines, tmp_path):
    """Every check of tables ends on every real machine; the sums that fail are those that iasl
    calls incorrect."""
    bad = 0
    for name, found in machines.items():
        put(found)
        lines = list(firmware_tests.results(*TABLES))
        assert not [line for line in lines if "all of it" in line[2]], name
        wrong = {
            text.split("'")[0]
            for outcome, kind, text in lines
            if kind == "checksum" and outcome == "FAIL"
        }
        bad += len(wrong)
        for data in found.values():
            kind = data[:4].decode("latin-1")
            if f"sum of {kind}" in wrong:
                (tmp_path / "given.dat").write_bytes(data)
                said = run("iasl", "-d", "given.dat", cwd=tmp_path)
                said += (tmp_path / "given.dsl").read_text("latin-1")
                assert "ncorrect checksum" in said, (name, kind)
    assert bad or not machines


@pytest.mark.parametrize(
    "parts, check, text",
    [
        (
            [structure(1, bytes(4)), structure(1, bytes(4))],
            "smbios_required",
            "of type 1: expected 1",
        ),
        (
            [structure(1, b"\2" + bytes(3), [b"one"])],
            "smbios_structures",
            "strings that are not there",
        ),
        ([structure(19, bytes(4))], "smbios_structures", "that are too short: expected none"),
        ([structure(17, bytes(17))], "smbios_references", "or of another type: expected none"),
        ([structure(16, bytes(9) + b"\3\0")], "smbios_references", "array 0x"),
        ([b"\1\3\0\0\0\0"], "smbios", "structures: expected complete, found no structure at"),
    ],
)
def test_smbios(monkeypatch, parts, check, text):
    """What is wrong in SMBIOS's structures fails in the check that it is about."""
    data = b"".join(parts) + END
    smbios = frozen("smbios")
    monkeypatch.setattr(smbios, "table", lambda: smbios.Table(new_entry(data), data))
    lines = [line for outcome, _, line in firmware_tests.results(check) if outcome == "FAIL"]
    assert any(text in line for line in lines)


@pytest.mark.parametrize(
    "ports, registers, said",
    [
        (0x29C08086, 0x29C08086, "PASS"),
        (0x29C08086, 0xFFFFFFFF, "FAIL"),
        (None, 0x29C08086, "SKIP"),
    ],
)
def test_ecam(monkeypatch, ports, registers, said):
    """Configuration space is compared where there are ports for it, and skipped where not."""

    class Registers:
        def __init__(self, addr, size):
            assert addr == 0xB0000000 and size == 4096

        def read32(self, offset):
            return registers if offset == 0 else None

        def close(self):
            pass

    access = SimpleNamespace(present=lambda: ports is not None, read=lambda *place: ports)
    monkeypatch.setitem(sys.modules, "_pci", access)
    monkeypatch.setitem(sys.modules, "pci", SimpleNamespace(Registers=Registers))
    machine()
    assert [outcome for outcome, _, _ in firmware_tests.results("ecam")] == [said]
