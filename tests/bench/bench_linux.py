#!/usr/bin/env python3
"""What Python's steps cost here and in upstream's unix port on Debian's cloud kernel, in the same
QEMU, in instructions."""

import argparse
import math
import re
import shutil
import stat
import sys

from bench_vm import BUILD, OPTIONS, make, make_app, measure, read_counts, run

LINUX = BUILD / "linux"
PACKAGE = "linux-image-cloud-amd64"
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


def linux_kernel():
    """Debian's, for machines like QEMU's."""
    if not shutil.which("apt-get"):
        sys.exit("There is no apt-get here, which Linux comes by: nothing to compare with.")
    kernels = sorted(LINUX.glob("package/boot/vmlinuz-*"))
    if not kernels:
        depends = run(["apt-cache", "depends", PACKAGE])
        package = re.search(r"Depends: (linux-image-\S+)", depends)
        if not package:
            sys.exit(f"apt knows no {PACKAGE}: nothing to compare with.\n{depends}")
        run(["apt-get", "-qq", "download", package[1]], cwd=LINUX)
        run(["dpkg-deb", "-x", next(LINUX.glob("linux-image-*.deb")), LINUX / "package"])
        kernels = sorted(LINUX.glob("package/boot/vmlinuz-*"))
    return kernels[-1]


def entry(name, mode, data=b"", device=(0, 0)):
    """Of a cpio archive in the format of Linux's initramfs (buffer-format.rst)."""
    path = name.encode() + b"\0"
    fields = [0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(path), 0]
    header = b"070701" + b"".join(b"%08x" % field for field in fields) + path
    return b"".join(part + bytes(-len(part) % 4) for part in (header, data))


def initramfs(micropython, app):
    archive = entry("dev", stat.S_IFDIR | 0o755)
    archive += entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))
    archive += entry("rom", stat.S_IFDIR | 0o755)
    archive += entry("micropython", stat.S_IFREG | 0o755, micropython.read_bytes())
    for path in sorted(app.iterdir()):
        archive += entry(f"rom/{path.name}", stat.S_IFREG | 0o644, path.read_bytes())
    archive += entry("TRAILER!!!", 0)
    image = LINUX / "initramfs"
    image.write_bytes(archive)
    return image


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
    linux = measure_linux(linux_kernel(), initramfs(unix_port(options.mpy_dir), app))
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
