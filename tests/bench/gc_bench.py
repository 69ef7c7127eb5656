#!/usr/bin/env python3
"""What the heap costs as it grows, and how long collections stop a program.

Boots the kernel given (default: the one that make built) with 1 GiB and counts instructions, which
are the same on any machine; and with 2 GiB for the time of collections, up to 1 GiB in use.
"""

import argparse
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build" / "bench"
WORK = """
import gc, time
def lists(size):
    top = None
    for _ in range(size // 64):
        top = [top, None, None, None]
    return top
def blocks():
    return [bytearray(100) for _ in range(1000000)]
def large():
    return [bytearray(1 << 20) for _ in range(384)]
def tuples():
    return [(i, i) for i in range(500000)]
def text():
    s = ""
    for _ in range(10000):
        s += "x"
def append():
    from array import array
    a = array("q")
    for i in range(1000000):
        a.append(i)
def measure(what, function):
    gc.collect()
    start = time.ticks_us()
    result = function()
    # An instruction is a nanosecond.
    print("%-50s %8d M" % (what, time.ticks_diff(time.ticks_us(), start) // 1000))
    return result
measure("[bytearray(100) for _ in range(1000000)]", blocks)
measure("[bytearray(1 << 20) for _ in range(384)]", large)
measure("500,000 tuples", tuples)
measure("s += 'x', 10,000 times", text)
measure("array.append(), 1,000,000 times", append)
top = lists(64 << 20)
measure("gc.collect(), 64 MiB of linked lists", gc.collect)
top = [bytearray(100) for _ in range((64 << 20) // 160)]
measure("gc.collect(), 64 MiB as a list of bytearray(100)", gc.collect)
"""
PAUSES = """
import gc, pages, time
def collect(what):
    start = time.ticks_us()
    gc.collect()
    us = time.ticks_diff(time.ticks_us(), start)
    print("%-44s %9.1f ms" % (what, us / 1000))
    return us
top = None
pauses = []
spent = 0
for mib in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024):
    start = time.ticks_ms()
    while gc.mem_alloc() < mib << 20:
        for _ in range(5000 if mib < 16 else 50000):
            top = [top, None, None, None]
    spent += time.ticks_diff(time.ticks_ms(), start)
    if mib == 256:
        print("%-44s %9d ms" % ("filling 256 MiB, with the heap's growth", spent))
        print("%-44s %9d MiB" % ("heap", pages.stats().heap >> 8))
    pauses.append(collect("gc.collect(), %d MiB in use" % mib) / mib)
pauses.sort()
print("pause per MiB: largest %d us, median %d us" % (pauses[-1], pauses[len(pauses) // 2]))
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


def run(kernel, program, memory, *qemu):
    """The status, and what the program printed, which is shown as it comes."""
    with tempfile.TemporaryDirectory() as folder:
        main = Path(folder) / "main.py"
        main.write_text(program)
        launch = [sys.executable, ROOT / "scripts" / "run.py", "--kernel", kernel]
        launch += ["--memory", memory, "--append", "log=quiet", main, "--", *qemu]
        run = subprocess.Popen(launch, stdout=subprocess.PIPE, text=True)
        said = ""
        for line in run.stdout:
            print(line, end="", flush=True)
            said += line
        return run.wait(), said


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kernel", nargs="?", default=ROOT / "build/kernel/ringzero.elf")
    kernel = parser.parse_args().kernel
    status, _ = run(kernel, WORK, "1G", "-icount", "shift=0,sleep=off")
    if status:
        return status
    status, said = run(kernel, PAUSES, "2G")
    pauses = re.findall(r"gc\.collect\(\), (\d+) MiB in use +([0-9.]+) ms", said)
    BUILD.mkdir(parents=True, exist_ok=True)
    (BUILD / "gc.json").write_text(json.dumps([(int(mib), float(ms)) for mib, ms in pauses]))
    return status


if __name__ == "__main__":
    sys.exit(main())
