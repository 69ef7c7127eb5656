#!/usr/bin/env python3
"""Runs the kit's tests in a lab of labgrid's, on this machine: a coordinator, two exporters with a
place each, tests spread over both; and on a guest that labgrid's QEMUDriver starts.

What stands for the PCs of the places is QEMU, with a serial port on TCP and a switch on HTTP; all
that it can boot is what its place has on a TFTP server, from which its network card's ROM boots.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
KERNEL = ROOT / "build" / "kernel" / "ringzero.elf"
LAB = ROOT / "build" / "lab"
TFTP = LAB / "tftp"
KIT = ROOT / "tests" / "kit"
# labgrid has a pyserial of its own, which mpremote's would be written over: an environment of its
# own, where mpremote comes without what it needs.
NEEDS = ["labgrid==26.0.1", "pytest-xdist", "pexpect", "pyelftools", "pytest-timeout", "qemu.qmp"]
NEEDS += ["pytest", "platformdirs"]
PLACES = ("one", "two")


def environment():
    """The bin/ of the environment, made where there is none."""
    venv = LAB / "venv"
    stamp = venv / "stamp"
    if not stamp.exists() or stamp.read_text() != " ".join(NEEDS):
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip = [venv / "bin/pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, *NEEDS], check=True)
        subprocess.run([*pip, "--no-deps", "mpremote==1.26.1"], check=True)
        stamp.write_text(" ".join(NEEDS))
    return venv / "bin"


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Machine:
    """A PC, as far as a lab sees one."""

    def __init__(self, name):
        self.port = free_port()
        shutil.rmtree(TFTP / name, ignore_errors=True)
        (TFTP / name).mkdir(parents=True)
        command = ["qemu-system-x86_64", "-machine", "q35", "-cpu", "max", "-nodefaults"]
        command += ["-display", "none", "-no-shutdown", "-S", "-qmp", "stdio"]
        command += ["-netdev", f"user,id=net,tftp={TFTP},bootfile={name}/bios.0"]
        command += ["-device", "e1000,netdev=net,bootindex=0"]
        command += ["-serial", f"tcp:127.0.0.1:{self.port},server=on,wait=off"]
        self.qemu = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.command("qmp_capabilities")

    def command(self, name):
        self.qemu.stdin.write(json.dumps({"execute": name}).encode() + b"\n")
        self.qemu.stdin.flush()
        while b'"return"' not in self.qemu.stdout.readline():
            pass

    def switch(self, on):
        for name in ("system_reset", "cont") if on else ("stop",):
            self.command(name)


def serve(machines):
    """The power switch: PUT /N with 0 or 1."""

    class Handler(BaseHTTPRequestHandler):
        def do_PUT(self):
            data = self.rfile.read(int(self.headers["Content-Length"]))
            machines[int(self.path[1:])].switch(data == b"1")
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


@contextlib.contextmanager
def lab(bin):
    """Coordinator, exporters and places; the coordinator's address."""
    machines = [Machine(name) for name in PLACES]
    switch = serve(machines)
    address = f"127.0.0.1:{free_port()}"
    ended = [machine.qemu for machine in machines]

    def start(name, *command):
        log = open(LAB / f"{name}.log", "wb")
        ended.append(subprocess.Popen([*command], cwd=LAB, stdout=log, stderr=log))

    def client(*arguments):
        command = [bin / "labgrid-client", "-x", address, *arguments]
        return subprocess.run(command, cwd=LAB, capture_output=True, text=True)

    def until(condition, what):
        deadline = time.monotonic() + 60
        while not condition():
            if time.monotonic() > deadline:
                sys.exit(f"labs.py: {what} in vain, see {LAB}")
            time.sleep(0.2)

    try:
        for state in LAB.glob("*.yaml"):  # what the last coordinator has kept
            state.unlink()
        start("coordinator", bin / "labgrid-coordinator", "-l", address)
        until(lambda: client("resources").returncode == 0, "waited for the coordinator")
        for number, (name, machine) in enumerate(zip(PLACES, machines, strict=True)):
            serial = {"host": "127.0.0.1", "port": machine.port, "protocol": "raw"}
            power = {"model": "rest", "host": f"http://127.0.0.1:{switch}/{{index}}"}
            resources = {
                "NetworkSerialPort": serial,
                "NetworkPowerPort": {**power, "index": number},
            }
            (LAB / f"{name}.yaml").write_text(json.dumps({"pc": resources}))
            command = [bin / "labgrid-exporter", "-c", address, "-n", f"exporter-{name}"]
            start(f"exporter-{name}", *command, LAB / f"{name}.yaml")
            until(
                lambda name=name: f"exporter-{name}/pc/NetworkSerialPort"
                in client("resources").stdout,
                f"waited for exporter-{name}",
            )
            for arguments in ["create"], ["add-match", f"exporter-{name}/pc/*"], ["acquire"]:
                done = client("-p", name, *arguments)
                if done.returncode:
                    sys.exit(f"labs.py: {arguments}: {done.stdout}{done.stderr}")
        yield address
    finally:
        for process in reversed(ended):
            process.kill()
            process.wait()


def tests(bin, name, *options):
    """pytest's status, and the places in which tests have passed."""
    report = LAB / f"{name}.xml"
    command = [
        bin / "python",
        "-m",
        "pytest",
        "-p",
        "pytest_ringzero",
        "-rs",
        "-o",
        "junit_family=xunit1",
    ]
    command += [f"--rootdir={LAB}", f"--junit-xml={report}", f"--kernel={KERNEL}", *options]
    variables = {"PYTHONPATH": str(KIT), "LG_KERNEL": str(KERNEL), "LG_TFTP": str(TFTP)}
    done = subprocess.run(
        [*command, KIT / "labgrid" / "test_lab.py"], cwd=LAB, env={**os.environ, **variables}
    )
    places = {one.get("value") for one in ElementTree.parse(report).iter("property")}
    return done.returncode, places & set(PLACES)


def main():
    LAB.mkdir(parents=True, exist_ok=True)
    bin = environment()
    alone, _ = tests(bin, "qemu", f"--lg-env={KIT}/labgrid/qemu.yaml")
    with lab(bin) as address:
        options = [f"--lg-env={KIT}/labgrid/pc.yaml", f"--lg-coordinator={address}", "-n", "2"]
        spread, places = tests(bin, "pc", *options, f"--lg-places={','.join(PLACES)}")
    print(f"labgrid's QEMUDriver: {'failed' if alone else 'passed'}")
    print(f"two places: {'failed' if spread else 'passed'}, tests in {', '.join(sorted(places))}")
    return alone or spread or places != set(PLACES)


if __name__ == "__main__":
    sys.exit(main())
