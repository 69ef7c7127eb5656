"""The heap's blocks on the host, under ASan and UBSan, against a model of each block."""

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
        subprocess.run(["make", "-s", "-f", HERE / "Makefile", "blocks"], check=True)


@pytest.mark.parametrize("seed", range(1, 4))
def test_model(seed):
    """What is allocated, freed, resized and collected is what the model says, to the bit."""
    done = subprocess.run(
        [OUT / "blocks_machine", str(seed), "6000"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "6000 steps\n", done.stderr
