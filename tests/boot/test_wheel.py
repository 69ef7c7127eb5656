"""The wheel, installed in an environment of its own away from this tree, does what it says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from images import BUILT, ROOT, once
from ringzero_symbols import Symbols

MAIN = """\
import frames, sys, _handoff, greet
rom = _handoff.image_rom()
if rom:
    before = frames.stats().reserved
    frames.reserve(*rom)
    print("free before:", frames.stats().reserved - before)
print("sum", greet.add(2, 3), greet.WHERE)
sys.exit(7)
"""
PACKAGE = {
    "main.py": MAIN,
    "greet/__init__.py": "import micropython\nWHERE = __file__\n@micropython.viper\n"
    "def add(a: int, b: int) -> int:\n    return a + b\n",
}


PANICS = """\
def test_panics(vm):
    vm.nmi()
    vm.repl.expect("never")
"""


@pytest.fixture(scope="module")
def away(kernel, tmp_path_factory):
    """A folder with the wheel installed in v/, and a program."""
    folder = tmp_path_factory.mktemp("wheel")
    places = [BUILT / "wheel" / name for name in ("first", "second")]

    def build():
        shutil.rmtree(BUILT / "wheel", ignore_errors=True)
        command = [sys.executable, ROOT / "scripts/wheel.py", kernel]
        runs = [subprocess.Popen([*command, place]) for place in places]
        assert [run.wait() for run in runs] == [0, 0]

    once("wheel", build)
    wheels = [path for place in places for path in place.iterdir()]
    assert wheels[0].read_bytes() == wheels[1].read_bytes(), "two builds differ"
    assert wheels[0].stat().st_size < 1 << 20
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "v"], check=True)
    pip = [sys.executable, "-m", "pip", "--python", folder / "v/bin/python", "install", "-q"]
    subprocess.run([*pip, "--disable-pip-version-check", wheels[0]], check=True)
    (folder / "hello.py").write_text("import sys\nprint('hello')\nsys.exit(3)\n")
    for name, text in PACKAGE.items():
        path = folder / "package" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def ringzero(away):
    """Run the installed command; what it says and its status."""
    kept = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}

    def ringzero(*arguments, typed=b"", **changes):
        done = subprocess.run(
            [away / "v/bin/ringzero", *arguments],
            cwd=away,
            env=kept | changes,
            input=typed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=100,
        )
        said = done.stdout.decode(errors="replace").replace("\r", "")
        print(arguments, said, f"status {done.returncode}", sep="\n")
        return said, done.returncode

    return ringzero


def test_help(ringzero):
    """The help names what it comes with, and that is there."""
    said, status = ringzero("--help")
    places = re.findall(r"(?m)^  (/\S+\.md)$", said)
    assert len(places) == 3 and status == 0
    for place in places:
        assert Path(place).read_text().startswith("# ")


def test_prompt(ringzero):
    """Alone it is the prompt, of a kernel that names the wheel's version."""
    version, _ = ringzero("--version")
    typed = b"import os, sys\nprint(os.uname().version)\nprint(sys.version)\n"
    said, status = ringzero(typed=typed)
    assert status == 0
    # The banner, what was typed, and what came of it.
    assert said.count(f"(Ringzero {version.strip()})") == 3


def test_run(ringzero):
    """Programs run with the launcher's options, and their status is the command's."""
    said, status = ringzero("run", "hello.py", "--memory", "1G", "--smp", "2")
    assert "hello\n" in said and status == 3
    said, status = ringzero("run", "package/", "--board", "microvm")
    assert "sum 5 /rom/greet/__init__.py\n" in said and status == 7
    said, status = ringzero("run", "none.py")
    assert said == "ringzero run: none.py: there is no such file or folder\n" and status == 126
    said, status = ringzero("run", "--kernel", "none.elf")
    assert said == "ringzero run: no kernel at none.elf\n"
    said, status = ringzero("run", "--image", "none.iso")
    assert said == "ringzero run: no image at none.iso: 'ringzero image' makes some\n"


def test_image(ringzero):
    """The same image boots with either firmware."""
    ringzero("image", "hello.py", "-o", "hello.iso")
    for firmware in "bios", "uefi":
        said, status = ringzero("run", "--image", "hello.iso", "--firmware", firmware)
        assert "hello\n" in said and status == 3
    # Over the network, twice into the same folder.
    for program in "hello.py", "package/":
        ringzero("image", program, "-o", "served/")
    said, status = ringzero("run", "--image", "served")
    assert "sum 5 /rom/greet/__init__.py\n" in said and status == 7
    said, status = ringzero("run", "--image", ".")
    assert said.startswith("ringzero run: --image .: no bios.0 in it") and status == 126


