"""Disks' drivers in C on the host, under ASan and UBSan, with devices that this plays."""

import re
import subprocess

import pytest

from tests.host.conftest import BUILD, build


@pytest.fixture(scope="module", autouse=True)
def binary():
    build("drives")


@pytest.mark.parametrize("seed", range(1, 4))
def test_devices(seed):
    """Honest devices have what the model has; liars reach nothing but what they are given."""
    done = subprocess.run(
        [BUILD / "drives_machine", str(seed), "4000"], capture_output=True, text=True, check=False
    )
    found = re.fullmatch(r"4000 steps, (\d+) devices ended\n", done.stdout)
    assert found, done.stderr
    # Lies are found out: a device that tells them does not last.
    assert int(found[1]) > 10
