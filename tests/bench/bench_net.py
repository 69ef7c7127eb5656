#!/usr/bin/env python3
"""What a web server and TCP do in a second, here and in upstream's unix port on Debian's Linux,
the same program in the same QEMU; how many connections it holds; and how soon it answers."""

import argparse
import contextlib
import json
import os
import re
import shlex
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench_io import modules
from bench_vm import make
from linux_guest import NoLinux, initramfs, linux_kernel

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build" / "bench"
LINUX = BUILD / "linux"
PROGRAM = ROOT / "tests/bench/net"
SERVER = ROOT / "tests/images/webserver/webserver"
PORTS = {"http": 80, "https": 443, "take": 5001, "give": 5002}
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
SECONDS = 5  # that each measurement lasts
CONNECTIONS = 600
UNIX_OPTIONS = ["MICROPY_PY_FFI=0", "MICROPY_PY_BTREE=0", "MICROPY_PY_JNI=0"]


def program(folder, mpy_dir):
    """The program's folder, with the server and a certificate."""
    shutil.copytree(PROGRAM, folder)
    shutil.copytree(SERVER, folder / "webserver", ignore=shutil.ignore_patterns("__pycache__"))
    for kind in ("cert", "key"):
        shutil.copy(mpy_dir / f"tests/multi_net/ec_{kind}.der", folder / f"{kind}.der")
    return folder


def unix_port(mpy_dir, mbedtls_dir):
    """Upstream's own build of it, static, with TLS: it is all that there is on that Linux."""
    folder = LINUX / "unix-net" / "unix"
    make(
        mpy_dir / "ports/unix",
        [f"BUILD={folder}", "VARIANT=standard", "LDFLAGS_EXTRA=-static", "FROZEN_MANIFEST="]
        # Upstream's makefile takes it from the top of its source.
        + [f"MBEDTLS_DIR={os.path.relpath(mbedtls_dir, mpy_dir)}", *UNIX_OPTIONS],
    )
    return folder / "micropython"


def linux(app, mpy_dir, mbedtls_dir):
    """Linux's kernel, and an initramfs with the unix port, asyncio and the program."""
    kernel = linux_kernel(LINUX)
    init = LINUX / "net"
    source = ROOT / "tests/bench/net_linux.c"
    subprocess.run(["cc", "-O2", "-Wall", "-Werror", "-static", "-o", init, source], check=True)
    files = {"init": init.read_bytes(), "modules": None}
    files |= modules(kernel, ("virtio_pci", "virtio_mmio", "virtio_net"))
    files["micropython"] = unix_port(mpy_dir, mbedtls_dir).read_bytes()
    files |= {"rom": None, "rom/asyncio": None, "rom/webserver": None}
    for path in sorted(app.rglob("*")):
        if path.is_file():
            files[f"rom/{path.relative_to(app)}"] = path.read_bytes()
    for path in sorted((mpy_dir / "extmod/asyncio").glob("*.py")):
        files[f"rom/asyncio/{path.name}"] = path.read_bytes()
    return kernel, initramfs(LINUX / "net.cpio", files)


