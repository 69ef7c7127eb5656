"""cpuid, msr and mtrr, on QEMU's models of CPUs and on several of them."""

import pytest
import ringzero_vm

from tests.host.cpuid_tool import check

MODELS = ["max", "qemu64", "Skylake-Client", "EPYC"]


@pytest.mark.parametrize("model", MODELS)
def test_models(boot, folder, model):
    """Of each model the kernel and Debian's cpuid say the same of the same registers."""
    topology = "8,sockets=2,cores=2,threads=2"
    vm = boot(smp=8, extra=["-cpu", model, "-smp", topology]).boot()
    vm.exec("import cpuid; one = cpuid.cpu()")
    rows = {(leaf, subleaf): row for leaf, subleaf, row in vm.eval("one.leaves()")}
    said = {name: vm.eval(f"one.{name}") for name in ("vendor", "family", "model", "stepping")}
    said["brand"] = vm.eval("one.brand")
    for name in "features", "topology", "caches":
        said[name] = vm.eval(f"one.{name}()")
    check(rows, said, folder)
    assert {"fpu", "msr", "lm", "nx", "hypervisor"} <= set(said["features"])
    # Each CPU is where QEMU has it.
    found = vm.eval("[cpuid.cpu(n).topology()[1:] for n in range(8)]")
    says = vm.qmp.command("query-cpus-fast")
    props = [cpu["props"] for cpu in sorted(says, key=lambda cpu: cpu["cpu-index"])]
    assert found == [(one["socket-id"], one["core-id"], one["thread-id"]) for one in props]
    # QEMU's own numbers.
    revision = {"AuthenticAMD": 0x01000065, "GenuineIntel": 1}[said["vendor"]]
    assert vm.eval("__import__('msr').microcode(7)") == revision
    text = vm.exec("cpuid.show(7)").replace("\r", "")
    assert "APIC ID 7: package 1, core 1, thread 1\n" in text
    assert f"{said['vendor']} family 0x{said['family']:x}" in text


def test_registers(boot):
    """Registers by name, on any CPU; what differs between CPUs that should be the same."""
    vm = boot(smp=3).boot()
    vm.exec("import msr, machine, cpus; cpus.all()")
    assert vm.eval("dict(msr.cpu().fields('EFER'))")["long_mode_active"] == 1
    bases = vm.eval("[dict(msr.cpu(n).fields('APIC_BASE')) for n in range(3)]")
    assert [one["bsp"] for one in bases] == [1, 0, 0]
    assert {one["base"] for one in bases} == {0xFEE00}
    # Memory types, too, which QEMU's CPUs lose at INIT, as no machine's do (SDM 3A, table 10-1).
    assert vm.eval("msr.compare()") == []
    number = vm.eval("dict((name, n) for n, name in msr.names())['LSTAR']")
    vm.exec(f"machine.wrmsr({number}, 0x1234, cpu=1)")
    assert vm.eval("msr.compare()") == [(number, "LSTAR", (0, 0x1234, 0))]
    text = vm.exec("msr.show()").replace("\r", "")
    assert "c0000080  EFER " in text and "277  PAT                  0007010600070106" in text


def test_absent_register(boot):
    """One that the CPU does not have is None, and said to be not there."""
    vm = boot().boot()
    vm.exec("""
        import msr
        def read(number):
            if number == 0x277:
                raise FaultError("no")
            return 0
        one = msr.Msrs(read)
    """)
    assert vm.eval("(one.read('PAT'), one.fields('PAT'), one.read('EFER'))") == (None, None, 0)
    assert "not there: PAT" in vm.exec("one.show()")


@pytest.mark.parametrize("board", ["q35", "pc"])
def test_memory_types(boot, board):
    """Memory is write-back, what lies below 4 GiB beyond it is not; pages say what they are."""
    vm = boot(board=board).boot()
    vm.exec("import mtrr, pages")
    assert vm.eval("mtrr.cpu().enabled")
    found = vm.eval("mtrr.cpu().ranges()")
    assert found[0][0] == 0 and found[-1][1] == vm.eval("mtrr.cpu().end")
    assert vm.eval("mtrr.cpu().type(0x200000)") == 6
    assert vm.eval("mtrr.cpu().type(0xfee00000)") == 0
    assert vm.eval("mtrr.cpu().type(0xa0000)") == 0
    vm.exec("p = pages.alloc()")
    assert vm.eval("mtrr.explain(p.va) == (p.addr, 6, 6, 6)")
    vm.exec("va = pages.reserve(2)")
    vm.exec("pages.map(va, 0xfee00000, 1, pages.UNCACHED)")
    vm.exec("pages.map(va + 4096, 0xfeb00000, 1, pages.COMBINE)")
    assert vm.eval("mtrr.explain(va + 0x20)") == (0xFEE00020, 0, 0, 0)
    assert vm.eval("mtrr.explain(va + 4096)") == (0xFEB00000, 0, 1, 1)
    with pytest.raises(ringzero_vm.GuestError, match="ValueError: 0x0: nothing is mapped"):
        vm.exec("mtrr.explain(0)")
    lines = vm.exec("mtrr.show()").replace("\r", "").splitlines()
    assert lines[0] == "MTRRs are on" and len(lines) == len(found) + 1
