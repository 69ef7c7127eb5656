#!/usr/bin/env python3
"""What disks move in a second, here and on Debian's Linux in the same QEMU; and what a block of
4 KiB costs in instructions."""

import argparse
import json
import re
import shlex
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from linux_guest import NoLinux, initramfs, linux_kernel

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "bench"
LINUX = BUILD / "linux"
PC = BUILD / "linux-pc"
SIZE = 64 << 20
SMALL = 4096
BLOCKS = 2000
# For instructions: what so many more blocks cost more.
FEW, MANY = 500, 1500
MACHINES = {
    ("q35", "virtio"): "-device virtio-blk-pci,drive=disk",
    ("q35", "nvme"): "-device nvme,drive=disk,serial=1",
    ("q35", "ahci"): "-device ahci,id=sata -device ide-hd,drive=disk,bus=sata.0",
}
MODULES = {"virtio": ("virtio_pci", "virtio_blk"), "nvme": ("nvme",)}
MODULES["ahci"] = ("ahci", "sd_mod")
WORK = {"read": SIZE, "write": SIZE, "random read": BLOCKS * SMALL, "random write": BLOCKS * SMALL}


def modules(kernel, wanted):
    """A kernel's modules, and those that they need, as files of an initramfs, in that order."""
    folder = kernel.parent.parent / "lib/modules"
    there = {path.name.partition(".")[0].replace("-", "_"): path for path in folder.rglob("*.ko")}
    ordered = []

    def add(name):
        path = there.get(name.replace("-", "_"))
        if path and path not in ordered:
            needs = re.search(rb"\0depends=([^\0]*)\0", path.read_bytes())[1].decode()
            for need in filter(None, needs.split(",")):
                add(need)
            ordered.append(path)

    for name in wanted:
        add(name)
    return {f"modules/{i:02}": path.read_bytes() for i, path in enumerate(ordered)}


def linux(bus):
    """Linux's kernel and its initramfs for this bus."""
    # The one for clouds has no AHCI.
    kernel = linux_kernel(PC, "amd64") if bus == "ahci" else linux_kernel(LINUX)
    program = LINUX / "io"
    source = ROOT / "tests/bench/io_linux.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-static", "-o", program, source], check=True)
    files = {"init": program.read_bytes(), "modules": None, **modules(kernel, MODULES[bus])}
    return kernel, initramfs(LINUX / f"io-{bus}", files)


def run(board, device, disk, guest, count, *more):
    """What a guest prints: seconds by kind of work. `guest` is Linux's two files, or None."""
    command = ["--board", board, "--memory", "512M", "--timeout", "300"]
    text = f"COUNT={count}"
    drive = f"if=none,id=disk,format=raw,cache=writeback,file={disk}"
    extra = ["-drive", drive, *device.split(), *more]
    if guest is None:
        command += ["--append", f"{text} log=quiet", ROOT / "tests/bench/io", "--", *extra]
        command = [sys.executable, ROOT / "scripts/run.py", *command]
    else:
        launcher = [sys.executable, ROOT / "scripts/run.py", *command, "--dry-run", "--", *extra]
        said = subprocess.check_output(launcher, text=True, stdin=subprocess.DEVNULL)
        command = shlex.split(said)
        kernel, image = guest
        command[command.index("-kernel") + 1] = str(kernel)
        command += ["-initrd", str(image)]
        quiet = "console=ttyS0 quiet panic=-1 mitigations=off rdinit=/init"
        command += ["-append", f"{quiet} {text}"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    pattern = rf"^({'|'.join(WORK)}) ([0-9.]+)\r?$"
    found = {name: float(value) for name, value in re.findall(pattern, done.stdout, re.MULTILINE)}
    if len(found) < len(WORK):
        sys.exit(f"{board}: it has not run:\n{done.stdout}{done.stderr}")
    return found


def instructions(board, device, disk, guest, plugin):
    """What a block costs, of a random read."""
    totals = []
    with tempfile.NamedTemporaryFile() as file:
        for count in (FEW, MANY):
            run(board, device, disk, guest, count, "-plugin", f"{plugin},out={file.name}")
            lines = [line.split() for line in Path(file.name).read_text().splitlines()]
            totals.append(sum(int(size) * int(times) for _, size, times in lines))
    return (totals[1] - totals[0]) / (MANY - FEW)


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--runs", type=int, default=3, help="of each, of which the best counts")
    options = parser.parse_args()
    BUILD.mkdir(parents=True, exist_ok=True)
    plugin = BUILD / "profile.so"
    source = ROOT / "tests/bench/profile.c"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", plugin], check=True)
    disk = BUILD / "io.img"
    disk.write_bytes(bytes(SIZE))
    LINUX.mkdir(parents=True, exist_ok=True)
    figures = []
    print("MB/s, the best of runs that took turns: here, Linux's, the ratio; instructions a block")
    for (board, bus), device in MACHINES.items():
        try:
            guests = {"here": None, "linux": linux(bus)}
        except NoLinux as problem:
            sys.exit(f"{problem}\nNothing to compare with.")
        best = {}
        for _ in range(options.runs):
            for name, guest in guests.items():
                for work, seconds in run(board, device, disk, guest, 0).items():
                    rate = WORK[work] / seconds / 1e6
                    best[name, work] = max(rate, best.get((name, work), 0))
        costs = {
            name: instructions(board, device, disk, guest, plugin)
            for name, guest in guests.items()
        }
        for work in WORK:
            here, there = best["here", work], best["linux", work]
            print(
                f"{board:8}{bus:8}{work:14}{here:9.1f}{there:9.1f}{here / there:7.2f}", flush=True
            )
            row = {"board": board, "bus": bus, "work": work, "here": here, "linux": there}
            figures.append(row)
        print(
            f"{board:8}{bus:8}instructions  {costs['here']:9.0f}{costs['linux']:9.0f}", flush=True
        )
        figures.append({"board": board, "bus": bus, "work": "instructions", **costs})
    ratios = [row["here"] / row["linux"] for row in figures if row["work"] != "instructions"]
    print(f"geometric mean of the ratios: {statistics.geometric_mean(ratios):.2f}")
    (BUILD / "io.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
