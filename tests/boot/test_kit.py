"""The kit itself: what a boot test can be written with, and what a failure tells."""

import contextlib
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
import xml.etree.ElementTree
from pathlib import Path

import pytest
import ringzero_vm
from elftools.elf.elffile import ELFFile
from machine_code import RUN_CODE
from pytest_ringzero import folder_name
from ringzero_vm import Ended, GuestError, Panic, Symbols, TimedOut
from suites import run_suite


@pytest.mark.board("microvm")
@pytest.mark.memory("64M")
@pytest.mark.smp(2)
def test_vm(vm):
    """Code and expressions run in the guest, the console is a pexpect object, QEMU answers."""
    assert vm.exec("print('hello')") == "hello\n"
    assert vm.exec("for i in range(2):\n    print(i)") == "0\n1\n"
    assert vm.eval("[1 << 70, 'é', b'\\x00', None]") == [1 << 70, "é", b"\0", None]
    with pytest.raises(GuestError, match="ZeroDivisionError"):
        vm.eval("1 // 0")
    with pytest.raises(ValueError, match=r"range\(3\) is range\(0, 3\), which is not made of lit"):
        vm.eval("range(3)")
    with pytest.raises(GuestError, match="SyntaxError"):
        vm.exec("1 = = 1\n" + "#" * 20000)
    vm.transport.fs_writefile("/file", bytes(range(256)))
    assert vm.eval("open('/file', 'rb').read()") == bytes(range(256))
    assert vm.transport.fs_readfile("/file") == bytes(range(256))
    assert vm.run("1 + 1") == "2\r\n"
    vm.repl.sendline("'a' 'b'")
    vm.repl.expect_exact("'ab'\r\n")
    vm.exec("kept = 1")
    assert vm.eval("kept") == 1
    vm.soft_reset()
    with pytest.raises(GuestError, match="NameError"):
        vm.eval("kept")
    assert vm.qmp.command("query-status")["running"]
    assert len(vm.qmp.command("query-cpus-fast")) == 2
    size = vm.qmp.command("query-memory-size-summary")
    assert size["base-memory"] == 64 << 20
    assert len(vm.memory(0x100000, 12345)) == 12345


@pytest.mark.qemu
@pytest.mark.board("microvm")
def test_waits(vm):
    """A wait that comes to nothing says what for, and with what on the console."""
    with pytest.raises(TimedOut, match="(?s)waited 1 s in vain for 'never'.*'on the console'"):
        vm.repl.sendline("'on the ' + 'console'")
        vm.repl.expect("never", timeout=1)
    vm.run("import time")
    with pytest.raises(TimedOut, match="in vain for the end of 'time.sleep"):
        vm.exec("time.sleep(100)", timeout=1)
    vm.repl.send("\x03")
    vm.exec("print(1)")
    with pytest.raises(Ended, match='(?s)ended with status 7.*Type "help'):
        vm.exec("import machine; machine.poweroff(7)")
    assert vm.wait_exit() == 7
    assert vm.panic is None


@pytest.mark.qemu
@pytest.mark.board("microvm")
def test_panic(vm):
    """A panic is told as one, with the names of the functions whose addresses it has."""
    # call uart_write(wild, 4096)
    functions = Symbols(vm.kernel).functions
    start = next(start for start, _, name in functions if name == "uart_write")
    wild = (0x6F << 40).to_bytes(8, "little")
    code = b"\x48\xbf" + wild + b"\xbe\x00\x10\x00\x00"
    code += b"\x48\xb8" + start.to_bytes(8, "little") + b"\xff\xd0"
    vm.exec(RUN_CODE)
    with pytest.raises(Panic, match=r"(?s)^panic: exception 14 .*\buart_send\b") as caught:
        vm.exec(f"run({code!r})")
    assert "0x00006f0000000000" in str(caught.value)
    assert re.search(r" uart_send\S+ at port/\S+:\d+$", str(caught.value), re.M)
    assert vm.wait_exit() == 101


