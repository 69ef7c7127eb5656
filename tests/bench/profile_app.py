#!/usr/bin/env python3
"""In which of the kernel's functions a program spends its instructions, by a plugin of QEMU's."""

import argparse
import bisect
import collections
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))
from bench_vm import BUILD, OPTIONS, boot, make_app, run  # noqa: E402
from symbols import functions  # noqa: E402

PLUGIN = Path(__file__).with_name("profile.c")


def count(kernel, app):
    """Instructions by function, and what the program printed."""
    BUILD.mkdir(parents=True, exist_ok=True)
    plugin = BUILD / "profile.so"
    run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", PLUGIN, "-o", plugin])
    known = functions("nm", kernel)
    starts = [addr for addr, _ in known]
    counts = collections.Counter()
    with tempfile.NamedTemporaryFile("r") as file:
        text = boot(kernel, app, "-plugin", f"{plugin},out={file.name}")
        for line in file:
            addr, instructions, times = line.split()
            at = bisect.bisect(starts, int(addr, 16)) - 1
            counts[known[at][1] if at >= 0 else "firmware"] += int(instructions) * int(times)
    return counts, text


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[OPTIONS], allow_abbrev=False)
    parser.add_argument("--functions", type=int, default=40, help="how many to print")
    parser.add_argument("app", nargs="?", type=Path, help="a .py file or a folder with a main.py")
    options = parser.parse_args()
    app = options.app or make_app(options.mpy_dir)
    counts, text = count(options.kernel, app)
    print(text, end="")
    total = counts.total()
    print(f"{total} instructions")
    for name, instructions in counts.most_common(options.functions):
        print(f"{100 * instructions / total:6.2f} %  {name}")


if __name__ == "__main__":
    main()
