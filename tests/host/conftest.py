"""MicroPython's unix port, driven from pytest: the kernel's Python is tested in it."""

import fcntl
import json
import os
import subprocess
from pathlib import Path

import pytest

HOST = Path(__file__).parent
TOP = HOST.parent.parent
BUILD = TOP / "build" / "host"


def build(target, *variables):
    """Make one thing, in one of the processes that share a run; what make says is the failure."""
    BUILD.mkdir(parents=True, exist_ok=True)
    with open(BUILD / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            ["make", "-s", "-f", HOST / "Makefile", target, *variables],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        pytest.fail(f"{target} does not build:\n{done.stdout}{done.stderr}")


class UnixPort:
    """A process of the unix port with the kernel's modules on its path."""

    class Failed(Exception):
        """An exception in there: `kind`, the name of its type, and `message`."""

        def __init__(self, kind, message):
            super().__init__(f"{kind}: {message}")
            self.kind = kind
            self.message = message

    def __init__(self, heap="8m"):
        self.process = subprocess.Popen(
            [BUILD / "unix" / "micropython", "-X", f"heapsize={heap}", HOST / "serve.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(os.environ, MICROPYPATH=f"{TOP}/modules:{TOP}/modules/layouts:.frozen"),
            text=True,
            bufsize=1,
        )

    def _ask(self, source, is_expression):
        self.process.stdin.write(json.dumps([source, is_expression]) + "\n")
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the unix port ended with {self.process.wait()} in: {source}")
        kind, value = json.loads(line)
        if kind is not None:
            raise self.Failed(kind, value)
        return value

    def exec(self, source):
        self._ask(source, False)

    def eval(self, expression):
        return self._ask(expression, True)

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(10)


@pytest.fixture(scope="module")
def unix_port(unix_port_program):
    port = UnixPort()
    yield port
    assert port.close() == 0


@pytest.fixture
def small_unix_port(unix_port_program):
    """One with the kernel's heap: 1 MiB."""
    port = UnixPort("1m")
    yield port
    assert port.close() == 0


@pytest.fixture(scope="module")
def large_unix_port(unix_port_program):
    """One with room for much of the machine's memory in its own."""
    port = UnixPort("32m")
    yield port
    assert port.close() == 0
