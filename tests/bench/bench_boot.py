#!/usr/bin/env python3
"""The time from QEMU's start to the prompt, with one CPU and with several, beside that to the end
of a kernel that only exits."""

import argparse
import json
import os
import re
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "bench"
MANY = 8  # CPUs
PROMPT = b"\n>>> "


def exit_only():
    """Built as big as nothing, at the place where the kernel is."""
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / "exit-only.elf"
    subprocess.run(
        ["gcc", "-m64", "-nostdlib", "-static", "-no-pie", "-Wl,-Ttext=0x100000", "-Wl,-n"]
        + ["-Wl,--build-id=none", "-Wl,-z,noexecstack", "-o", path]
        + [ROOT / "tests" / "bench" / "exit_only.S"],
        check=True,
    )
    return path


def command(board, kernel, cpus=1):
    """QEMU's, from the launcher, so that its own start is not in the figures."""
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "run.py", "--board", board, "--kernel", kernel]
        + ["--smp", str(cpus), "--dry-run"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return shlex.split(done.stdout)


def time_exit(qemu):
    start = time.perf_counter()
    subprocess.run(qemu, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000


def time_prompt(qemu):
    """Milliseconds, and what the kernel says that it needed itself."""
    start = time.perf_counter()
    process = subprocess.Popen(qemu, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    said = b""
    while PROMPT not in said:
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            sys.exit(f"no prompt:\n{said.decode(errors='replace')}")
        said += data
    spent = (time.perf_counter() - start) * 1000
    process.kill()
    process.communicate()
    return spent, int(re.search(rb"started in (\d+) ms", said)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("boards", metavar="BOARD", nargs="*", default=["microvm", "q35"])
    parser.add_argument("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
    parser.add_argument("--count", type=int, default=15)
    options = parser.parse_args()

    empty = exit_only()
    rows = []
    for board in options.boards:
        to_exit, to_prompt = command(board, empty), command(board, options.kernel)
        many_exit, many_prompt = command(board, empty, MANY), command(board, options.kernel, MANY)
        exits, prompts, own, many_exits, many_prompts = [], [], [], [], []
        for _ in range(options.count):  # in turns, so that a busy host slows both
            exits.append(time_exit(to_exit))
            spent, said = time_prompt(to_prompt)
            prompts.append(spent)
            own.append(said)
            many_exits.append(time_exit(many_exit))
            many_prompts.append(time_prompt(many_prompt)[0])
        many = statistics.median(many_prompts)
        ratio = statistics.median(prompts) / statistics.median(exits)
        for cpus, ends, starts in (1, exits, prompts), (MANY, many_exits, many_prompts):
            ms = {"exit_ms": statistics.median(ends), "prompt_ms": statistics.median(starts)}
            rows.append({"board": board, "cpus": cpus, **ms})
        print(
            f"{board}: prompt after {statistics.median(prompts):.0f} ms, of which the kernel says "
            f"{statistics.median(own):.0f} are its own; exit after {statistics.median(exits):.0f} "
            f"ms; {ratio:.2f} times\n"
            f"{board} with {MANY} CPUs: prompt after {many:.0f} ms, "
            f"{many / statistics.median(prompts):.2f} times; exit after "
            f"{statistics.median(many_exits):.0f} ms, "
            f"{statistics.median(many_exits) / statistics.median(exits):.2f} times"
        )
    (BUILD / "boot.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
