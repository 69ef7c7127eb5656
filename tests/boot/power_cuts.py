#!/usr/bin/env python3
"""Kills QEMU in the middle of a program that writes files, again and again, and looks at the disk.

Each series boots a kernel whose / is a LittleFS on a disk. After a random time QEMU gets SIGKILL.
Then littlefs-python mounts the image, and every file has to be whole, and no older than what the
program has said on the serial line. The next series goes on with the same disk.
"""

import argparse
import random
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from littlefs import LittleFS

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import run  # noqa: E402

SIZE = 2 << 20
BLOCK = 4096
MACHINES = (
    ("microvm", "virtio-blk-device,drive=d"),
    ("q35", "nvme,drive=d,serial=1"),
    ("q35", "ide-hd,drive=d,bus=s.0"),
    ("q35", "virtio-blk-pci,drive=d"),
)


class Lost(Exception):
    """What should be on the disk is not."""


def writer():
    """The names that the guest's program defines, without its last line, which runs it."""
    names = {}
    text = (Path(__file__).parent / "power_cuts_writer.py").read_text()
    exec(text.removesuffix("run()\n"), names)
    return names


content = writer()["content"]


def mount(image):
    there = LittleFS(block_size=BLOCK, block_count=SIZE // BLOCK, mount=False)
    there.context.buffer[:] = image.read_bytes()
    there.mount()
    return there


def check(image, promised):
    """Look at the disk; the versions and lines on it, with which the next series begins."""
    there = mount(image)
    found = {}
    for name in ["f0", "f1", "f2", "f3", "moved", "synced", "log"]:
        try:
            with there.open(f"/{name}", "rb") as file:
                data = file.read()
        except FileNotFoundError:
            data = b""
        if name == "log":
            version = data.count(b"\n")
            whole = b"".join(b"%07d\n" % line for line in range(version))
        else:
            version = int(data[: data.index(b"\n")].split()[1]) if data else 0
            whole = content(name, version) if version else b""
        if data != whole:
            raise Lost(f"{name}: {len(data)} bytes that are not those of version {version}")
        if version < promised.get(name, 0):
            raise Lost(f"{name} has version {version}, and {promised[name]} was promised")
        found[name] = version
    return found


def one(kernel, image, board, device, seconds):
    """A series; what the program has said."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "main.py"
        program.write_text((Path(__file__).parent / "power_cuts_writer.py").read_text())
        rom = run.pack(program, Path(folder))
        words = [sys.executable, ROOT / "scripts/run.py", "--dry-run", "--kernel", kernel]
        words += ["--board", board, "--append", "root=disk0 log=quiet main=/rom/main.py", "--"]
        words += ["-initrd", rom, "-drive", f"if=none,id=d,format=raw,file={image}"]
        if device.startswith("ide"):
            words += ["-device", "ahci,id=s"]
        words += ["-device", device]
        line = subprocess.run(words, check=True, capture_output=True, text=True).stdout
        qemu = subprocess.Popen(
            shlex.split(line),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            said = b""
            while b"go\r\n" not in said:
                data = qemu.stdout.read1(4096)
                if not data:
                    raise Lost(f"the program did not start: {said.decode(errors='replace')}")
                said += data
            time.sleep(seconds)
        finally:
            qemu.kill()
        said += qemu.stdout.read()
        if qemu.wait() != -9:
            raise Lost(
                f"QEMU ended by itself, status {qemu.returncode}: {said.decode(errors='replace')}"
            )
    lines = said.decode().replace("\r", "").split("go\n", 1)[1].split("\n")[:-1]
    return dict(line.split() for line in lines), len(lines)


def series(kernel, image, count, seed=1, tell=lambda text: None):
    """So many; how much was promised in all."""
    chance = random.Random(seed)
    there = LittleFS(block_size=BLOCK, block_count=SIZE // BLOCK)
    image.write_bytes(there.context.buffer)
    promised = {}
    total = 0
    for number in range(count):
        board, device = MACHINES[number % len(MACHINES)]
        said, lines = one(kernel, image, board, device, chance.random() ** 2)
        promised.update({name: int(version) for name, version in said.items()})
        try:
            promised = check(image, promised)
        except Exception as error:
            raise Lost(f"series {number}, {device}: {error}") from error
        total += lines
        tell(f"{number + 1}: {total} promised")
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
    parser.add_argument("--series", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        image = Path(folder) / "disk.img"
        total = series(
            options.kernel,
            image,
            options.series,
            options.seed,
            lambda text: print(text, end="\r", flush=True),
        )
    print(f"{options.series} series, {total} writes promised, none lost")


if __name__ == "__main__":
    main()
