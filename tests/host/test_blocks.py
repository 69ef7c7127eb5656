"""The heap's blocks on the host, under ASan and UBSan, against a model of each block."""

import subprocess

import pytest

from tests.host.conftest import BUILD, build


@pytest.fixture(scope="module", autouse=True)
def binary():
    build("blocks")


@pytest.mark.parametrize("seed", range(1, 4))
def test_model(seed):
    """What is allocated, freed, resized and collected is what the model says, to the bit."""
    done = subprocess.run(
        [BUILD / "blocks_machine", str(seed), "6000"], capture_output=True, text=True, check=False
    )
    assert done.stdout == "6000 steps\n", done.stderr
