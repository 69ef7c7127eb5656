"""lwIP with the kernel's options on the host, under sanitizers, on a network of liars."""

import re
import subprocess

import pytest

from tests.host.conftest import BUILD, build


@pytest.fixture(scope="module", autouse=True)
def binary():
    build("lwip")


@pytest.mark.parametrize("seed", (2, 5, 8))
def test_network(seed):
    """Nothing that comes is an assertion, a touch beyond memory, or memory that stays."""
    done = subprocess.run(
        [BUILD / "lwip_machine", str(seed), "20000"], capture_output=True, text=True, check=False
    )
    found = re.fullmatch(
        r"20000 steps, (\d+) frames, (\d+) connections, (\d+) bytes echoed, \d+ blocks\n",
        done.stdout,
    )
    assert found and done.returncode == 0, done.stderr
    # Liars get as far as the programs, too.
    assert int(found[2]) > 100 and int(found[3]) > 10000
