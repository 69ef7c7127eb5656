"""The kit with a kernel of another kind: 32 bits, another loader's, a shell in place of Python."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ringzero_vm import LAUNCHER
from suites import run_suite

CONFIGURATION = """
[tool.pytest.ini_options]
guest_kernel = "other.elf"
guest_prompt = "^# "
guest_panics = "^BUG: "
guest_exit_device = "isa-debug-exit,iobase=0x501,iosize=1"
"""
SUITE = r"""
import pytest
from ringzero_vm import Panic

@pytest.mark.board("q35", "pc")
@pytest.mark.memory("16M")
def test_shell(vm):
    assert "hello" in vm.run("h")
    assert len(vm.memory(0x100000, 100)) == 100
    vm.repl.sendline("q")
    assert vm.wait_exit() == 0

def test_panic(vm):
    with pytest.raises(Panic, match=r"(?s)^BUG: .*is command\+.*other_kernel.c:"):
        vm.run("b")
    assert vm.wait_exit() == 42

@pytest.mark.screen
def test_screen(vm):
    vm.run("v")
    assert vm.screen_text().startswith("seen ")
    assert vm.screen().startswith(b"\x89PNG\r\n")
    vm.repl.sendline("k")
    vm.type("a")
    vm.repl.expect("0x0000001e 0x0000009e")  # set 1 of the codes

def test_no_screen(vm):
    for what in vm.screen, vm.screen_text:
        with pytest.raises(Exception, match="There is no console"):
            what()
    with pytest.raises(ValueError, match="no key for 'é'"):
        vm.type("eé")

@pytest.mark.guest(prompt="OS", panics="^hello")
def test_marker(vm):
    vm.repl.sendline("h")
    vm.repl.expect("hello")
    assert vm.panic.startswith("hello")

def test_reports_panic(vm):
    vm.repl.sendline("b")
    vm.repl.expect("never")

def test_hangs(vm):
    vm.repl.expect("never", timeout=1)
"""


ELSEWHERE = """
def test_hello(vm):
    assert vm.run("h").endswith("hello\\r\\n")

def test_again(vm):
    assert vm.run("x").endswith("what?\\r\\n")
"""


@pytest.fixture
def suite(tmp_path):
    """A folder with that kernel and its configuration."""
    source = Path(__file__).with_name("other_kernel.c")
    command = ["gcc", "-m32", "-g", "-O1", "-ffreestanding", "-fno-pie", "-no-pie", "-nostdlib"]
    command += ["-static", "-fno-stack-protector", "-fcf-protection=none", "-mgeneral-regs-only"]
    command += ["-Wl,-Ttext=0x100000,--section-start=.multiboot=0xff000,--build-id=none"]
    subprocess.run([*command, source, "-o", tmp_path / "other.elf"], check=True)
    (tmp_path / "pyproject.toml").write_text(CONFIGURATION)
    return tmp_path


def test_other_kernel(suite):
    """Matrix, prompt, panics with names and lines, screen, keyboard, statuses and waits are that
    kernel's."""
    (suite / "test_suite.py").write_text(SUITE)
    said, _ = run_suite(suite, "-n", "2")
    for board in "q35", "pc":
        assert f"PASSED test_suite.py::test_shell[{board}-16M]" in said
    for name in "panic", "screen", "no_screen", "marker":
        assert f"PASSED test_suite.py::test_{name}" in said
    body, summary = said.split("short test summary info")
    assert "FAILED test_suite.py::test_reports_panic - ringzero_vm.Panic: BUG: " in summary
    assert "FAILED test_suite.py::test_hangs - ringzero_vm.TimedOut" in summary
    assert body.count("BUG: called from") == 1


def test_typed(suite):
    """What is piped into the launcher is typed to that kernel, which says nothing known."""
    command = [sys.executable, LAUNCHER, "--kernel", suite / "other.elf", "--timeout", "20"]
    command += ["--exit-device", "isa-debug-exit,iobase=0x501,iosize=1"]
    done = subprocess.run(command, input=b"h\nb\n", stdout=subprocess.PIPE)
    assert b"hello" in done.stdout and done.returncode == 42


def test_other_kernel_elsewhere(suite):
    """On a machine that is there already each test begins at a prompt of its own."""
    (suite / "test_suite.py").write_text(ELSEWHERE)
    command = [sys.executable, LAUNCHER, "--kernel", suite / "other.elf", "--serial", "pty"]
    machine = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        place = re.search(r"/dev/pts/\d+", machine.stdout.readline())[0]
        said, status = run_suite(suite, f"--console={place}")
        assert "2 passed" in said and status == 0
    finally:
        machine.terminate()
        machine.communicate()
