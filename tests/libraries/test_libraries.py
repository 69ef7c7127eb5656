"""Libraries of other people, unmodified: in the kernel they do what they do elsewhere."""

import os
import re
import subprocess
import sys
from pathlib import Path

import fetch_libraries
import pytest
from ringzero_vm import ROOT, VM

HERE = Path(__file__).parent
CACHE = ROOT / ".deps" / "libraries"
PROGRAMS = sorted((HERE / "programs").glob("*.py"))
AT_LEAST = 25  # libraries that the programs use


def header(path, key):
    return " ".join(re.findall(rf"(?m)^# {key}: (.*)", path.read_text())).split()


@pytest.fixture(scope="module")
def libraries():
    """Where each one's modules lie, by name."""
    subprocess.run([sys.executable, HERE / "fetch_libraries.py", CACHE], check=True)
    folders = {}
    for name, version, sha256 in fetch_libraries.wanted():
        folder = CACHE / f"{name}-{version}-{sha256[:8]}"
        folders[name] = folder / "src" if (folder / "src").is_dir() else folder
    return folders


@pytest.fixture(scope="module")
def rom(libraries, tmp_path_factory):
    """An image with each library in a folder of its name."""
    tree = tmp_path_factory.mktemp("rom")
    for name, folder in libraries.items():
        for path in folder.rglob("*.py"):
            target = tree / name / path.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    image = tree.with_suffix(".img")
    command = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "--output", str(image)]
    subprocess.run([*command, "build", str(tree)], check=True, stdout=subprocess.DEVNULL)
    return image


@pytest.fixture(scope="module")
def guest(kernel, rom, tmp_path_factory):
    """One machine for all of them: each begins with a soft reset."""
    folder = tmp_path_factory.mktemp("libraries")
    with VM(kernel, folder, memory="32M", initrd=rom, append="log=quiet") as vm:
        yield vm.boot()


def output(command, **variables):
    done = subprocess.run(
        command,
        env=dict(os.environ, **variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


FETCH_SLOWLY = """
import io, sys, tarfile, time
sys.path.insert(0, sys.argv[2])
import fetch_libraries

class Index:
    def get(self, name, version, sha256):
        time.sleep(0.05)
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for path in ("a/setup.py", "a/b/module.py"):
                tar.addfile(tarfile.TarInfo(path))
        return "a.tar", archive.getvalue()

fetch_libraries.Index = Index
fetch_libraries.main()
"""


def test_fetched_by_two_at_once(tmp_path):
    """Two test processes may ask for the packages at the same time."""
    command = [sys.executable, "-c", FETCH_SLOWLY, tmp_path / "new", HERE]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(timeout=100) for process in both] == [0, 0]
    name, version, sha256 = fetch_libraries.wanted()[0]
    folder = tmp_path / "new" / f"{name}-{version}-{sha256[:8]}"
    assert sorted(path.name for path in folder.rglob("*.py")) == ["module.py", "setup.py"]


def test_how_many(libraries):
    """There are enough of them, and each is used."""
    used = {name for path in PROGRAMS for name in header(path, "needs")}
    assert used == set(libraries) and len(used) >= AT_LEAST


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: path.stem)
def test_program(program, libraries, guest, unix_port_program, mpy_dir):
    """It prints what it prints under the unix port, and where so marked, CPython."""
    needs = header(program, "needs")
    path = [str(libraries[name]) for name in needs] + [str(mpy_dir / "extmod"), ".frozen"]
    expected = output(
        [unix_port_program, "-X", "heapsize=16m", program], MICROPYPATH=":".join(path)
    )
    assert expected.strip()
    also = header(program, "also")
    if "cpython" in also:
        # With what it has itself of that name, or with these.
        theirs = libraries[needs[0]] if "libraries" in also else ""
        assert output([sys.executable, program], PYTHONPATH=str(theirs)) == expected
    places = [f"/rom/{name}" for name in needs]
    got = guest.exec(f"import sys; sys.path[:] = {places} + sys.path\n{program.read_text()}")
    guest.soft_reset()
    assert got == expected
