"""Network interfaces' drivers in C on the host, under sanitizers, with devices that this plays."""

import re
import subprocess

import pytest

from tests.host.conftest import BUILD, build


@pytest.fixture(scope="module", autouse=True)
def binary():
    build("nics")


@pytest.mark.parametrize("seed", range(1, 4))
def test_devices(seed):
    """Honest devices move what the model says; liars reach nothing but what they are given."""
    done = subprocess.run(
        [BUILD / "nics_machine", str(seed), "20000"], capture_output=True, text=True, check=False
    )
    found = re.fullmatch(
        r"20000 steps, (\d+) devices ended, (\d+) frames received, (\d+) dropped\n", done.stdout
    )
    assert found, done.stderr
    # Lies are found out, and the queue has been full.
    assert int(found[1]) > 2 and int(found[2]) > 5000 and int(found[3]) > 5000
