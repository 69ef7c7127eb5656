#!/usr/bin/env python3
"""What Python's steps cost here and in upstream's unix port on Debian's cloud kernel, in the same
QEMU, in instructions."""

import argparse
import math
import sys

from bench_vm import BUILD, OPTIONS, make, make_app, measure, read_counts, run
from linux_guest import NoLinux, initramfs, linux_kernel

LINUX = BUILD / "linux"
# What the unix port would want libraries for, and no benchmark does.
UNIX_OPTIONS = ["MICROPY_PY_FFI=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_SSL=0", "MICROPY_PY_JNI=0"]


def unix_port(mpy_dir):
    """Upstream's own build of it, static: it is all that there is on that Linux."""
    folder = LINUX / "unix"
    arguments = [
        f"BUILD={folder}",
        "VARIANT=standard",
        "LDFLAGS_EXTRA=-static",
        "FROZEN_MANIFEST=",
    ]
    make(mpy_dir / "ports/unix", [*arguments, *UNIX_OPTIONS])
    return folder / "micropython"


def image(micropython, app):
    files = {"micropython": micropython.read_bytes(), "rom": None}
    files |= {f"rom/{path.name}": path.read_bytes() for path in sorted(app.iterdir())}
    return initramfs(LINUX / "initramfs", files)


def measure_linux(kernel, image):
    """One instruction takes a nanosecond, and the heap is so big that it hardly collects."""
    arguments = "console=ttyS0 quiet panic=-1 mitigations=off rdinit=/micropython"
    arguments += " -- -X heapsize=32M /rom/main.py"
    command = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-m", "512M", "-no-reboot"]
    command += ["-nodefaults", "-display", "none", "-serial", "stdio", "-accel", "tcg"]
    command += ["-icount", "shift=0,sleep=off", "-kernel", kernel, "-initrd", image]
    text = run([*command, "-append", arguments], timeout=1800)
    counts = read_counts(text)
    if not counts:
        sys.exit(f"Linux has not run it:\n{text}")
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[OPTIONS], allow_abbrev=False)
    options = parser.parse_args()
    LINUX.mkdir(parents=True, exist_ok=True)
    app = make_app(options.mpy_dir)
    try:
        linux_is = linux_kernel(LINUX)
    except NoLinux as problem:
        sys.exit(f"{problem}\nNothing to compare with.")
    linux = measure_linux(linux_is, image(unix_port(options.mpy_dir), app))
    kernel = measure(options.kernel.resolve(), app)

    print(f"{'instructions':24}{'kernel':>14}{'Linux':>14}{'ratio':>8}")
    ratios = {name: linux[name] / kernel[name] for name in kernel if linux.get(name, 0) > 0}
    for name, ratio in ratios.items():
        print(f"{name:24}{kernel[name]:14}{linux[name]:14}{ratio:8.2f}")
    benchmarks = [ratio for name, ratio in ratios.items() if (app / f"{name}.py").exists()]
    steps = [ratio for name, ratio in ratios.items() if not (app / f"{name}.py").exists()]
    for kind, values in (("perf_bench", benchmarks), ("steps", steps)):
        mean = math.exp(sum(map(math.log, values)) / len(values))
        print(f"{kind}: geometric mean {mean:.2f}, least {min(values):.2f}")


if __name__ == "__main__":
    main()
