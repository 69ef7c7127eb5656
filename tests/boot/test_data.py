"""A disk image's data partition, which lasts when the image is made anew."""

import subprocess
import sys

import pytest
from ringzero_vm import ROOT

MIB = 1 << 20
WRITES = """
import os
with open("/kept.txt", "w") as file:
    file.write("from before")
os.sync()
"""
READS = """
import disks
print(open("/kept.txt").read(), [part.size >> 20 for part in disks.all()[0].partitions()])
"""


@pytest.fixture
def make(kernel, folder):
    def make(program, *arguments):
        app = folder / "main.py"
        app.write_text(program)
        command = [sys.executable, ROOT / "scripts/image.py", "disk", "--kernel", kernel]
        command += ["--app", app, "--append", "log=quiet root=LABEL=DATA", *arguments]
        command += ["--output", folder / "disk.img"]
        done = subprocess.run(command, capture_output=True, text=True)
        return done.stderr if done.returncode else folder / "disk.img"

    return make


def boot(image):
    command = [sys.executable, ROOT / "scripts/run.py", "--image", image, "--timeout", "60"]
    command += ["--", "-set", "drive.image.snapshot=off"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_kept(make):
    """Another program on the image, and a larger one, find what the first has written."""
    image = make(WRITES, "--data", "5M")
    assert image.stat().st_size == (1 + 64 + 5) * MIB
    boot(image)
    data = image.read_bytes()[-5 * MIB :]
    assert b"from before" in data
    image = make(READS)
    assert image.read_bytes()[-5 * MIB :] == data
    assert "from before [64, 5]" in boot(image)


def test_refused(make):
    """What cannot be kept is not overwritten."""
    image = make(WRITES, "--data", "2M")
    before = image.read_bytes()
    assert "2 MiB of data, and --data says 3" in make(READS, "--data", "3M")
    for wrong in ("0", "1500K", "2T", "x"):
        assert "--data" in make(READS, "--data", wrong)
    assert image.read_bytes() == before
    image.write_bytes(before[:-1])
    assert "not all there" in make(READS)
    assert image.stat().st_size == len(before) - 1
    image.write_bytes(b"my own")
    assert "none that was made here" in make(READS)
    assert image.read_bytes() == b"my own"
