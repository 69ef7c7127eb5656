"""Disks' drivers in C on the host, under ASan and UBSan, with devices that this plays."""

import re
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "build" / "host"


@pytest.fixture(scope="module", autouse=True)
def binary():
    """Build once, also when xdist has several workers."""
    import fcntl

    OUT.mkdir(parents=True, exist_ok=True)
    with open(OUT / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(["make", "-s", "-f", HERE / "Makefile", "drives"], check=True)


@pytest.mark.parametrize("seed", range(1, 4))
def test_devices(seed):
    """Honest devices have what the model has; liars reach nothing but what they are given."""
    done = subprocess.run(
        [OUT / "drives_machine", str(seed), "4000"], capture_output=True, text=True, check=False
    )
    found = re.fullmatch(r"4000 steps, (\d+) devices ended\n", done.stdout)
    assert found, done.stderr
    # Lies are found out: a device that tells them does not last.
    assert int(found[1]) > 10