def test_symbols(kernel):
    """Addresses have the names that the ELF gives them, and only code has any."""
    symbols = Symbols(kernel)
    start, size, name = next(one for one in symbols.functions if one[2] == "mp_init")
    assert symbols.name(start) == "mp_init+0x0"
    assert symbols.name(start + size - 1) == f"mp_init+{size - 1:#x}"
    assert not (symbols.name(start + size) or "").startswith("mp_init+")
    assert symbols.name(0) is None
    # Lines are those that binutils finds, in functions of all kinds.
    addrs = [start, *(start + size // 2 for start, size, _ in symbols.functions[::100])]
    command = ["addr2line", "-e", kernel, *map(hex, addrs)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = symbols.lines(addrs)
    for addr, text in zip(addrs, said.splitlines(), strict=True):
        # Where a file's functions come from one that it includes, addr2line names the first.
        want = text.partition(" (")[0].rpartition(":")[2].replace("?", "0")
        assert found.get(addr, "??:0").rpartition(":")[2] == want, hex(addr)
    # The folder of the compiler's own is there once, also where it is no absolute path.
    (main,) = [start for start, _, name in symbols.functions if name == "kernel_main"]
    assert re.fullmatch(r"port/main\.c:\d+", symbols.lines([main])[main])
    line = found[start]
    assert re.fullmatch(r"/micropython/py/runtime\.c:\d+", line)
    text = symbols.decode(f"rip {start:#x} rax 0x1234 named {start:#x} mp_init+0")
    assert f"named {start:#x} mp_init+0 at {line}\n" in text
    assert text.endswith(f"\n  {start:#x} is mp_init+0x0 at {line}")
    assert "0x1234 is" not in text
    # Where it has stopped is the stack's first line, too, and no return address there.
    text = symbols.decode(f"rip {start:#x} mp_init+0\nstack:\n  {start:#x} mp_init+0")
    assert text.count(f"{start:#x} mp_init+0 at {line}") == 2


def test_names_in_the_kernel(kernel):
    """A panic names each function as the ELF does, not by a label of the linker's beside it."""
    sys.path.insert(0, str(ringzero_vm.ROOT / "scripts"))
    try:
        import symbols
    finally:
        del sys.path[0]
    names = dict(symbols.functions("nm", kernel))
    functions = {}
    with open(kernel, "rb") as file:
        for one in ELFFile(file).get_section_by_name(".symtab").iter_symbols():
            if one["st_info"]["type"] == "STT_FUNC" and one["st_size"]:
                functions.setdefault(one["st_value"], set()).add(one.name)
    assert len(functions) > 3000
    assert [hex(addr) for addr in functions if names[addr] not in functions[addr]] == []


SUITE = """
import time
import pytest

@pytest.mark.board("microvm", "pc")
@pytest.mark.memory("32M", "64M")
def test_matrix(vm, board, memory):
    assert vm.eval("1 + 1") == 2
    assert f"-m {memory} " in vm.command_file.read_text()
    assert f"-machine {board}," in vm.command_file.read_text()

@pytest.mark.parametrize("board, smp", [("microvm", 2), ("pc", 1)])
def test_pairs(boot, board, smp):
    assert f"-smp {smp}" in boot(board=board, smp=smp).boot().command_file.read_text()

def test_fails(vm):
    vm.exec("print('said before it failed')")
    assert vm.eval("40 + 2") == 43

def test_panics(vm):
    vm.nmi()
    vm.repl.expect("never")

def test_panics_unseen(vm):
    vm.exec("print('the last word')")
    vm.nmi()
    vm.qmp.command("query-status")
    time.sleep(1)

def test_screen_panics_unseen(boot):
    vm = boot(board="q35", serial=False).boot()
    vm.nmi()
    time.sleep(1)

def test_resets_unseen(vm):
    vm.repl.sendline("import machine; machine.reset()")
    time.sleep(1)

@pytest.mark.timeout(timeout=8)
def test_hangs(vm):
    vm.exec("while True: pass")

def test_no_machine(boot):
    boot(memory="nonsense")
"""


def test_report(kernel, tmp_path):
    """A suite elsewhere takes the kit with -p alone: matrix, xdist, JUnit, and failures that show
    the console, QEMU's command and the panic."""
    (tmp_path / "test_suite.py").write_text(SUITE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    options = [f"--kernel={kernel}", "--board=microvm", "--junit-xml=report.xml"]
    said, _ = run_suite(tmp_path, "-n", "2", *options)
    assert "4 failed, 9 passed, 3 errors" in said
    assert "ERROR test_suite.py::test_panics_unseen - ringzero_vm.P" in said
    assert "the machine ended with status 101, and nobody awaited it" in said
    assert "status 125, and nobody awaited it; run.py: QEMU ended by itself (the g" in said
    for board in "microvm", "pc":
        for memory in "32M", "64M":
            assert f"PASSED test_suite.py::test_matrix[{board}-{memory}]" in said
    assert "said before it failed" in said
    assert re.search(r"^-+ QEMU's command -+$", said, re.M)
    assert re.search(r"-machine microvm,.* -kernel .*ringzero\.elf", said)
    # Once for each of the two panics, before pytest's summary, whose length is its own affair.
    body, _ = said.split("short test summary info")
    assert body.count("panic: exception 2 (NMI)") == 2
    assert len(re.findall(r"^  rflags 0x", said, re.M)) <= 2
    assert "waited 0 s" not in said
    assert re.search("waited [0-9.]+ s in vain for the end of 'while True: pass'", said)
    assert "--memory nonsense: a size is like 64M or 2G" in said
    folder = tmp_path / "build" / "tests" / "test_suite.py-test_fails"
    assert "said before it failed" in (folder / "console.log").read_text()
    assert "qemu-system-x86_64" in (folder / "qemu.cmd").read_text()
    report = xml.etree.ElementTree.parse(tmp_path / "report.xml").getroot()
    assert report.find("testsuite").get("tests") == "16"


def test_folder_names():
    """Each test has a folder of its own, whatever pytest calls it, and that is a file's name."""
    plain = ["t/a.py::test_x", "t/a.py::Test::test_x", "t/a.py::test_x[q35-64M]", "t/a.py::é[]"]
    odd = ["t/a.py::test_e[8*2]", "t/a.py::test_e[8/2]", "t/a.py::test_e[8-2]", "t/a-b.py::test_x"]
    odd += [
        "t/a/b.py::test_x",
        "t/a.py::test_e[8 2]",
        "t/a.py::test_e[8::2]",
        "t/a.py::test_e[\n]",
    ]
    odd += [f"t/a.py::test_e[{'x' * 300}{end}]" for end in "ab"]
    names = [folder_name(one) for one in plain + odd]
    assert names[:3] == ["t-a.py-test_x", "t-a.py-Test-test_x", "t-a.py-test_x[q35-64M]"]
    assert len(set(names)) == len(names)
    assert all(len(name.encode()) < 256 and "/" not in name for name in names)


def test_keys_end_the_machine(boot):
    """A line that is typed may end the machine: its status is there, and nobody to type for."""
    for options in {"serial": False}, {}:
        vm = boot(**options).boot()
        vm.type("import machine; machine.poweroff(9)\n")
        assert vm.wait_exit() == 9
        with pytest.raises(Ended, match="ended with status 9, awaited was a keyboard"):
            vm.type("1")


def test_keys_are_for_the_prompt(vm):
    """After exec() what is typed is at the prompt all the same."""
    vm.exec("a = 6")
    vm.type("a * 7\n")
    vm.repl.expect_exact("42\r\n")


@pytest.mark.parametrize("fixture", ["vm", "boot", "kernel"])
def test_kernel_is_built(tmp_path, monkeypatch, fixture):
    """Whatever a test takes the kernel by, it is built first, and what make said is there."""
    (tmp_path / "test_one.py").write_text(f"def test_one({fixture}):\n    pass\n")
    (tmp_path / "make").write_text("#!/bin/sh\necho not today\nexit 3\n")
    (tmp_path / "make").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    said, _ = run_suite(tmp_path)
    assert "the kernel does not build:\nstatus 3: not today" in said and "1 error" in said


def test_no_folder(kernel, tmp_path):
    """Where nothing can be left a test says so in a line."""
    (tmp_path / "test_one.py").write_text("def test_one(vm):\n    pass\n")
    (tmp_path / "build").write_text("")
    said, _ = run_suite(tmp_path, f"--kernel={kernel}")
    path = tmp_path / "build" / "tests"
    assert f"\nno folder for what this test leaves: [Errno 20] Not a directory: '{path}/" in said
    assert "1 error" in said and "Traceback" not in said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_killed(kernel, tmp_path, number):
    """No machine outlives the tests that were killed."""
    (tmp_path / "test_one.py").write_text(
        "def test_one(vm):\n"
        "    print('pid', vm.launcher.pid, flush=True)\n    vm.exec('while True: pass')\n"
    )
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "pytest_ringzero", "-s"]
    run = subprocess.Popen(
        [*command, f"--kernel={kernel}"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    with run:
        found = next(filter(None, (re.search(r"pid (\d+)", line) for line in run.stdout)))
        machine = Path("/proc", found[1])
        assert machine.exists()
        run.send_signal(number)
        run.wait()
        deadline = time.monotonic() + 10
        while machine.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not machine.exists()


def test_gdb(kernel, tmp_path):
    """With --gdb a guest waits, and the command that it waits for is on the terminal."""
    (tmp_path / "test_one.py").write_text("def test_one(vm):\n    assert vm.eval('1 + 1') == 2\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-p", "pytest_ringzero", "--gdb", "-q"]
    run = subprocess.Popen(
        [*command, f"--kernel={kernel}", "--board=microvm"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        for line in run.stdout:
            found = re.match(r"waiting for: gdb .* -ex 'target remote (\S+)'", line)
            if found:
                break
        assert found
        # What gdb would say first of all, and then "continue".
        with ringzero_vm.socket.socket(ringzero_vm.socket.AF_UNIX) as gdb:
            gdb.connect(found[1])
            gdb.sendall(b"+$?#3f")
            answer = b""
            while b"#" not in answer:
                answer += gdb.recv(1000)
            assert answer.startswith(b"+$T05")
            gdb.sendall(b"+$c#63")
            assert "1 passed" in run.stdout.read()
    finally:
        run.kill()
        run.communicate()


def test_what_callbacks_print_is_no_answer(vm):
    """Text that comes between two calls, whatever it looks like, is not taken for the second's."""
    vm.exec("""
        import machine
        def callback(timer):
            print("R<late>")
        machine.Timer(mode=machine.Timer.ONE_SHOT, period=200, callback=callback)
    """)
    assert select.select([vm.repl_.child_fd], [], [], 30)[0]
    assert vm.eval("1 + 1") == 2


ELSEWHERE = """
import pytest

@pytest.mark.board("q35", "pc")
def test_first(vm):
    vm.exec("kept = 1")
    vm.repl.sendline("while True: pass")

def test_fresh(vm):
    with pytest.raises(Exception, match="NameError"):
        vm.eval("kept")

@pytest.mark.qemu
def test_memory(vm):
    vm.memory(0, 1)

def test_machine(boot):
    boot()

@pytest.mark.smp(2)
def test_cpus(vm):
    assert False

@pytest.mark.memory("64M", "128M")
def test_size(vm):
    assert False

def test_status(vm):
    vm.repl.sendline("import machine; machine.poweroff(42)")
    assert vm.wait_exit() == 42
"""
PANIC_ELSEWHERE = """
def test_panic(vm):
    vm.wait_limit = None
    vm.exec("import machine; machine.mem32[0xfee00310] = 0")
    vm.exec("machine.mem32[0xfee00300] = 0x400")  # an NMI to itself
"""


@contextlib.contextmanager
def machine_elsewhere(kernel):
    """A machine that nothing can end; the terminal that its console is."""
    command = [sys.executable, ringzero_vm.LAUNCHER, "--kernel", kernel, "--serial", "pty"]
    # No exit device where the kernel looks for one.
    command += ["--exit-device", "isa-debug-exit,iobase=0x501,iosize=1"]
    # What has not been read of a terminal that is closed is lost.
    command += ["--", "-no-shutdown"]
    machine = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield re.search(r"/dev/pts/\d+", machine.stdout.readline())[0]
    finally:
        machine.kill()
        machine.communicate()


def test_console(kernel, tmp_path):
    """With --console the tests run at one prompt that is there already, each from a fresh start;
    what only QEMU can do or takes another machine is skipped; the status is said on the line."""
    (tmp_path / "test_suite.py").write_text(ELSEWHERE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with machine_elsewhere(kernel) as place:
        said, status = run_suite(tmp_path, f"--kernel={kernel}", f"--console={place}")
    assert "3 passed, 4 skipped" in said and status == 0
    assert "PASSED test_suite.py::test_first[q35]" in said


def test_console_panic(kernel, tmp_path):
    """Where nothing ends the machine a panic ends what waits for it, however long that would."""
    (tmp_path / "test_suite.py").write_text(PANIC_ELSEWHERE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    with machine_elsewhere(kernel) as place:
        said, status = run_suite(tmp_path, f"--kernel={kernel}", f"--console={place}")
    body, _ = said.split("short test summary info")
    assert "1 failed" in said and body.count("panic: exception 2 (NMI)") == 1


@pytest.mark.disk("1M", "nvme")
def test_disk(vm, disk):
    """The marker gives the guest a disk of that size on that bus, whose file the test reads."""
    vm.exec("import disks; disk = disks.all()[0]; disk.writeblocks(3, b'kit!' * 128)")
    vm.exec("disk.ioctl(3, 0)")
    assert vm.eval("(disk.driver, disk.size, len(disks.all()))") == ("nvme", 1 << 20, 1)
    assert disk.read_bytes() == bytes(3 * 512) + b"kit!" * 128 + bytes((1 << 20) - 4 * 512)


@pytest.mark.disk(file=__file__)
@pytest.mark.disk(size="64K")
@pytest.mark.board("microvm")
def test_disks(vm, disks):
    """Several markers give several disks, one with a copy of a file."""
    assert [path.stat().st_size for path in disks][0] == 64 << 10
    vm.exec("import disks; block = bytearray(512)")
    vm.exec("small = [disk.size == 65536 for disk in disks.all()].index(True)")
    vm.exec("disks.all()[1 - small].readblocks(0, block)")
    with open(__file__, "rb") as file:
        assert vm.eval("bytes(block)") == file.read(512)


@pytest.mark.net(80, 443, model="e1000")
def test_port(vm):
    """The marker gives the guest a network, and the host ports that lead there."""
    assert vm.eval("[hex(one.id) for one in __import__('pci').scan()].count('0x100e')") == 1
    assert vm.port(80) != vm.port(443)
    with socket.create_connection(("127.0.0.1", vm.port(80)), timeout=10):
        pass
    with pytest.raises(ValueError, match="no port of the host leads to udp port 80 of the guest"):
        vm.port(80, "udp")


def test_wire(boot, wire):
    """A wire has a guest at one end and the test at the other, or a second guest."""
    one = boot(board="microvm", nets=[wire])
    one.boot()
    with wire.end() as end:
        end.send(bytes(60))
    with pytest.raises(Ended, match="both ends of this wire are taken"):
        boot(nets=[wire])


def test_channel(boot):
    """Files go through the channel, errors come as without one, and the prompt stays free."""
    vm = boot(append="disk=24M", memory="128M", channel=True).boot()
    data = random.Random(1).randbytes(10_000_000)
    vm.transport.fs_writefile("/a", data)
    assert vm.eval("__import__('os').stat('/a')[6]") == len(data)
    assert vm.transport.fs_readfile("/a") == data
    vm.transport.fs_writefile("/empty", b"")
    assert vm.transport.fs_readfile("/empty") == b""
    with pytest.raises(OSError):
        vm.transport.fs_writefile("/no/such/folder", data)
    with pytest.raises(OSError, match="ENOSPC|28"):
        vm.transport.fs_writefile("/b", data * 2)
    with pytest.raises(OSError):
        vm.transport.fs_readfile("/c")
    assert vm.transport.fs_readfile("/a") == data
    assert len(vm.transcript()) < 10000
