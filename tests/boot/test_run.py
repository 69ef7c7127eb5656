"""The launcher: what it runs, what it types, and the status that it ends with."""

import contextlib
import os
import re
import select
import shlex
import signal
import socket
import subprocess
import sys
import time

import pexpect
import pytest
from machine_code import RUN_CODE
from ringzero_vm import LAUNCHER, launcher_module

BOARD = ["--board", "microvm"]

CRASH = RUN_CODE + 'run(b"\\x0f\\x0b")\n'  # ud2


# ---- programs and their statuses


TRACEBACK = """\
Traceback (most recent call last):
  File "/rom/main.py", line 4, in <module>
  File "/rom/main.py", line 2, in f
ZeroDivisionError: divide by zero
"""

# what: program, status, what it says
PROGRAMS = {
    "end": ("print('the end')", 0, "the end\n"),
    "SystemExit": ("raise SystemExit", 0, ""),
    "exit 7": ("import sys\nprint('on')\nsys.exit(7)", 7, "on\n"),
    "exit 100": ("raise SystemExit(100)", 100, ""),
    "exit 101": ("raise SystemExit(101)", 1, "101"),
    "exit -1": ("raise SystemExit(-1)", 1, "-1"),
    "exit in words": ("raise SystemExit('in words')", 1, "in words\n"),
    "exception": ("def f():\n    return 1 // 0\n\nf()", 1, TRACEBACK),
    "syntax error": ("1 +", 1, "SyntaxError: invalid syntax\n"),
    "atexit": ("import sys\nsys.atexit(lambda: print('a', 'b'))\nsys.exit(3)", 3, "a b\n"),
    "poweroff": ("import machine\nmachine.poweroff(9)", 9, ""),
    "crash": (CRASH, 101, "panic: exception 6 (invalid opcode)\n"),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_status(launch, app, what):
    """The launcher's status is the program's, and what the program said is on its output."""
    text, status, said = PROGRAMS[what]
    done = launch(*BOARD, "--timeout", "30", app(text))
    assert done.returncode == status
    assert said in done.stdout
    assert ">>> " not in done.stdout


def test_time_out(launch, app):
    """A program that does not end is ended, with a status of its own."""
    done = launch(*BOARD, "--timeout", "3", app("print('on')\nwhile True: pass"))
    assert done.returncode == 124
    assert done.stdout.endswith("on\n")
    assert done.stderr == "run.py: time-out: 3 s are over\n"


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_reset(launch, app, board):
    """A machine that resets itself has given no status, and does not boot again; that it was no
    fault is said."""
    arguments = ["--board", board, "--timeout", "30"]
    done = launch(*arguments, app("import machine\nmachine.reset()"))
    assert done.returncode == 125
    assert done.stderr == "run.py: QEMU ended by itself (the guest has reset the machine)\n"
    assert done.stdout.count("memmap: ") <= 1


@pytest.mark.parametrize("memory", ["64M", "256M", "3G"])
def test_program_beside_firmware(launch, app, memory):
    """With an NVMe disk, firmware takes memory down to where QEMU puts the program; it runs."""
    disk = [
        "-drive",
        "if=none,id=d,driver=null-co,read-zeroes=on",
        "-device",
        "nvme,serial=1,drive=d",
    ]
    done = launch("--board", "q35", "--memory", memory, app("print(6 * 7)"), "--", *disk)
    assert done.returncode == 0, done.stdout
    assert done.stdout.endswith("42\n")


def test_triple_fault(launch, app):
    """A triple fault is told as one."""
    # lidt [rip + 2]; int3; nop: with the null table that comes after.
    code = b"\x0f\x01\x1d\x02\x00\x00\x00\xcc\x90" + bytes(10)
    done = launch(*BOARD, "--timeout", "30", app(RUN_CODE + f"run({code!r})\n"))
    assert done.returncode == 125
    assert "QEMU ended by itself (triple fault:" in done.stderr


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
@pytest.mark.parametrize("memory", ["1M", "2M", "1K"])
def test_too_little_memory(launch, board, memory):
    """Memory that the kernel does not fit in is refused, with what it takes."""
    done = launch("--board", board, "--memory", memory)
    assert done.returncode == 126
    assert re.fullmatch(
        rf"run.py: --memory {memory}: too little, the kernel alone reaches up to [0-9.]+ MiB;"
        r" give it 4M or more\n",
        done.stderr,
    )


def test_qemu_fails(launch):
    """QEMU's own refusal is told apart from every status of a guest."""
    done = launch(*BOARD, "--", "-device", "no-such-device")
    assert done.returncode == 125
    assert "no-such-device" in done.stderr


def test_all_output(launch, app):
    """The last byte before the end gets out, however slowly it is read."""
    path = app("for i in range(5000): print(i)\nraise SystemExit(3)")
    command = [sys.executable, str(LAUNCHER), *BOARD, "--kernel", str(launch.kernel), str(path)]
    run = subprocess.Popen(
        command, bufsize=0, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pipesize=4096
    )
    said = b""
    while data := run.stdout.read(1000):
        said += data
    assert run.wait() == 3
    assert said.split()[-5000:] == [b"%d" % i for i in range(5000)]


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_folder(launch, tmp_path, board):
    """A folder's main.py runs on every machine, and imports what lies beside it."""
    (tmp_path / "main.py").write_text("import helper, sys\nhelper.greet()\nsys.exit(4)\n")
    package = tmp_path / "helper"
    package.mkdir()
    (package / "__init__.py").write_text("from .words import greet\n")
    (package / "words.py").write_text(
        "def greet():\n    print(open('/rom/data.txt').read(), __file__)\n"
    )
    (tmp_path / "data.txt").write_text("good morning")
    done = launch("--board", board, "--timeout", "30", tmp_path)
    assert done.returncode == 4
    assert "good morning /rom/helper/words.py\n" in done.stdout
    (tmp_path / "other.py").write_text("import sys\nsys.exit(5)\n")
    options = ["--board", board, "--timeout", "30", "--append", "main=/rom/other.py"]
    assert launch(*options, tmp_path).returncode == 5


def test_program_reads(launch, app):
    """What is piped in reaches a program that reads lines, and its end is an EOFError there."""
    text = """
        total = 0
        try:
            while True:
                total += int(input())
        except EOFError:
            print('total', total)
        """
    numbers = "".join(f"{i}\n" for i in range(1000))
    program = app("if True:\n" + text)
    done = launch(*BOARD, "--timeout", "30", program, typed=numbers.encode())
    assert done.returncode == 0
    assert "total 499500\n" in done.stdout


# ---- gdb


def gdb(kernel, folder, *commands, qemu=()):
    """What gdb says to these commands, beginning with the command that the launcher names."""
    path = folder / "gdb"
    launcher = [sys.executable, str(LAUNCHER), *BOARD, "--kernel", str(kernel)]
    run = subprocess.Popen(
        [*launcher, "--", "-S", "-gdb", f"unix:{path},server=on,wait=off", *qemu],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        command = launcher_module().gdb_command(kernel, path)
        deadline = time.monotonic() + 30
        while not path.exists() and time.monotonic() < deadline:
            select.select([], [], [], 0.05)
        done = subprocess.run(
            [*shlex.split(command), "-nx", "-batch", *(f"-ex={text}" for text in commands)],
            cwd="/",
            capture_output=True,
            text=True,
            timeout=100,
        )
        print(command, done.stdout, done.stderr)
        return done.stdout
    finally:
        run.terminate()
        run.wait(10)


def test_gdb_sources(kernel, tmp_path):
    """The gdb command finds all sources from any folder, and a backtrace ends where the kernel is
    entered."""
    lists = [f"list {name}" for name in ("mp_init", "kernel_main", "tcp_input", "mbedtls_md")]
    said = gdb(kernel, tmp_path, "hbreak mp_init", "continue", *lists, "bt")
    assert "void mp_init(void) {" in said
    assert "void kernel_main(void) {" in said
    assert "tcp_input: invalid pbuf" in said
    assert "int mbedtls_md(" in said
    frames = re.findall(r"^#\d+ .*? (?:in )?(\w+) \(", said, re.M)
    assert frames[0] == "mp_init" and frames[-1] == "long_mode"


def test_gdb_panic(kernel, tmp_path):
    """`break panic` stops at a fault as well, with the way to the fault above it."""
    crash = ["hbreak mp_init", "continue", "set var $rip = 0x10", "delete"]
    said = gdb(kernel, tmp_path, *crash, "hbreak panic", "continue", "bt")
    frames = re.findall(r"^#\d+ .*? (?:in )?(\w+) \(", said, re.M)
    assert frames[0] == "panic" and "trap_handle" in frames


def test_debug_message(launch):
    """--gdb names the command."""
    done = launch(*BOARD, "--gdb", "--timeout", "2")
    assert done.returncode == 124
    command = launcher_module().gdb_command(launch.kernel, ":1234")
    assert f"run.py: waiting for: {command}\n" in done.stderr


# ---- input and output


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", ""])
def test_piped(launch, end):
    """A piped session shows what was typed and ends with its input, whatever ends a line."""
    done = launch(typed=f"print(1){end}".encode())
    assert done.returncode == 0
    assert re.search(r"^>>> print\(1\)\n1\n>>> ", done.stdout, re.M)
    assert done.stdout.count(">>> ") == 2


def test_no_input(launch, mpy_version):
    """Without any input there is a banner, a prompt, and a good end."""
    done = launch(*BOARD)
    assert done.returncode == 0
    assert f"MicroPython v{mpy_version}" in done.stdout
    assert done.stderr == ""


def test_piped_program(launch):
    """Blocks with indentation and an open one at the end run as if they had been typed."""
    text = "def f(x):\n    if x:\n        return 'yes'\n    return 'no'\n\nf(0), f(1)\n"
    text += "for i in range(3):\n    print('i', i)\n"
    done = launch(*BOARD, "--timeout", "30", typed=text.encode())
    assert done.returncode == 0
    assert "('no', 'yes')\n" in done.stdout
    assert "i 0\ni 1\ni 2\n" in done.stdout


def test_large_pipe(launch):
    """Eighty thousand bytes piped in are all there, though the guest is slow to read them."""
    lines = ["import time", "h = 0", "time.sleep(3)"]
    numbers = [i * 7919 % 100003 for i in range(2500)]
    lines += [f"h = (h * 31 + {number}) % 1000000007" for number in numbers]
    value = 0
    for number in numbers:
        value = (value * 31 + number) % 1000000007
    lines.append("print('h is', h)")
    text = "\n".join(lines) + "\n"
    assert len(text) > 80_000
    done = launch(*BOARD, "--timeout", "50", typed=text.encode())
    assert done.returncode == 0
    assert f"\nh is {value}\n" in done.stdout


def test_piped_exit(launch):
    """A piped session that says sys.exit(5) ends with 5."""
    done = launch(*BOARD, "--timeout", "30", typed=b"import sys\nsys.exit(5)\n")
    assert done.returncode == 5


def test_reader_leaves(kernel):
    """When nobody reads the output any more, the run is over."""
    command = f"yes | {shlex.join([sys.executable, str(LAUNCHER), *BOARD])}"
    command += f" --kernel {kernel} --timeout 30 | head -2"
    done = subprocess.run(
        ["bash", "-c", f"{command}; echo ${{PIPESTATUS[1]}}"], capture_output=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == b"141"


def test_terminal(kernel):
    """On a terminal Ctrl-C goes to the guest, Ctrl-A X leaves, and the terminal is as before."""
    command = shlex.join([sys.executable, str(LAUNCHER), *BOARD, "--kernel", str(kernel)])
    shell = f"stty -a | md5sum; {command}; echo status $?; stty -a | md5sum"
    child = pexpect.spawn("bash", ["-c", shell], timeout=20, encoding="utf-8")
    child.expect("([0-9a-f]{32})")
    before = child.match[1]
    child.expect_exact("run.py: Ctrl-C goes to the guest, Ctrl-A X leaves QEMU\r\n")
    child.expect_exact(">>> ")
    child.send("while True: pass\r\r")
    child.expect_exact("...")
    child.send("\r")
    child.expect_exact("\r\n")
    child.send("\x03")
    child.expect_exact("KeyboardInterrupt")
    child.expect_exact(">>> ")
    child.send("1 + 1\r")
    child.expect_exact("2\r")
    child.send("\x01x")
    child.expect("status 0\r\n")
    child.expect("([0-9a-f]{32})")
    assert child.match[1] == before
    child.expect(pexpect.EOF)
    child.wait()


def test_pty(kernel, folder):
    """With --serial pty the first line of all output names the pty, as upstream's tools want."""
    with started(kernel, "--serial", "pty") as run:
        assert re.search(rb"/dev/pts/[0-9]+", run.stdout.readline())


# ---- ends from outside


@contextlib.contextmanager
def started(kernel, *arguments):
    command = [sys.executable, str(LAUNCHER), *BOARD, "--kernel", str(kernel), *arguments]
    pipe = subprocess.PIPE
    run = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT)
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL"])
def test_signals(kernel, name):
    """However the launcher is ended, no QEMU is left behind."""
    number = getattr(signal, name)
    with started(kernel) as run:
        run.stdout.readline()
        children = children_of(run.pid)
        assert len(children) == 1
        pidfd = os.pidfd_open(children[0])
        run.send_signal(number)
        assert run.wait(10) == (-number if number == signal.SIGKILL else 128 + number)
        # Readable once the process has ended (pidfd_open(2)).
        ended, _, _ = select.select([pidfd], [], [], 10)
        os.close(pidfd)
        assert ended


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return [int(child) for child in file.read().split()]


def test_reads_before_it_prints(launch, app):
    """A program that says nothing until it has read something gets what is piped in."""
    source = "import sys; line = sys.stdin.readline(); print('got', repr(line))"
    done = launch("--append", "log=quiet", app(source), typed=b"text\nmore\n")
    assert (done.returncode, done.stdout) == (0, "got 'text\\n'\n")


def test_a_start_file_reads(launch, app, tmp_path):
    """A start file in a boot module asks before anything else is printed, and is answered."""
    program = "import machine, sys\nprint('name?')\nmachine.poweroff(len(sys.stdin.readline()))\n"
    image = launcher_module().pack(app(program), tmp_path)
    done = launch("--initrd", image, "--append", "log=quiet", "--timeout", 20, typed=b"nine\n")
    assert (done.returncode, done.stdout) == (5, "name?\n")


@pytest.mark.parametrize(
    "arguments", [("--append", "console=none"), ("--", "-machine", "graphics=off")]
)
def test_piped_without_a_start(launch, arguments):
    """Input is typed once the kernel runs, also where it prints nothing or firmware does."""
    typed = b"import machine\nmachine.poweroff(7)\n"
    board = () if "--append" in arguments else ("--board", "q35")
    done = launch("--timeout", "60", *board, *arguments, typed=typed, timeout=80)
    assert done.returncode == 7


def test_output_closed(kernel, app):
    """Without standard output a program runs as with it; one that takes nothing is named."""
    command = [sys.executable, LAUNCHER, "--kernel", kernel, app("print(1)")]
    text = " ".join(shlex.quote(str(word)) for word in command)
    done = subprocess.run(["bash", "-c", f"{text} </dev/null >&-"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    done = subprocess.run(
        ["bash", "-c", f"{text} </dev/null >/dev/full"], capture_output=True, text=True
    )
    assert "run.py: standard output: No space left on device" in done.stderr


def test_odd_names(launch, tmp_path):
    """What a folder holds that cannot be packed is named in one line, with a status."""
    folder = tmp_path / "a, b"
    folder.mkdir()
    (folder / "main.py").write_text("print(40 + 2)")
    assert launch(folder).stdout.endswith("42\n")
    for name in "\u00e4.py", os.fsdecode(b"\xff.py"):
        (folder / name).write_text("")
        done = launch(folder)
        assert done.returncode == 126
        assert "mpremote packs names in ASCII only" in done.stderr
        (folder / name).unlink()
    (folder / "link").symlink_to("nowhere")
    done = launch(folder)
    assert done.returncode == 126
    assert re.fullmatch(r"run.py: .*No such file or directory.*\n", done.stderr)


def test_long_command_line(launch, tmp_path):
    """As much as QEMU takes arrives; more is refused where it would write over memory."""
    text = "x" * (4000 - len(" eof=poweroff"))
    assert "MicroPython v" in launch("--board", "q35", "--append", text).stdout
    done = launch("--board", "q35", "--append", text + "y")
    assert done.returncode == 126
    assert "--append: QEMU has room for 4000 bytes on this board, not 4001" in done.stderr
    folder = tmp_path / "microvm"
    folder.mkdir()
    (folder / "q.elf").write_bytes(launch.kernel.read_bytes())
    command = [sys.executable, LAUNCHER, "--kernel", "microvm/q.elf", "--append", "\u00e4" * 2000]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, input="")
    assert done.returncode == 126
    assert "--append: QEMU has room for 4000 bytes on this board, not 4013" in done.stderr
    assert "MicroPython v" in launch("--board", "microvm", "--append", text * 10).stdout


# ---- disks, random bytes, a channel

DISKS = """\
import disks, os
for disk in disks.all():
    block = bytearray(512)
    disk.readblocks(1, block)
    print(disk.driver, block[:4], disk.readonly)
    if not disk.readonly:
        disk.writeblocks(1, disk.driver.encode() + bytes(512 - len(disk.driver)))
        disk.ioctl(3, 0)
print(len(os.urandom(8)))
"""


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_disks(launch, app, tmp_path, board):
    """Disks are there on each board and bus, beside one another, and keep what was written."""
    buses = ["virtio", "virtio"] if board == "microvm" else ["virtio", "nvme", "ahci"]
    arguments = ["--rng", "--channel", tmp_path / "a, channel"]
    paths = []
    for number, bus in enumerate(buses):
        paths.append(tmp_path / f"disk, {number}.img")
        paths[-1].write_bytes(b"one!".rjust(516, b"\0").ljust(1 << 20, b"\0"))
        arguments += ["--disk", f"{paths[-1]},bus={bus}"]
    kept = tmp_path / "kept.img"
    kept.write_bytes(b"kept".rjust(516, b"\0").ljust(1 << 20, b"\0"))
    arguments += ["--disk", f"{kept},ro"]
    done = launch("--board", board, "--timeout", 60, *arguments, app(DISKS))
    assert done.returncode == 0, done.stdout + done.stderr
    expected = [f"{bus} bytearray(b'one!') False" for bus in buses]
    expected.append("virtio bytearray(b'kept') True")
    lines = done.stdout.splitlines()
    assert sorted(line for line in lines if "bytearray" in line) == sorted(expected)
    assert lines[-1] == "8"
    for path, bus in zip(paths, buses, strict=True):
        data = path.read_bytes()
        assert data[512 : 512 + len(bus)] == bus.encode() and len(data) == 1 << 20
    assert kept.read_bytes()[512:516] == b"kept"


def test_disk_arguments(launch, tmp_path):
    """What is no disk is said in one line; a file in qcow2's format is taken for one."""
    disk = tmp_path / "d.img"
    disk.write_bytes(bytes(1 << 20))
    for arguments, said in {
        ("--disk", "nix"): "run.py: --disk nix: no file at nix; 'truncate",
        ("--disk", f"{disk},bus=ide"): f"run.py: --disk {disk},bus=ide: a bus is virtio, nvme",
        (*BOARD, "--disk", f"{disk},bus=nvme"): f"run.py: --disk {disk},bus=nvme: a microvm has",
        ("--disk", f"{disk},ro,bus=ahci"): f"run.py: --disk {disk},ro,bus=ahci: QEMU's ahci has",
        ("--disk", tmp_path): f"run.py: --disk {tmp_path}: {tmp_path} is neither a file nor",
        ("--channel", "x" * 108): "run.py: --channel: a socket's path has 1 to 107 bytes, not 108",
    }.items():
        done = launch(*arguments)
        assert done.returncode == 126
        assert done.stderr.startswith(said) and done.stderr.count("\n") == 1
    disk.write_bytes(b"QFI\xfb")
    assert "format=qcow2" in launch("--dry-run", "--disk", disk).stdout


# ---- network interfaces

INTERFACES = """\
import _virtio, pci
try:
    functions = pci.scan()
except OSError:
    functions = []
print([hex(one.id) for one in functions if one.class_code >> 16 == 2], len(_virtio.find(1)))
"""


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_net(launch, app, tmp_path, board):
    """Interfaces of all models that a board takes are there, and none without --net."""
    arguments = ["--board", board, "--timeout", 30]
    assert launch(*arguments, app(INTERFACES)).stdout.endswith("[] 0\n")
    arguments += ["--net", "user,hostfwd=tcp:0:80", "--net", f"socket={tmp_path}/wire"]
    ids = []
    if board != "microvm":
        arguments += ["--net", "user,model=e1000", "--net", f"socket={tmp_path}/wire,model=e1000e"]
        ids = ["0x1000", "0x1000", "0x100e", "0x10d3"]
    done = launch(*arguments, app(INTERFACES))
    assert done.returncode == 0, done.stderr
    found, _, count = done.stdout.splitlines()[-1].rpartition(" ")
    assert sorted(re.findall("0x[0-9a-f]+", found)) == ids and count == "2"
    assert re.search(r"run.py: tcp port 80 of the guest is 127.0.0.1:\d+\n", done.stderr)


def test_net_ends(launch, tmp_path):
    """A wire has two ends, each with its own address, and whoever comes third is told."""
    wire = ["--net", f"socket={tmp_path}/wire"]
    two = launch("--dry-run", *wire, *wire).stdout
    locals, remotes = (re.findall(rf"{end}.path=([^, ]+)", two) for end in ("local", "remote"))
    assert locals == [f"{tmp_path}/wire.1", f"{tmp_path}/wire.2"] == remotes[::-1]
    assert len(set(re.findall(r"mac=52:54:00(?::[0-9a-f]{2}){3}", two))) == 2
    assert two == launch("--dry-run", *wire, *wire).stdout
    three = launch("--dry-run", *wire, *wire, *wire)
    assert three.returncode == 126
    assert three.stderr.endswith("both ends of this wire are taken\n")


def test_net_arguments(launch):
    """What is no network is said in one line, a port that is in use with its number."""
    words = "model= mac= tftp= bootfile= hostfwd="
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for text, said in {
            "wlan": "--net wlan: it begins with user, socket=PATH or tap=NAME",
            "socket=": "--net socket=: it begins with",
            "user,port=1": f"--net user,port=1: 'port=1' is none of {words}, or was there before",
            "user,model=ne2000": "--net user,model=ne2000: a model is virtio, e1000 or e1000e",
            "user,mac=5": "--net user,mac=5: a MAC address is like 52:54:00:12:34:56",
            "user,hostfwd=tcp:80": "--net: hostfwd=tcp:80: it is like tcp:8080:80, the host's",
            "user,hostfwd=tcp:1:99999": "--net: hostfwd=tcp:1:99999: it is like",
            f"user,hostfwd=tcp:{port}:80": f"--net: hostfwd=tcp:{port}:80: 127.0.0.1:{port}: "
            "Address already in use",
            "user,tftp=nix": "--net user,tftp=nix: no folder at nix",
            "tap=nix": "--net tap=nix: no interface nix; 'ip tuntap add nix mode tap user ",
            "socket=" + "x" * 107: "--net socket: a socket's path has 1 to 107 bytes, not ",
        }.items():
            done = launch("--net", text)
            assert done.returncode == 126
            assert done.stderr.startswith(f"run.py: {said}") and done.stderr.count("\n") == 1
        done = launch(*BOARD, "--net", "user,model=e1000")
        assert (
            done.stderr == "run.py: --net user,model=e1000: a microvm has no e1000, only virtio\n"
        )


# ---- arguments


def test_arguments(launch, tmp_path):
    """What cannot be run is said in one line, with the status for that."""
    for arguments, said in {
        ("--board", "nix"): "run.py: no board 'nix': there are microvm, pc, q35",
        ("--memory", "12Q"): "run.py: --memory 12Q: a size is like 64M or 2G",
        ("--memory", "0"): "run.py: --memory 0: ",
        ("--smp", "0"): "run.py: argument --smp: ",
        ("--accel", "nix"): "run.py: argument --accel: ",
        ("--serial", "nix"): "run.py: --serial nix: it is stdio, pty, none or unix:PATH",
        ("--serial", "unix:" + "x" * 108): "run.py: --serial: a socket's path has 1 to 107",
        ("--timeout", "never"): "run.py: argument --timeout: ",
        ("--kernel", "nix"): "run.py: no kernel at nix\n",
        ("--qemu", "no-such-qemu"): "run.py: no-such-qemu not found: 'make setup' installs it",
        ("--initrd", "nix"): "run.py: no boot module at nix",
        ("--nix",): "run.py: unrecognized arguments: --nix",
        ("nix.py",): "run.py: nix.py: there is no such file or folder",
        (tmp_path,): f"run.py: {tmp_path}: no main.py in it",
        ("--firmware", "uefi"): "run.py: --medium and --firmware: ",
        ("--medium", "cd"): "run.py: --medium and --firmware: ",
    }.items():
        done = launch(*arguments)
        assert done.returncode == 126, arguments
        assert done.stderr.startswith(said) and done.stderr.count("\n") == 1
        assert done.stdout == ""


def test_help(launch):
    """--help names every option's and every status's meaning."""
    done = launch("--help")
    assert done.returncode == 0
    for word in "--board --memory --smp --accel --serial --append --timeout --dry-run".split():
        assert word in done.stdout
    for status in "0..100 101 124 125 126".split():
        assert re.search(rf"^ +{re.escape(status)} ", done.stdout, re.M)


def test_dry_run(launch, app, tmp_path, monkeypatch):
    """--dry-run prints a command that QEMU takes as it stands."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))  # the image is left there
    done = launch("--dry-run", "--memory", "64M", "--append", "a=1", "--append", "b", app("1"))
    assert done.returncode == 0
    command = shlex.split(done.stdout)
    assert command[0].endswith("qemu-system-x86_64")
    assert command[command.index("-m") + 1] == "64M"
    assert command[command.index("-append") + 1] == "a=1 b main=/rom/main.py eof=poweroff"
    ran = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=30)
    assert ran.returncode == 3  # the guest's 0, as QEMU has it


def test_board_folder(launch, tmp_path):
    """A board's folder may be anywhere; without a qemu.args of its own it is a q35."""
    done = launch("--dry-run", "--board", tmp_path)
    assert "-machine q35" in done.stdout
    (tmp_path / "qemu.args").write_text("# mine\n-machine microvm,isa-serial=on  # small\n")
    done = launch("--dry-run", "--board", tmp_path)
    assert "-machine microvm,isa-serial=on -accel" in done.stdout


def test_boot_module(launch, tmp_path):
    """--initrd puts a file of one's own into memory, where Python finds it."""
    module = tmp_path / "module"
    module.write_bytes(bytes(range(256)) * 20)
    done = launch(
        *BOARD, "--initrd", module, "--append", "mine=1",
        typed=b"import bootinfo, uctypes\n"
        b"s, e, _ = bootinfo.modules[0]\n"
        b"e - s, bytes(uctypes.bytearray_at(s, e - s)) == bytes(range(256)) * 20\n"
        b"bootinfo.cmdline\n",
    )  # fmt: skip
    assert done.returncode == 0
    assert "(5120, True)\n" in done.stdout
    assert "'mine=1 eof=poweroff'\n" in done.stdout
