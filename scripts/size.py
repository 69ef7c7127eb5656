#!/usr/bin/env python3
"""Shows what takes the room in a kernel, from the map that its linker wrote beside it."""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# KiB, of the stripped kernel with MicroPython 1.29, the largest; with 1.25 it is 1257. 11 of it
# are the layouts of ACPI's tables, 49 what runs AML, 12 pci, 34 smbios, of which 11 are the
# layouts and words of its structures, 23 cpuid, msr, mtrr and smi, 28 firmware_tests, 12
# keyboard, 16 efi, 26 the drivers of disks and of random bytes, 23 disks, 120 the network and its
# interfaces, 177 TLS and what else Mbed TLS gives. Without both it is 957 with 1.25.
LIMIT = 1280

ROOM_NAMES = ("boot", "cpu", "firmware", "frames", "memory", "devices", "net", "mpy")
KINDS = {".text": "code", ".rodata": "constants", ".data": "data", ".bss": "zeroed"}
# Folders of the build, as they are shown. What is in none of them is the port's own.
ROOMS = {
    **{f"{room}/": f"port/{room}" for room in ROOM_NAMES},
    **{f"{room}/": f"micropython/{room}" for room in ("py", "extmod", "lib", "shared", "drivers")},
    "lwip/": "lwip",
    "frozen_content.o": "modules (frozen)",
}


def room_of(file, build):
    """The room that an object file belongs to."""
    archive = re.search(r"([^/]+)\.a\(", file)
    if archive:
        return archive[1]
    try:
        name = str(Path(file).resolve().relative_to(build))
    except ValueError:
        return "user"
    for start, room in ROOMS.items():
        if name.startswith(start):
            return room
    return "port" if "/" not in name else "user"


def sections(text, build):
    """Of each input section that was kept: its output section, its room and its size."""
    text = text.partition("\nLinker script and memory map\n")[2]
    # A long name has its numbers in the next line.
    text = re.sub(r"\n( \S+)\n +(0x)", r"\n\1 \2", text)
    output = None
    rooms = {}
    for line in text.splitlines():
        found = re.match(r"(\.\S+)", line)
        if found:
            output = found[1]
            continue
        found = re.match(r" (\S+) +0x[0-9a-f]+ +0x([0-9a-f]+) (\S.*)$", line)
        if found and output in KINDS:
            size = int(found[2], 16)
            if found[1] == "*fill*" or not size:
                continue
            rooms.setdefault(found[3], room_of(found[3], build))
            yield output, rooms[found[3]], size


def output_sizes(kernel):
    listing = subprocess.run(
        ["readelf", "-SW", kernel], check=True, capture_output=True, text=True
    ).stdout
    found = re.findall(r"\] (\.\w+) +\w+ +[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+)", listing)
    return {name: int(size, 16) for name, size in found if name in KINDS}


def stripped_size(kernel):
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["strip", "-o", file.name, kernel], check=True)
        return Path(file.name).stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernel", type=Path, nargs="?", default=ROOT / "build/kernel/ringzero.elf")
    kernel = parser.parse_args().kernel.resolve()
    table = {}
    for output, room, size in sections(kernel.with_suffix(".map").read_text(), kernel.parent):
        row = table.setdefault(room, dict.fromkeys(KINDS, 0))
        row[output] += size
    # Alignment, stack and heap belong to no object file.
    total = output_sizes(kernel)
    rest = {kind: total[kind] - sum(row[kind] for row in table.values()) for kind in KINDS}
    rows = sorted(table.items(), key=lambda item: (item[0].split("/")[0], -item[1][".text"]))
    rows += [("alignment, stack, heap", rest), ("total", total)]
    print(f"{'room':24}" + "".join(f"{name:>11}" for name in KINDS.values()))
    for room, row in rows:
        print(f"{room:24}" + "".join(f"{row[kind]:11}" for kind in KINDS))
    size = stripped_size(kernel)
    print(f"\nstripped: {size} bytes, {size / 1024:.1f} KiB of at most {LIMIT} KiB")
    return size > LIMIT * 1024


if __name__ == "__main__":
    sys.exit(main())
