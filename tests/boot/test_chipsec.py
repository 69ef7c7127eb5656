"""CHIPSEC on a guest, by the kit's helper: a second tool that looks at the same machine."""

import ast
import contextlib
import re
import subprocess
import sys

import pytest
from chipsec.library.exceptions import OsHelperError
from images import ROOT, pack
from pseudo_terminal import Device
from ringzero_chipsec import RingzeroHelper

pytestmark = pytest.mark.timeout(300)


class Chipsec:
    """CHIPSEC's tools on a guest, and what the guest itself says."""

    def __init__(self, device, folder):
        self.device = device
        self.folder = folder

    def run(self, tool, *arguments):
        """What a tool prints of its work; its status, too."""
        command = [sys.executable, ROOT / "tests/kit/ringzero_chipsec.py", self.device.path, tool]
        done = subprocess.run(
            [*command, *arguments],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        print(done.stdout, file=self.device.log, flush=True)
        assert "Traceback" not in done.stdout, done.stdout
        return done.stdout.partition("Executing command")[2] or done.stdout, done.returncode

    def util(self, *arguments):
        text, status = self.run("util", *arguments)
        assert status == 0, text
        return text

    def guest(self, expression):
        text = self.device.mpremote("resume", "exec", f"print(repr({expression}))")
        return ast.literal_eval(text)


@pytest.fixture
def chipsec(folder, kernel):
    with contextlib.closing(Device(folder, kernel, "pc", "--smp", "2")) as device:
        yield Chipsec(device, folder)


def bytes_of(text):
    """What is in a hex dump."""
    rows = re.findall(r"^((?:[0-9A-F]{2} )+)\|", text, re.MULTILINE)
    return bytes.fromhex("".join(rows))


def test_utilities(chipsec):
    """PCI, MSRs, CPUID, ports, memory and ACPI are to CHIPSEC what they are to our modules."""
    found = re.findall(r"^(\S+) \| (\w{4}):(\w{4}) \|", chipsec.util("pci", "enumerate"), re.M)
    pci = "[(d.name(), d.vendor, d.id) for d in __import__('pci').devices()]"
    assert [(n, int(v, 16), int(d, 16)) for n, v, d in found] == chipsec.guest(pci)
    found = chipsec.util("pci", "read", "0", "1", "3", "0x40", "dword")
    assert int(re.search(r" \+ 0x40: 0x(\w+)", found)[1], 16) == chipsec.guest(
        "__import__('pci').device(0, 1, 3).read32(0x40)"
    )
    found = re.findall(r"CPU(\d): RDMSR\( 0x1b \) = (\w+)", chipsec.util("msr", "0x1b"))
    apic = "[__import__('machine').rdmsr(0x1b, cpu=n) for n in range(2)]"
    assert [(int(n), int(value, 16)) for n, value in found] == list(enumerate(chipsec.guest(apic)))
    found = re.findall(r"E[ABCD]X: 0x(\w{8})\n", chipsec.util("cpu", "cpuid", "1", "0"))[2:]
    cpuid = chipsec.guest("__import__('machine').cpuid(1)")
    assert tuple(int(value, 16) for value in found) == cpuid
    # The null frame, which is not mapped: the BIOS's first serial port.
    assert bytes_of(chipsec.util("mem", "read", "0x400", "0x10"))[:2] == b"\xf8\x03"
    copy = "__import__('acpi').hardware().copy(0xf0ff0, 32)"
    assert bytes_of(chipsec.util("mem", "read", "0xf0ff0", "0x20")) == chipsec.guest(copy)
    addr = chipsec.guest("__import__('frames').alloc()")
    chipsec.util("mem", "writeval", f"{addr:#x}", "dword", "0x12345678")
    assert chipsec.guest(f"__import__('machine').mem32[{addr}]") == 0x12345678
    found = chipsec.util("mem", "allocate", "0x3000")
    addr = int(re.search(r"PA = 0x(\w+)", found)[1], 16)
    assert addr % 4096 == 0 and chipsec.guest(f"__import__('frames').free({addr}, 3)") is None
    found = chipsec.util("io", "read", "0x64", "1")
    assert int(re.search(r"-> 0x(\w+)", found)[1], 16) == chipsec.guest(
        "__import__('machine').port8[0x64]"
    )
    found = re.findall(r" - (\w+): 0x(\w+)", chipsec.util("acpi", "list"))
    tables = chipsec.guest("[(t.signature, t.addr) for t in __import__('acpi').tables()]")
    assert {(name, int(addr, 16)) for name, addr in found} == {
        (name, addr) for name, addr in tables if name not in ("RSDP", "FACS")
    }


def test_common_modules(chipsec):
    """All of CHIPSEC's common modules run to their end on the machine."""
    text, _ = chipsec.run("main")
    assert int(re.search(r"Modules total +(\d+)", text)[1]) >= 30
    assert "Modules failed to run   0:" in text
    assert "Modules with exceptions" not in text and "Exception" not in text
    assert "PASSED: chipsec.modules.common.bios_smi" in text


def test_no_prompt(folder):
    """Without a guest it is a message, and a status."""
    command = [sys.executable, ROOT / "tests/kit/ringzero_chipsec.py", folder / "nothing"]
    done = subprocess.run([*command, "util", "pci"], capture_output=True, text=True)
    assert done.returncode == 1 and f"{folder / 'nothing'}: no prompt: " in done.stderr
    assert "Traceback" not in done.stderr


def test_variables(boot, kernel, folder):
    """EFI's variables are listed, read, written and deleted by the helper."""
    image = pack("disk", kernel, folder / "ringzero.disk")
    vm = boot(launcher=["--image", image, "--firmware", "uefi"], wait=100).boot()
    helper = RingzeroHelper(vm.exec)
    assert helper.create() and helper.start() and helper.EFI_supported()
    found = helper.list_EFI_variables()
    ours = vm.eval(
        "(lambda efi: {n: efi.get(n, g) for n, g in efi.variables()})(__import__('efi'))"
    )
    assert {name: (one[0][5], one[0][3]) for name, one in found.items()} == ours
    assert helper.get_EFI_variable("BootOrder", found["BootOrder"][0][4]) == ours["BootOrder"][1]
    own = "3b7b2f8e-5d9f-4bb5-8a0e-93d3a8c7a001"
    assert helper.get_EFI_variable("It's", own) == b""
    assert helper.set_EFI_variable("It's", own, b"one\0two", 5) == 0
    assert helper.get_EFI_variable("It's", own) == b"one\0t"
    assert helper.delete_EFI_variable("It's", own) == 0
    assert helper.delete_EFI_variable("It's", own) == 14
    with pytest.raises(OsHelperError, match="a name has characters"):
        helper.set_EFI_variable("", own, b"one")
