"""acpi reads what QEMU's firmware has left."""

import pytest

MADT = """\
[024h 0036   4]           Local Apic Address : FEE00000
[028h 0040   4]        Flags (decoded below) : 00000001
                         PC-AT Compatibility : 1

[02Ch 0044   1]                Subtable Type : 00 [Processor Local APIC]
[02Dh 0045   1]                       Length : 08
[02Eh 0046   1]                 Processor ID : 00
[02Fh 0047   1]                Local Apic ID : 00
[030h 0048   4]        Flags (decoded below) : 00000001
                           Processor Enabled : 1
                      Runtime Online Capable : 0

[034h 0052   1]                Subtable Type : 01 [I/O APIC]
"""


def test_tables(vm):
    """Each table is in order, is what lies in memory at its address, and has its fields shown."""
    vm.exec("import acpi")
    found = vm.eval("[(t.signature, t.addr, t.size, t.problem) for t in acpi.tables()]")
    kinds = [kind for kind, _, _, _ in found]
    assert {"RSDP", "RSDT", "FACP", "FACS", "DSDT", "APIC", "HPET", "MCFG", "WAET"} == set(kinds)
    for kind, addr, size, problem in found:
        assert problem is None
        memory = vm.memory(addr, size)
        assert memory.startswith(b"RSD PTR " if kind == "RSDP" else kind.encode())
        assert vm.eval(f"sum(acpi.table({kind!r}).data)") == sum(memory)
    assert MADT in vm.exec("acpi.show('APIC')").replace("\r", "")
    assert vm.eval("acpi.table('MCFG').structures()[1]['Base Address']") == 0xB0000000
    assert len(vm.exec("acpi.show()").splitlines()) == len(found)


@pytest.mark.board("microvm")
def test_outside(vm):
    """Memory that is none is a ValueError, wherever it is; the null frame is not mapped."""
    vm.exec("import acpi")
    for addr in (0, 0xFFF, 1 << 40, (1 << 46) - 1, 1 << 46, (1 << 64) - 1, -1, 1 << 70):
        problem = vm.eval(f"acpi.Table({addr}).problem")
        assert problem.startswith("????: ") and problem.endswith("cannot be read")
