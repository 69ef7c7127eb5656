"""Boot tests use the kit from this tree, installed or not."""

import fcntl
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UNIX = ROOT / "build" / "host" / "unix" / "micropython"


def pytest_addoption(parser, pluginmanager):
    if not pluginmanager.hasplugin("pytest_ringzero"):
        sys.path.insert(0, str(Path(__file__).parent / "kit"))
        pluginmanager.register(importlib.import_module("pytest_ringzero"), "pytest_ringzero")


@pytest.fixture(scope="session")
def mpy_dir():
    """The MicroPython source that the tests' kernel is built with."""
    return Path(os.environ.get("MPY_DIR") or ROOT / ".deps/micropython-1.25.0").resolve()


def is_built(mpy_dir):
    """Whether the unix port is there, of that source."""
    source = UNIX.with_name("mpy_dir")
    return UNIX.exists() and source.exists() and source.read_text() == f"{mpy_dir}\n"


@pytest.fixture(scope="session")
def unix_port_program(mpy_dir):
    """MicroPython's unix port, built where nothing has built it yet."""
    UNIX.parents[1].mkdir(parents=True, exist_ok=True)
    with open(UNIX.parents[1] / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_built(mpy_dir):
            command = ["make", "-C", ROOT / "tests" / "host", "unix", f"MPY_DIR={mpy_dir}"]
            subprocess.run(command, check=True)
    return UNIX
