"""Configuration space as Linux's lspci shows it, on machines like ours."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from images import once
from linux_guest import NoLinux, initramfs, linux_kernel, package
from ringzero_vm import ROOT
from test_pci import MACHINES

BUILT = ROOT / "build" / "tests" / "linux"
LOADER = "/lib64/ld-linux-x86-64.so.2"

# What Linux itself writes: (vendor, device), or None for any, to offsets of bytes.
WRITTEN = {
    # Command; the interrupt line.
    None: {0x04, 0x05, 0x3C},
    # A root port: I/O windows, MSI, device control, root control, error reporting.
    (0x8086, 0x3420): {0x1C, 0x1D, *range(0x62, 0x6E), 0x98, 0xA8, 0x12C},
    # NVMe: MSI-X control.
    (0x1B36, 0x0010): {0x43},
    # Interrupt routing, and PIIX's passive release.
    (0x8086, 0x2918): set(range(0x60, 0x6C)),
    (0x8086, 0x7000): {*range(0x60, 0x64), 0x82},
    # A bridge to PCI: power management's status.
    (0x1B36, 0x000E): {0x50},
}


@pytest.fixture
def linux():
    """Linux's kernel, and an initramfs with Debian's lspci."""
    image = BUILT / "initramfs"

    def build():
        linux_kernel(BUILT)
        folders = [package(name, BUILT) for name in ("pciutils", "libpci3", "libkmod2")]
        lspci = folders[0] / "usr/bin/lspci"
        paths = ":".join(str(folder / "usr/lib/x86_64-linux-gnu") for folder in folders)
        environment = os.environ | {"LD_LIBRARY_PATH": paths}
        listed = subprocess.check_output(["ldd", lspci], env=environment, text=True)
        subprocess.run(
            ["gcc", "-static", "-o", BUILT / "init", ROOT / "tests/boot/lspci.c"], check=True
        )
        files = dict.fromkeys(("sys", "bin", "lib", "lib64"))
        files["init"] = (BUILT / "init").read_bytes()
        files["bin/lspci"] = lspci.read_bytes()
        for path in re.findall(r"=> (/\S+)", listed):
            files[f"lib/{Path(path).name}"] = Path(path).read_bytes()
        files[LOADER[1:]] = Path(LOADER).read_bytes()
        initramfs(image, files)

    try:
        once("linux", build)
    except NoLinux as problem:
        pytest.skip(str(problem))
    return linux_kernel(BUILT), image


def lspci(linux, vm):
    """Functions' configuration space by their place, as Linux has it on the guest's machine."""
    kernel, image = linux
    machine = vm.command_file.read_text().split()
    command = machine[: machine.index("-kernel")] + ["-kernel", kernel, "-initrd", image]
    command += ["-append", "console=ttyS0 quiet panic=-1 mitigations=off", "-serial", "stdio"]
    command += machine[machine.index("-qmp") + 2 :]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    found = {}
    for block in done.stdout.replace("\r", "").split("\n\n"):
        place = re.search(r"^(\w\w:\w\w\.\w) ", block, re.MULTILINE)
        if place:
            rows = re.findall(r"^[0-9a-f]{2,3}: (.*)$", block, re.MULTILINE)
            found[place[1]] = bytes.fromhex("".join(rows))
    assert found, done.stdout + done.stderr
    return found


@pytest.mark.timeout(400)
@pytest.mark.parametrize("board", MACHINES)
def test_lspci(boot, linux, board):
    """Every function is there, and each byte that Linux does not change has the same value."""
    vm = boot(board=board, extra=MACHINES[board]).boot()
    text = vm.exec("import pci\nfor d in pci.scan(): print(d.name(), d.config().hex())")
    ours = {place: bytes.fromhex(digits) for place, digits in map(str.split, text.splitlines())}
    theirs = lspci(linux, vm)
    assert set(ours) == set(theirs) and len(ours) >= 12
    for place, data in ours.items():
        ids = int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
        other = theirs[place]
        # Linux shows 256 bytes of what is no function of PCI Express.
        assert len(other) in (256, len(data))
        changed = {at for at in range(len(other)) if data[at] != other[at]}
        assert changed <= WRITTEN[None] | WRITTEN.get(ids, set()), (place, sorted(changed))
    assert board == "pc" or sum(len(data) == 4096 for data in theirs.values()) >= 6
