"""LittleFS on a disk with a cache whose power fails: what was promised is there, by our order."""

import subprocess

import pytest

from tests.host.conftest import BUILD, build


@pytest.fixture(scope="module")
def program(mpy_dir):
    build("power_cuts", f"MPY_DIR={mpy_dir}")
    return BUILD / "power_cuts"


def run(*words):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=60
    )
    return done.returncode, done.stdout + done.stderr


def test_power_cuts(program):
    """After 400 cuts at random it mounts, and has all that close() and sync have promised."""
    assert run(program, 400, 1) == (0, "400 series\n")


def test_without_our_order(program, mpy_dir):
    """Without it the same series lose something, unless LittleFS has that order by itself."""
    status, text = run(program, 400, 1, "unordered")
    if "data writes don't complete after" in (mpy_dir / "lib/littlefs/lfs2.c").read_text():
        assert status == 0
    else:
        assert status == 1 and "something was lost" in text
