#!/usr/bin/env python3
"""What a collection costs with 256 MiB of small objects, half of them garbage the second time.

Boots the kernel given (default: the one that make built) with 1 GiB and prints milliseconds.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import gc, pages, time
def collect(what):
    start = time.ticks_us()
    gc.collect()
    us = time.ticks_diff(time.ticks_us(), start)
    print("%-44s %9.1f ms" % (what, us / 1000))
def fill(size):
    top = None
    block = [None] * 4
    while gc.mem_alloc() < size:
        for _ in range(50000):
            top = [top, None, None, None]
    return top
start = time.ticks_ms()
top = fill(256 << 20)
spent = time.ticks_diff(time.ticks_ms(), start)
print("%-44s %9d ms" % ("filling 256 MiB, with the heap's growth", spent))
print("%-44s %9d MiB" % ("heap", pages.stats().heap >> 8))
collect("gc.collect(), all of it in use")
node = top
while node and node[0]:
    node[0] = node[0][0]
    node = node[0]
node = None
collect("gc.collect(), half of it garbage")
collect("gc.collect(), the half that is left")
top = None
collect("gc.collect(), the rest is garbage")
collect("gc.collect(), nothing but the kernel's own")
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kernel", nargs="?", default=ROOT / "build/kernel/ringzero.elf")
    kernel = parser.parse_args().kernel
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "main.py"
        program.write_text(PROGRAM)
        launch = [sys.executable, ROOT / "scripts" / "run.py", "--kernel", kernel]
        launch += ["--memory", "1G", "--append", "log=quiet", program]
        return subprocess.run(launch).returncode


if __name__ == "__main__":
    sys.exit(main())
