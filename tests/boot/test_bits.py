"""The image that runs BITS's scripts: one of ours in Python 2.7, and those of a QEMU checkout."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from images import BUILT, IMAGES, ROOT, make, once

pytestmark = pytest.mark.timeout(900)

# BITS finds SMBIOS by its 32-bit entry point only, and SMIs need a machine that has them.
MACHINE = ["-machine", "smm=on,smbios-entry-point-type=32"]


def image(name, folder, mpy_dir):
    """The kernel with the scripts of a folder, converted."""
    scripts = BUILT / name

    def build():
        convert = IMAGES / "bits" / "convert.py"
        subprocess.run([sys.executable, convert, folder, scripts], check=True)
        make(
            *("-C", ROOT, "image", f"NAME={name}", f"MPY_DIR={mpy_dir}"),
            f"FROZEN_MANIFEST={IMAGES}/bits/manifest.py",
            f"MICROPY_MANIFEST_BITS_SCRIPTS={scripts}",
        )

    once(name, build)
    return ROOT / "build" / "images" / name / f"{name}.elf"


@pytest.fixture
def example(mpy_dir):
    return image("test-bits", IMAGES / "bits" / "example", mpy_dir)


def test_example(boot, example):
    """All that scripts use is there; what fails or raises is told, and the status says so."""
    vm = boot(kernel=example, smp=2, append="main=main.py", extra=MACHINE)
    assert vm.wait_exit() == 1
    text = vm.transcript().replace("\r", "")
    passes, fails, raises = re.split(r"\n(?:----|====) What .* (?:----|====)\n", text)[1:]
    assert "[assert]" not in passes and "Summary: 15 passed, 0 failed" in passes
    assert re.search(r"leaf 0: eax=0x[0-9a-f]+ ebx=0x[0-9a-f]{8} on all\n", passes)
    assert re.search(
        r"Entry\(anchor='_SM_', checksum=0x[0-9a-f]+, length=31 \(right\), version=\(2, 8\), "
        r"largest=0x[0-9a-f]+, rest=0x15\)\n03020100-0504-0706-0809-0a0b0c0d0e0f\n"
        r"00000000: 5f 53 4d 5f [0-9a-f]{2} +_SM_. +\n",
        passes,
    )
    assert "word " * 14 + "word\n  word word word word word\n" in passes
    assert "the end\n" in passes
    assert fails.startswith(
        "[assert] A condition FAIL\n  Detail of it, in long lines in long lines in long lines in "
        "long lines in\n  long lines in long lines in long lines in long lines"
    )
    assert "nobody wants" not in fails and "Summary: 1 passed, 1 failed" in fails
    assert "caught: 4 bytes of 3 that are left\nError in a script\n" in raises
    assert "ValueError: for traceback" in raises and "AttributeError" in raises
    assert "[assert] Internal error; test threw exception FAIL" in raises
    assert "==== Overall summary: 16 passed, 2 failed ====" in raises


def test_conversion_of_a_checkout(tmp_path):
    """QEMU's scripts are found in its source."""
    folder = tmp_path / "qemu/tests/functional/x86_64/acpi-bits/bits-tests"
    folder.mkdir(parents=True)
    (folder / "one.py2").write_text("print 'one'\n")
    convert = [sys.executable, IMAGES / "bits" / "convert.py", tmp_path / "qemu", tmp_path / "out"]
    subprocess.run(convert, check=True)
    assert (tmp_path / "out/scripts/one.py").read_text() == "print('one')\n"
    assert (tmp_path / "out/scripts/__init__.py").read_text() == 'NAMES = ("one",)\n'


def test_conversion_of_nothing(tmp_path):
    """A folder without scripts is an error, and nothing is made."""
    convert = [sys.executable, IMAGES / "bits" / "convert.py", tmp_path, tmp_path / "out"]
    done = subprocess.run(convert, capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == f"{tmp_path}: no .py2 file\n"
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(not os.environ.get("BITS_TESTS"), reason="BITS_TESTS= names no folder")
def test_scripts_of_qemu(boot, mpy_dir):
    """The scripts that QEMU tests its ACPI with: as with BITS, nothing fails."""
    folder = Path(os.environ["BITS_TESTS"]).resolve()
    kernel = image("test-bits-qemu", folder, mpy_dir)
    for board in ("q35", "pc"):
        vm = boot(kernel=kernel, board=board, smp=3, append="main=main.py", extra=MACHINE)
        assert vm.wait_exit(300) == 0
        text = vm.transcript()
        assert len(re.findall(r"Summary: \d+ passed, 0 failed", text)) >= 7
        assert "Error" not in text and "Traceback" not in text
    vm = boot(kernel=kernel, smp=3, extra=MACHINE).boot()
    vm.exec("from scripts import testcpuid, smilatency, smbios\nimport testsuite\n")
    vm.exec("testsuite.set_verbose(3)\ntestsuite.reset()")
    assert "On 3 CPUs: all" in vm.exec("testcpuid.test_cpuid_consistency('leaf 0', 0)")
    assert "On 1 CPUs: 0x2" in vm.exec("testcpuid.test_cpuid_consistency('leaf 1', 1)")
    assert "Average of 20 SMIs" in vm.exec("smilatency.time_io_smi(count=20)")
    assert "observed maximum latency" in vm.exec("smilatency.smi_latency()", 60)
    text = vm.exec("smbios.dump_raw()", 60)
    assert "BIOSInformation(type=0x0" in text and "Error" not in text