class Machine:
    """A guest that serves; `ports` are the host's that lead to it."""

    def __init__(self, kernel, app, guest, board="q35", append=""):
        forwards = ",".join(f"hostfwd=tcp:0:{port}" for port in PORTS.values())
        command = [sys.executable, ROOT / "scripts/run.py", "--kernel", kernel, "--dry-run"]
        command += ["--board", board, "--memory", "256M", "--net", f"user,{forwards}"]
        if guest is None:
            command += ["--append", "log=quiet", *([app] if app else [])]
        said = subprocess.check_output(
            command, text=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        command = shlex.split(said)
        if guest is not None:
            command[command.index("-kernel") + 1] = str(guest[0])
            command[command.index("-append") + 1] = (
                f"console=ttyS0 quiet panic=-1 mitigations=off rdinit=/init {append}"
            )
            command += ["-initrd", str(guest[1])]
        self.ports = {
            name: int(re.search(rf":(\d+)-:{port}\b", said)[1]) for name, port in PORTS.items()
        }
        self.started = time.monotonic()
        self.qemu = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def wait(self):
        said = b""
        while not said.endswith((b"serves\r\n", b"serves\n", b"/\r\n")):
            line = self.qemu.stdout.readline()
            if not line:
                sys.exit(f"it does not serve:\n{said.decode(errors='replace')}")
            said += line
        return self

    def connect(self, name, timeout=60):
        return socket.create_connection(("127.0.0.1", self.ports[name]), timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.qemu.kill()
        self.qemu.communicate()


def ask(connection):
    """One request and its whole answer."""
    connection.sendall(REQUEST)
    data = b""
    while True:
        head, found, body = data.partition(b"\r\n\r\n")
        if found and len(body) >= int(re.search(rb"Content-Length: (\d+)", head)[1]):
            return data
        more = connection.recv(65536)
        if not more:
            raise ConnectionError("closed in the middle")
        data += more


def requests(machine):
    """A second's requests by 8 connections that stay, by wrk."""
    url = f"http://127.0.0.1:{machine.ports['http']}/"
    said = subprocess.check_output(["wrk", "-t1", "-c8", f"-d{SECONDS}s", url], text=True)
    if "Non-2xx" in said:
        sys.exit(f"wrk was refused:\n{said}")
    return float(re.search(r"Requests/sec: +([0-9.]+)", said)[1])


def held(machine):
    """How many connections are held at once, each answered when all are there."""
    with contextlib.ExitStack() as stack:
        connections = []
        with contextlib.suppress(OSError):
            while len(connections) < CONNECTIONS:
                connection = stack.enter_context(machine.connect("http", timeout=10))
                ask(connection)
                connections.append(connection)
        answered = 0
        with contextlib.suppress(OSError):
            for connection in connections:
                ask(connection)
                answered += 1
        return answered


def sent(machine):
    """MB in a second to the guest."""
    block = bytes(1 << 16)
    total = 0
    with machine.connect("take") as connection:
        start = time.monotonic()
        while time.monotonic() - start < SECONDS:
            connection.sendall(block)
            total += len(block)
        # It closes when it has taken all.
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)
        return total / (time.monotonic() - start) / 1e6


def received(machine):
    """MB in a second from the guest."""
    total = 0
    with machine.connect("give") as connection:
        start = time.monotonic()
        while time.monotonic() - start < SECONDS:
            total += len(connection.recv(1 << 20))
        return total / (time.monotonic() - start) / 1e6


def handshakes(machine):
    """A second's TLS handshakes, one after the other, each with one request."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    count = 0
    start = time.monotonic()
    while time.monotonic() - start < SECONDS:
        with context.wrap_socket(machine.connect("https")) as connection:
            ask(connection)
        count += 1
    return count / (time.monotonic() - start)


MEASURES = {
    "requests/s": requests,
    "connections held": held,
    "MB/s to the guest": sent,
    "MB/s from the guest": received,
    "TLS handshakes/s": handshakes,
}


def first_answer(image, board):
    """Seconds from QEMU's start to the first answer of a kernel with the server in it, which is
    asked once it says that it serves: for a second QEMU's network keeps what comes earlier."""
    with (
        Machine(image, None, None, board).wait() as machine,
        machine.connect("http") as connection,
    ):
        ask(connection)
        return time.monotonic() - machine.started


def server_image():
    """The kernel of tests/images/webserver."""
    make(ROOT, ["image", "NAME=webserver", "ISO=0"])
    return ROOT / "build/images/webserver/webserver.elf"


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
    add("--mpy-dir", type=Path, default=ROOT / ".deps/micropython-1.25.0")
    add("--mbedtls-dir", type=Path, default=ROOT / ".deps/mbedtls-3.6")
    add("--runs", type=int, default=3, help="of each, of which the best counts")
    options = parser.parse_args()
    LINUX.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        app = program(Path(folder) / "app", options.mpy_dir)
        try:
            guests = {"here": None, "linux": linux(app, options.mpy_dir, options.mbedtls_dir)}
        except NoLinux as problem:
            sys.exit(f"{problem}\nNothing to compare with.")
        best = {}
        for _ in range(options.runs):
            for name, guest in guests.items():
                with Machine(options.kernel, app, guest).wait() as machine:
                    for what, measure in MEASURES.items():
                        best[name, what] = max(measure(machine), best.get((name, what), 0))
        figures = []
        print("the best of runs that took turns: here, Linux's, the ratio")
        for what in MEASURES:
            here, there = best["here", what], best["linux", what]
            print(f"{what:24}{here:9.1f}{there:9.1f}{here / there:7.2f}", flush=True)
            figures.append({"work": what, "here": here, "linux": there})
    times = [first_answer(server_image(), "microvm") for _ in range(5)]
    print(f"from QEMU's start to the first answer, on microvm: {min(times):.3f} s at best,")
    print(f"{statistics.median(times):.3f} s in the middle of {len(times)}")
    figures.append({"work": "first answer", "here": min(times)})
    (BUILD / "net.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
