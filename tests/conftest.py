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
    if not any(pluginmanager.hasplugin(name) for name in ("ringzero", "pytest_ringzero")):
        sys.path.insert(0, str(Path(__file__).parent / "kit"))
        pluginmanager.register(importlib.import_module("pytest_ringzero"), "ringzero")


@pytest.fixture(scope="session")
def mpy_dir():
    """The MicroPython source that the tests' kernel is built with."""
    return Path(os.environ.get("MPY_DIR") or ROOT / ".deps/micropython-1.25.0").resolve()


@pytest.fixture(scope="session")
def unix_port_program():
    """MicroPython's unix port, built where nothing has built it yet."""
    UNIX.parents[1].mkdir(parents=True, exist_ok=True)
    with open(UNIX.parents[1] / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not UNIX.exists():
            subprocess.run(["make", "-C", ROOT / "tests" / "host", "unix"], check=True)
    return UNIX
