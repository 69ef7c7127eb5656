"""The image that reports what a machine is made of."""

import json

import pytest
from images import ROOT, make, once
from test_pci import qemu_functions

pytestmark = pytest.mark.timeout(900)
SECTIONS = "kernel boot efi memory cpus mtrrs pci acpi_tables acpi_devices smbios smi problems"


@pytest.fixture
def hwinfo(mpy_dir):
    once("hwinfo", lambda: make("-C", ROOT, "image", "NAME=hwinfo", f"MPY_DIR={mpy_dir}"))
    return ROOT / "build" / "images" / "hwinfo"


def report(vm):
    """The report on the console: the JSON's value, and the text's lines."""
    text = vm.transcript().replace("\r", "")
    begin, end = "-----BEGIN HWINFO JSON-----\n", "\n-----END HWINFO JSON-----\n"
    _, rest = text.split(begin)
    data, lines = rest.split(end)
    lines, end, _ = lines.partition("\nThe report is in ")
    assert end
    return json.loads(data), lines


def test_report(boot, hwinfo):
    """What QEMU says of its machine is reported, on the line, on the screen and in files."""
    vm = boot(
        kernel=hwinfo / "hwinfo.elf",
        smp=2,
        extra=[
            *("-vga", "std", "-device", "pcie-root-port,id=root", "-device", "e1000e,bus=root"),
            *("-smbios", "type=1,manufacturer=Somebody,product=Something"),
        ],
    )
    vm.boot()
    cells = vm.memory(0xB8000, 80 * 25 * 2)[::2].decode("cp437")
    assert "hwinfo: 0 problems" in cells and "The report is in /hwinfo.txt" in cells
    found, lines = report(vm)
    assert {name.replace(" ", "_") for name in found} == set(SECTIONS.split())
    assert found["problems"] == []
    there = {one["place"]: (one["vendor"], one["device"]) for one in found["pci"]}
    assert there == {
        "%02x:%02x.%x" % place: (one["id"]["vendor"], one["id"]["device"])
        for place, one in qemu_functions(vm).items()
    }
    assert len(there) >= 5
    assert [one["apic_id"] for one in found["cpus"]] == [0, 1]
    assert 255 << 20 < found["memory"]["usable_bytes"] < 256 << 20
    assert {"RSDP", "FACP", "DSDT", "APIC", "MCFG"} <= {
        one["signature"] for one in found["acpi tables"]
    }
    assert any(one["id"] == "PNP0A08" and one["there"] for one in found["acpi devices"])
    assert ["Manufacturer", "Somebody"] in found["smbios"][1]["fields"]
    assert "    Product Name: Something\n" in lines and lines.endswith("hwinfo: 0 problems")
    assert json.loads(vm.eval("open('/hwinfo.json').read()")) == found
    assert vm.eval("open('/hwinfo.txt').read()") == lines + "\n"


def test_usb_stick(boot, hwinfo, tmp_path):
    """The image boots by UEFI, which is reported, and the report is on the framebuffer."""
    launcher = ["--image", hwinfo / "hwinfo.iso", "--medium", "usb", "--firmware", "uefi"]
    extra = ["-device", "VGA"]
    vm = boot(kernel=hwinfo / "hwinfo.elf", launcher=launcher, extra=extra, wait=100).boot()
    found, lines = report(vm)
    assert found["boot"]["protocol"] == "multiboot2" and lines.endswith("hwinfo: 0 problems")
    assert found["efi"]["vendor"] == "EDK II" and found["boot"]["uefi"]
    assert {"ACPI 2.0 root pointer", "SMBIOS"} <= {one["words"] for one in found["efi"]["tables"]}
    file = tmp_path / "screen.ppm"
    vm.qmp.command("screendump", filename=str(file))
    _, width, height, _, pixels = file.read_bytes().split(maxsplit=4)
    # Text, and no more of it than text has.
    assert 0.005 < pixels.count(255) / (3 * int(width) * int(height)) < 0.3


def test_little_machine(boot, hwinfo):
    """What a machine has not is told, and the rest is reported all the same."""
    # SeaBIOS, which QEMU 10 starts there, has SMBIOS.
    qboot = ["-bios", "qboot.rom"]
    vm = boot(kernel=hwinfo / "hwinfo.elf", board="microvm", extra=qboot).boot()
    found, lines = report(vm)
    problems = {one["section"]: one["problem"] for one in found["problems"]}
    assert problems == {"smbios": "ValueError: SMBIOS: no entry point"}
    assert found["smbios"] is None and found["pci"] == []
    assert "== pci ==\nnone\n" in lines and "smbios: not known: ValueError" in lines
    assert lines.endswith("hwinfo: 1 problems")
