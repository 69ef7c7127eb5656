"""acpi reads what QEMU's firmware has left."""

import pytest

ENDED = 125  # the launcher's status where QEMU ended without one of the guest's

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


@pytest.mark.qemu
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


@pytest.mark.qemu
def test_namespace(vm):
    """QEMU's own DSDT: its devices, their resources and links, and how to switch it off."""
    vm.exec("import acpi\nnames = dict(acpi.namespace().names())")
    assert vm.eval("acpi.namespace().problems") == []
    assert vm.eval(r"(names['\\_SB.PCI0'], names['\\_SB.CPUS.C000'])") == ("Device", "Processor")
    assert vm.eval("len(names)") > 200
    assert vm.eval(r"[d for d in acpi.devices() if d[0] == '\\_SB.PCI0.SF8.RTC']") == [
        (r"\_SB.PCI0.SF8.RTC", "PNP0B00", True)
    ]
    windows = vm.eval(r"acpi.resources('\\_SB.PCI0')")
    buses = [one for one in windows if one["kind"] == "WordSpace" and one["type"] == 2]
    assert [(one["min"], one["max"]) for one in buses] == [(0, 255)]
    ports = [one for one in windows if one["kind"] == "IO"]
    assert [(one["min"], one["length"]) for one in ports] == [(0xCF8, 8)]
    assert vm.eval(r"acpi.evaluate('\\_S5')") == [0, 0, 0, 0]
    assert vm.eval(r"len(acpi.evaluate('\\_SB.PCI0._PRT'))") == 128
    assert vm.eval(r"acpi.evaluate('\\_SB.PCI0._PRT')[0][2].path") == r"\_SB.LNKE"


@pytest.mark.qemu
def test_fields(vm):
    """Fields reach PCI configuration, ports and memory, and each access can be seen."""
    vm.exec("import acpi, aml\ntrace = aml.Trace(acpi.hardware())\nacpi.hardware(trace)")
    # The interrupt router's registers, from 0x60 of the bridge's configuration on.
    vm.exec("import machine\nmachine.port32[0xCF8] = 0x8000F860\nwant = machine.port8[0xCFC]")
    assert vm.eval(r"acpi.evaluate('\\_SB.PRQA') == want")
    assert vm.eval("trace.log[-1][1:3]") == (0, 1)
    found = vm.eval(r"acpi.resources('\\_SB.LNKA')")
    assert found[0]["kind"] == "Interrupt" and found[0]["interrupts"] == [vm.eval("want & 15")]


def test_load(vm):
    """The namespace takes little memory and few steps: neither grows with what methods hold."""
    vm.exec("""
        import acpi, gc
        gc.collect()
        before = gc.mem_alloc()
        acpi.namespace()
        gc.collect()
        size = gc.mem_alloc() - before
    """)
    assert vm.eval("size") < 40 * vm.eval("len(acpi.table('DSDT').data)")
    # Of 100 KB, as real machines have them: a method, or a number, in 30 bytes.
    vm.exec(r"""
        import aml
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        names = [a + b + c for a in letters for b in letters for c in letters][:3700]
        data = b"".join([b"\x14\x1aM" + name.encode() + bytes(21) for name in names])
        data = b"DSDT" + bytes(32) + data
        gc.collect()
        gc.disable()
        before = gc.mem_alloc()
        large = aml.Namespace([data])
        size = gc.mem_alloc() - before
        gc.enable()
        found = len([name for name in large.names() if name[1] == "Method"])
    """)
    assert vm.eval("(len(data), found, large.problems)") == (99936, 3701, [])
    assert vm.eval("size") < 4 << 20


@pytest.mark.qemu
@pytest.mark.board("q35", "pc")
def test_off(vm):
    """sleep(5) switches the machine off, and is seen to do so by its registers."""
    vm.exec("import acpi")
    for state in (0, 3, 6, None):
        assert vm.exec(f"try: acpi.sleep({state})\nexcept ValueError: print('no')") == "no\n"
    vm.repl.sendline("acpi.sleep(5)")
    assert vm.wait_exit() == ENDED


def test_ctrl_c(vm):
    """Ctrl-C ends a method that does not end by itself."""
    # Method (LOOP) { While (One) { Noop } }
    vm.exec(r"""
        import aml
        code = b"\x14\x0aLOOP\x00\xa2\x03\x01\xa3"
        def run():
            print("go")
            aml.Namespace([b"DSDT" + bytes(32) + code], limit=1 << 60).evaluate("LOOP")
    """)
    vm.repl.sendline("run()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")
    assert vm.eval("6 * 7") == 42