def test_unwritable(ringzero, away):
    """Where nothing can be written, that is a message, and nothing is left there."""
    (away / "folder.iso").mkdir()
    said, status = ringzero("image", "hello.py", "-o", "folder.iso")
    assert said == "ringzero image: folder.iso is a folder\n" and status == 1
    said, status = ringzero("image", "hello.py", "-o", "/proc/hello.iso")
    assert re.fullmatch(r"ringzero image: .*'/proc/\.hello\.iso\.new'\n", said) and status == 1
    said, status = ringzero("new", "hello.py/tests")
    assert re.fullmatch(r"ringzero new: .*'hello\.py/tests'\n", said) and status == 1
    assert not list(away.glob(".*.new"))


def test_freeze(ringzero, away):
    """With no compiler a program goes into the kernel's file, and its memory is nobody else's."""
    nothing = str(away / "v/bin")
    said, status = ringzero("image", "--freeze", "package/", "-o", "package.elf", PATH=nothing)
    assert status == 0
    run = ("run", "--kernel", "package.elf", "--board", "microvm")
    said, status = ringzero(*run, "--memory", "5M")
    assert "sum 5 /rom/greet/__init__.mpy\n" in said and status == 7
    assert "free before: 0\n" in said
    ringzero("image", "--freeze", "package/", "-o", "package.img")
    said, status = ringzero("run", "--image", "package.img")
    assert "sum 5 /rom/greet/__init__.mpy\n" in said and status == 7
    # In an .elf it can be no other way, and what does not compile is found here.
    said, status = ringzero("image", "hello.py", "-o", "hello.elf")
    assert ringzero("run", "--kernel", "hello.elf", "--board", "microvm")[1] == 3
    (away / "bad.py").write_text("def f(:\n    pass\n")
    said, status = ringzero("image", "bad.py", "-o", "bad.elf")
    assert "--freeze: main.py:\n" in said and "SyntaxError" in said and status == 1
    assert 'File "main.py", line 1' in said
    # A boot module comes before it.
    said, status = ringzero(*run, "hello.py")
    assert "hello\n" in said and status == 3
    (away / "package" / "native.c").touch()
    said, status = ringzero("image", "--freeze", "package/", "-o", "native.elf")
    (away / "package" / "native.c").unlink()
    assert "native.c: modules in C need a compiler and the tree" in said and status == 1


def test_new(ringzero):
    """A new folder's three tests pass."""
    assert ringzero("new", "tests")[1] == 0
    # The plugin is there by itself, and does not mind being asked for.
    said, status = ringzero("test", "-p", "pytest_ringzero", "tests", "-q")
    assert "3 passed" in said and status == 0
    said, status = ringzero("new", "tests")
    assert "tests is there already" in said and status == 2


def test_panic(ringzero, away, kernel):
    """A panic of the wheel's kernel is told once, with the lines that the tree's kernel has."""
    (away / "test_panics.py").write_text(PANICS)
    said, status = ringzero("test", "test_panics.py", "-q")
    assert status == 1 and said.partition("short test summary")[0].count("panic: ") == 1
    assert re.search(r"^E  +0x[0-9a-f]+ \w+\+\w+ at /micropython/\S+\.c:\d+$", said, re.MULTILINE)
    (packed,) = away.glob("v/lib/*/site-packages/ringzero/build/kernel/ringzero.elf")
    middles = [start + size // 2 for start, size, _ in Symbols(kernel).functions[::300]]
    assert Symbols(packed).lines(middles) == Symbols(kernel).lines(middles)


def test_doctor(ringzero, away):
    """What a machine lacks is named, and what it has not."""
    said, status = ringzero("doctor")
    assert "missing" not in said and status == 0
    said, status = ringzero("doctor", PATH=str(away / "v/bin"))
    assert status == 1
    assert "missing  run                  qemu-system-x86_64\n" in said
    assert said.endswith("qemu-system-x86 grub-common mtools xorriso\n")
    said, status = ringzero("run", "hello.py", PATH=str(away / "v/bin"))
    assert "qemu-system-x86_64 not found: 'ringzero doctor' says" in said and status == 126
