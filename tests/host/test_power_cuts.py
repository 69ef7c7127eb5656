"""LittleFS on a disk with a cache whose power fails: what was promised is there, by our order."""

import subprocess

import pytest

from tests.host.conftest import BUILD, HOST


@pytest.fixture(scope="module")
def program(mpy_dir):
    subprocess.run(["make", "-C", HOST, "power_cuts", f"MPY_DIR={mpy_dir}"], check=True)
    return BUILD / "power_cuts"


def run(*words):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_power_cuts(program):
    """After 400 cuts at random it mounts, and has all that close() and sync have promised."""
    assert run(program, 400, 1) == (0, "400 series\n")


def test_without_our_order(program):
    """Without what the kernel adds, the same series do lose something: the test can fail."""
    status, text = run(program, 400, 1, "unordered")
    assert status == 1 and "something was lost" in text
