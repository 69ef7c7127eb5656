#!/usr/bin/env python3
"""Runs the boot tests in other emulators: all of them in other QEMUs, some in Bochs from an ISO.

Prints how each has ended. What only QEMU can do is left out in Bochs, and what takes it too long.
"""

import argparse
import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import tty
from pathlib import Path
from threading import Thread

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ROOT / "build" / "kernel" / "ringzero.elf"
BOOT = ROOT / "tests" / "boot"
BOCHS_FILES = "acpi console cpus cpus_queue frames machine memory messages native paging smbios"
BOCHS_FILES += " start time"

BOCHS_MEGS, BOCHS_CPUS = 64, 2  # of more it takes long to take all
# Its screen on a terminal, and no sound.
BOCHS = """\
megs: {megs}
cpu: model=bx_generic, count={cpus}, ips=120000000, reset_on_triple_fault=0
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
vga: extension=none
display_library: term
boot: cdrom
ata0-master: type=cdrom, path={image}, status=inserted
com1: enabled=1, mode=socket-server, dev=localhost:{port}
sound: waveoutdrv=dummy, waveindrv=dummy, midioutdrv=dummy
speaker: enabled=0
clock: sync=none
log: {log}
"""


def tests(*arguments, path=os.environ["PATH"]):
    """pytest's status for these files or folders, with these options."""
    command = [sys.executable, "-m", "pytest", "-q", f"--kernel={KERNEL}", *arguments]
    return subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}).returncode


def qemu(program):
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "qemu-system-x86_64").symlink_to(Path(program).resolve())
        path = f"{folder}{os.pathsep}{os.environ['PATH']}"
        return tests("-n", str(os.cpu_count()), BOOT, path=path)


@contextlib.contextmanager
def bochs(folder):
    """Bochs with the kernel's ISO; the place of its console."""
    image = folder / "ringzero.iso"
    command = [sys.executable, ROOT / "scripts" / "image.py", "iso", "--kernel", KERNEL]
    subprocess.run([*command, "--output", image], check=True)
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    config = folder / "bochsrc"
    config.write_text(
        BOCHS.format(
            megs=BOCHS_MEGS, cpus=BOCHS_CPUS, image=image, port=port, log=folder / "bochs.log"
        )
    )
    ours, theirs = os.openpty()
    run = subprocess.Popen(
        ["bochs", "-q", "-f", config], stdin=theirs, stdout=theirs, stderr=theirs
    )
    shown = bytearray()

    def read(fd):
        with contextlib.suppress(OSError):
            while data := os.read(fd, 65536):
                shown.extend(data)

    def wait_for(pattern):
        deadline = time.monotonic() + 60
        while not (found := re.search(pattern, shown)):
            if run.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"Bochs has not started:\n{shown.decode(errors='replace')}")
            time.sleep(0.1)
        return found

    try:
        Thread(target=read, args=(ours,), daemon=True).start()
        os.write(ours, b"c\n")  # to the debugger that Debian builds in
        # Its screen is a terminal of its own. Bochs waits for ever when nobody reads that.
        screen = os.open(wait_for(rb'connected to screen "(.*?)"')[1], os.O_RDWR | os.O_NOCTTY)
        tty.setraw(screen)
        Thread(target=read, args=(screen,), daemon=True).start()
        wait_for(rb"waiting for client")
        yield f"localhost:{port}"
    finally:
        run.kill()
        run.wait()


def known_qemus():
    """The one on the path, and the one that set-up has fetched."""
    fetched = sorted(ROOT.glob(".deps/qemu-*/qemu-system-x86_64"))
    if not fetched:
        sys.exit("There is no other QEMU in .deps: scripts/setup.sh emulators fetches it.")
    return [shutil.which("qemu-system-x86_64"), *fetched]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "qemus", nargs="*", metavar="QEMU", help="(default: those on the path and in .deps)"
    )
    ends = {}
    for program in parser.parse_args().qemus or known_qemus():
        version = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=True
        )
        ends[version.stdout.splitlines()[0]] = qemu(program)
    with tempfile.TemporaryDirectory() as folder, bochs(Path(folder)) as place:
        options = [f"--console={place}", f"--memory={BOCHS_MEGS}M", f"--smp={BOCHS_CPUS}"]
        files = [BOOT / f"test_{name}.py" for name in BOCHS_FILES.split()]
        ends["Bochs"] = tests(*options, "--timeout=900", *files)
    for name, status in ends.items():
        print(f"{name}: {'passed' if status == 0 else 'failed'}")
    return any(ends.values())


if __name__ == "__main__":
    sys.exit(main())
