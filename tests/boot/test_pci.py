"""pci finds what QEMU says that it has, and all that a function says of itself."""

import pytest
import ringzero_vm

# Bridges, one behind another, on two host bridges; several functions, disks and networks.
Q35 = """
    -device VGA
    -device ioh3420,id=rp1,chassis=1,slot=1,multifunction=on,addr=4.0
    -device ioh3420,id=rp2,chassis=2,slot=2,addr=4.1
    -device pcie-pci-bridge,bus=rp2,id=br
    -device e1000,bus=br,addr=3
    -device e1000e,bus=rp1
    -device nvme,serial=1,drive=d -drive if=none,id=d,driver=null-co,read-zeroes=on
    -device pxb-pcie,bus_nr=64,id=pxb -device ioh3420,bus=pxb,id=rp3,chassis=3,slot=3
    -device virtio-net-pci,bus=rp3
""".split()
PC = """
    -device VGA -device pci-bridge,id=br,chassis_nr=1 -device rtl8139,bus=br,addr=2
    -device pci-bridge,id=br2,chassis_nr=2,bus=br,addr=3 -device e1000,bus=br2,addr=5
    -device ahci -device pxb,bus_nr=32,id=pxb -device virtio-rng-pci,bus=pxb,addr=1
""".split()
MICROVM = """
    -machine pcie=on -device pcie-root-port,id=rp -device e1000e,bus=rp -device virtio-net-pci
""".split()
MACHINES = {"q35": Q35, "pc": PC}


@pytest.fixture(params=MACHINES)
def machine(request, boot):
    vm = boot(board=request.param, memory="256M", extra=MACHINES[request.param]).boot()
    vm.exec("import pci")
    return vm


def qemu_functions(vm):
    found = vm.qmp.command("query-pci")
    return {(f["bus"], f["slot"], f["function"]): f for f in _all(found)}


def _all(buses):
    for bus in buses:
        for device in bus["devices"]:
            yield device
            behind = device.get("pci_bridge", {}).get("devices", [])
            yield from _all([{"devices": behind}])


def test_functions(machine):
    """Every function that QEMU has is found once, with its ids, class and interrupt."""
    expected = {
        place: (
            one["id"]["vendor"],
            one["id"]["device"],
            one["class_info"]["class"],
            one.get("irq", None),
        )
        for place, one in qemu_functions(machine).items()
    }
    found = machine.eval(
        "[(d.bus, d.device, d.function, d.vendor, d.id, d.class_code >> 8, d.irq())"
        " for d in pci.scan()]"
    )
    places = [one[:3] for one in found]
    assert len(set(places)) == len(places)
    assert set(places) == set(expected)
    for bus, device, function, vendor, number, code, (line, pin) in found:
        says = expected[bus, device, function]
        assert (vendor, number, code) == says[:3]
        assert (line if pin else None) == (says[3] if pin else None)


def test_base_addresses(machine):
    """The registers are what QEMU says; finding their sizes leaves them as they were."""
    configs = "[bytes(d.config()[:64]) for d in pci.scan()]"
    before = machine.eval(configs)
    found = machine.eval(
        "[((d.bus, d.device, d.function), [(b.index, b.kind, b.addr, b.size, b.wide,"
        " b.prefetchable) for b in d.bars()]) for d in pci.scan()]"
    )
    assert machine.eval(configs) == before
    says = qemu_functions(machine)
    for place, bars in found:
        expected = []
        for region in says[place]["regions"]:
            addr = region["address"] if region["address"] >= 0 else None
            kind = "rom" if region["bar"] == 6 else region["type"]
            expected.append((region["bar"], kind, addr, region["size"]))
        for bar, one in zip(bars, expected, strict=True):
            assert (bar[0], bar[1], bar[3]) == (one[0], one[1], one[3]), place
            # One that does not decode, as a ROM that is off, has no address for QEMU.
            assert one[2] is None or bar[2] == one[2], place
        for bar, region in zip(bars, says[place]["regions"], strict=True):
            if bar[1] == "memory":
                assert (bar[4], bar[5]) == (region["mem_type_64"], region["prefetch"])


def test_bridges(machine):
    """A bridge names the bus behind it, the last one there, and its windows, as QEMU says."""
    says = qemu_functions(machine)
    bridges = {
        place: one["pci_bridge"]["bus"] for place, one in says.items() if "pci_bridge" in one
    }
    assert bridges
    found = machine.eval(
        "[((d.bus, d.device, d.function), d.buses(), d.windows())"
        " for d in pci.scan() if d.is_bridge()]"
    )
    assert {place for place, _, _ in found} == set(bridges)
    for place, buses, windows in found:
        bus = bridges[place]
        assert buses == (bus["secondary"], bus["subordinate"])
        expected = {
            (kind, bus[name]["base"], bus[name]["limit"] + 1)
            for kind, name in (
                ("io", "io_range"),
                ("memory", "memory_range"),
                ("prefetchable", "prefetchable_range"),
            )
            if bus[name]["base"] <= bus[name]["limit"]
        }
        # With base and limit 0 there is no such window; QEMU shows its first bytes.
        assert set(windows) <= expected
        assert all(start == 0 for _, start, _ in expected - set(windows))


def test_capabilities(boot):
    """Those of an NVMe disk and of a network card, in 256 bytes and behind them."""
    vm = boot(board="q35", extra=Q35).boot()
    vm.exec("import pci; d = pci.find(0x1b36, 0x10)")
    ids = vm.eval("[pci.capability_name(i) for i, _ in d.capabilities()]")
    assert {"MSI-X", "PCI Express", "power management"} <= set(ids)
    assert vm.eval("d.msi()") is None
    msix = vm.eval("[(m.offset, m.vectors, m.enabled, m.table_bar) for m in (d.msix(),)][0]")
    assert msix[1] > 1 and not msix[2] and msix[3] == 0
    vm.exec("e = pci.find(0x8086, 0x10d3)")
    assert vm.eval("[pci.extended_name(i) for i, _, _ in e.extended_capabilities()]") == [
        "advanced error reporting",
        "serial number",
    ]
    assert vm.eval("(len(e.config()), e.msi().vectors, e.msi().wide)") == (4096, 1, True)


def test_registers(boot):
    """A BAR's memory is read and written; outside of it, and after close(), it is not."""
    vm = boot(board="q35", extra=Q35).boot()
    vm.exec("import pci; d = pci.find(0x1b36, 0x10); r = d.map(0)")
    # NVM Express 1.4, 3.1.2: the version.
    assert vm.eval("r.read32(8)") >> 16 in (1, 2)
    vm.exec("r.write32(0xc, 1)")  # masks vector 0: reading it back gives the mask
    assert vm.eval("r.read32(0xc)") == 1
    for call in "r.read32(2)", "r.read32(-4)", "r.read32(r.size)", "r.read64(1 << 64)", "d.map(1)":
        with pytest.raises(ringzero_vm.GuestError, match="ValueError: ."):
            vm.exec(call)
    vm.exec("r.close(); r.close()")
    with pytest.raises(ringzero_vm.GuestError, match="ValueError: closed"):
        vm.exec("r.read8(0)")


@pytest.mark.parametrize("call", ["read8(4096)", "read16(1)", "read32(-4)", "write32(4094, 0)"])
def test_bad_offsets(boot, call):
    """Offsets outside configuration space, or not at a multiple: ValueError."""
    vm = boot(board="q35").boot()
    with pytest.raises(ringzero_vm.GuestError, match="ValueError: offset"):
        vm.exec(f"import pci; pci.device(0, 0).{call}")


def test_scan_beside_tasks(boot):
    """`async for` lets other tasks run between one function and the next."""
    vm = boot(board="q35", extra=Q35).boot()
    vm.exec("""
import asyncio, pci
turns = 0
async def count():
    global turns
    while True:
        turns += 1
        await asyncio.sleep(0)
async def main():
    task = asyncio.create_task(count())
    found = []
    async for device in pci.scan():
        found.append(device.name())
    task.cancel()
    return found
found = asyncio.run(main())
""")
    assert vm.eval("found") == vm.eval("[d.name() for d in pci.devices()]")
    assert vm.eval("turns") >= vm.eval("len(found)")


def test_tree(boot):
    """The tree has every function in its place, as lspci -tv draws it."""
    vm = boot(board="q35", extra=Q35).boot()
    lines = vm.exec("import pci; pci.show()").splitlines()
    assert lines == [
        "-+-[0000:00]-+-00.0  8086:29c0 host bridge",
        " |           +-01.0  1234:1111 VGA controller",
        " |           +-02.0  1b36:0010 NVM Express controller",
        " |           +-03.0  1b36:000b host bridge",
        " |           +-04.0-[01]----00.0  8086:10d3 Ethernet controller",
        " |           +-04.1-[02-03]----00.0-[03]----03.0  8086:100e Ethernet controller",
        " |           \\-1f.0  8086:2918 ISA bridge",
        " \\-[0000:40]---00.0-[41]----00.0  1af4:1041 Ethernet controller",
    ]


def test_no_pci(boot):
    """A machine without PCI has no functions, and says nothing else."""
    vm = boot(board="microvm").boot()
    assert vm.eval("__import__('pci').devices()") == ()
    assert vm.eval("__import__('pci').device(0, 0)") is None


def test_host_bridge_by_aml(boot):
    """With no MCFG and no ports a host bridge's _CBA says where configuration space is."""
    vm = boot(board="microvm", extra=MICROVM).boot()
    vm.exec("import pci")
    # Nobody has given the bridge its buses: what is behind it is not to be reached.
    expected = {
        (bus, slot, function): (one["id"]["vendor"], one["id"]["device"])
        for (bus, slot, function), one in qemu_functions(vm).items()
        if "pci_bridge" in one or one["id"]["device"] != 0x10D3
    }
    found = vm.eval("[(d.bus, d.device, d.function, d.vendor, d.id) for d in pci.scan()]")
    assert {one[:3]: one[3:] for one in found} == expected and len(found) == 3
    assert vm.eval("len(pci.device(0, 0).config())") == 4096


@pytest.mark.parametrize("addr", [0xFFFFFFFFFFF00000, 0x3FFFFFF00000, 0x12345])
def test_table_that_lies(boot, folder, addr):
    """Where the MCFG names what is no configuration space, there are the ports."""
    entry = addr.to_bytes(8, "little") + bytes((0, 0, 0, 255)) + bytes(4)
    (folder / "mcfg").write_bytes(bytes(8) + entry)
    extra = ["-acpitable", f"sig=MCFG,data={folder / 'mcfg'}"]
    vm = boot(board="pc", extra=extra).boot()
    vm.exec("import pci")
    found = vm.eval("[(d.bus, d.device, d.function) for d in pci.scan()]")
    assert found == sorted(qemu_functions(vm))
