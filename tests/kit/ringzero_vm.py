"""A guest on QEMU: its console as a pexpect object, its raw REPL, its machine protocol."""

import ast
import asyncio
import contextlib
import importlib.util
import itertools
import os
import re
import select
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

import pexpect
from mpremote.transport import TransportExecError, _convert_filesystem_error
from mpremote.transport_serial import SerialTransport
from pexpect import fdpexpect
from qemu.qmp import QMPClient, QMPError
from ringzero_symbols import Symbols

HERE = Path(__file__).resolve().parent
# The wheel has the tree's launcher and kernel in a folder beside this: scripts/wheel.py.
ROOT = HERE / "ringzero" if (HERE / "ringzero").is_dir() else HERE.parents[1]
LAUNCHER = ROOT / "scripts" / "run.py"

PANIC = 101  # the launcher's status
ENDED = 125  # that where the machine gave none

CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = "\x01", "\x02", "\x03", "\x04", "\x05"
PROMPT = ">>> "
STOPPED = "The machine has stopped."  # the end of a panic, where nothing ends the machine
PANICS = "^panic: "  # what begins the last that a kernel says

# QEMU's names of the keys that have a character, by the layout of the United States.
KEYS = dict(
    zip(
        "1234567890abcdefghijklmnopqrstuvwxyz",
        "1234567890abcdefghijklmnopqrstuvwxyz",
        strict=False,
    )
)
KEYS |= {" ": "spc", "\n": "ret", "\t": "tab", "\b": "backspace", "-": "minus", "=": "equal"}
KEYS |= {"[": "bracket_left", "]": "bracket_right", ";": "semicolon", "'": "apostrophe"}
KEYS |= {"`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash"}
UNSHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?', "1234567890-=[]\\;'`,./", strict=False))
VGA_ADDR, VGA_COLUMNS, VGA_ROWS = 0xB8000, 80, 25
KEYBOARD_STATUS = 0x64  # a port, whose lowest bit says that the guest has not read yet


class GuestError(Exception):
    """Code in the guest raised; the text is the guest's traceback."""


class Ended(pexpect.EOF):
    """The machine ended while something was awaited."""


class TimedOut(pexpect.TIMEOUT):
    """What was awaited did not come in time."""


class Panic(Ended):
    """The kernel panicked while something else was awaited."""


def launcher_module():
    """scripts/run.py itself, for what it knows of kernels."""
    spec = importlib.util.spec_from_file_location("ringzero_run", LAUNCHER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Console(fdpexpect.fdspawn):
    """The serial port. Whatever ends a wait early says why, with the console's last lines."""

    def __init__(self, vm, fd, log):
        self.vm = vm
        super().__init__(fd, encoding="utf-8", codec_errors="replace")
        self.linesep = "\r"
        self.delaybeforesend = None
        self.log = log
        self.ahead = b""

    @property
    def timeout(self):
        """pexpect's default for each wait."""
        return self.vm.wait

    @timeout.setter
    def timeout(self, seconds):
        pass  # pexpect's own, when it is made

    def receive(self, size, timeout):
        """Bytes as they come, at least one. The one place that reads the serial port."""
        if self.ahead:
            data, self.ahead = self.ahead[:size], self.ahead[size:]
            return data
        if timeout is not None and timeout < 0:
            timeout = 0
        if not self.waiting():
            if self.vm.stopped:
                raise pexpect.EOF("")
            if not select.select([self.child_fd], [], [], timeout)[0]:
                raise pexpect.TIMEOUT("")
        try:
            data = os.read(self.child_fd, size)
        except ConnectionResetError:  # QEMU ended with input of ours unread
            data = b""
        if not data:
            self.flag_eof = True
            raise pexpect.EOF("")
        self.log.write(data)
        return data

    def waiting(self):
        """Whether receive() would return at once."""
        return bool(self.ahead or select.select([self.child_fd], [], [], 0)[0])

    def read_nonblocking(self, size=1, timeout=-1):
        timeout = self.timeout if timeout == -1 else timeout
        return self._decoder.decode(self.receive(size, timeout), final=False)

    def send(self, s):
        """Send all of it, however long, and keep what the guest says meanwhile."""
        data = s if isinstance(s, bytes) else s.encode()
        view = memoryview(data)
        limit = self.timeout
        deadline = deadline_in(limit)
        ahead = self.ahead
        self.ahead = b""
        try:
            while view:
                left = left_until(deadline)
                readable, writable, _ = select.select([self], [self], [], left)
                if not readable and not writable:
                    self.vm.explain(pexpect.TIMEOUT(""), "room for input", limit)
                if readable:
                    try:
                        ahead += self.receive(65536, 0)
                    except pexpect.EOF as error:
                        self.vm.explain(error, "room for input", limit)
                if writable:
                    # No more than what always fits, so that the write does not block.
                    view = view[os.write(self.child_fd, view[:1024]) :]
        finally:
            self.ahead = ahead
        return len(data)

    def expect_list(self, pattern_list, timeout=-1, *rest, **named):
        __tracebackhide__ = True
        return self.explained(super().expect_list, pattern_list, timeout, *rest, **named)

    def expect_exact(self, pattern_list, timeout=-1, *rest, **named):
        __tracebackhide__ = True
        return self.explained(super().expect_exact, pattern_list, timeout, *rest, **named)

    def explained(self, expect, patterns, timeout, *rest, **named):
        __tracebackhide__ = True
        # Now: what is left of a test's time is less when the wait is over.
        timeout = self.timeout if timeout == -1 else timeout
        try:
            return expect(patterns, timeout, *rest, **named)
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            if not isinstance(patterns, (list, tuple)):
                patterns = [patterns]
            names = " or ".join(repr(getattr(one, "pattern", one)) for one in patterns)
            self.vm.explain(error, names, timeout)


def keys_of(character):
    """The names of the keys that are pressed for a character."""
    shift = ["shift"] if character in UNSHIFTED or character.isupper() else []
    plain = UNSHIFTED.get(character, character.lower())
    if plain not in KEYS:
        raise ValueError(f"there is no key for {character!r}")
    return [*shift, KEYS[plain]]


def deadline_in(seconds):
    return None if seconds is None else time.monotonic() + seconds


def left_until(deadline):
    return None if deadline is None else max(0, deadline - time.monotonic())


class Qmp:
    """QEMU's machine protocol: `client` is qemu.qmp's, `command` calls it from plain code."""

    def __init__(self, path):
        self.loop = asyncio.new_event_loop()
        self.client = self.loop.run_until_complete(self.connect(path))

    @staticmethod
    async def connect(path):
        client = QMPClient("ringzero")
        await client.connect(path)
        return client

    def command(self, name, /, timeout=30, **arguments):
        """What QEMU returns for a command; `_` in an argument's name stands for `-`."""
        arguments = {key.replace("_", "-"): value for key, value in arguments.items()}
        call = self.client.execute(name, arguments)
        return self.loop.run_until_complete(asyncio.wait_for(call, timeout))

    def close(self):
        # QEMU may have gone, and whatever that raises is no news.
        with contextlib.suppress(Exception):
            self.loop.run_until_complete(asyncio.wait_for(self.client.disconnect(), 2))
        self.loop.close()


class Transport(SerialTransport):
    """mpremote's, on a guest's console: its raw paste, and its files on the guest:
    fs_writefile(path, data), fs_readfile(path), fs_listdir(path) and so on."""

    def __init__(self, vm):
        self.vm = vm
        self.serial = self
        self.deadline = None

    # ---- what it takes for a serial port

    def read(self, size):
        data = b""
        while len(data) < size:
            data += self.vm.repl_.receive(size - len(data), left_until(self.deadline))
        return data

    def write(self, data):
        return self.vm.repl_.send(data)

    def inWaiting(self):
        return self.vm.repl_.waiting()

    # ---- where it would not be told why, and would take for an answer what callbacks print

    def read_until(self, _least, ending, **_timeouts):
        data = bytearray()
        while not data.endswith(ending):
            data += self.read(1)
        return bytes(data)

    def exec_raw_no_follow(self, command):
        self.vm.enter_raw()
        self.write(b"\x05A\x01")
        self.read_until(1, b"R\x01")
        self.raw_paste_write(command if isinstance(command, bytes) else command.encode())

    def follow(self, timeout, data_consumer=None):
        result = super().follow(timeout)
        self.read_until(1, b">")
        return result

    # ---- files through the channel, where there is one

    def through_channel(self, code, path, move):
        """Run code in the guest; meanwhile move() does the host's part. Errors are mpremote's."""
        __tracebackhide__ = True
        self.deadline = deadline_in(self.vm.wait)
        try:
            self.exec_raw_no_follow(code)
            with contextlib.suppress(TimeoutError):
                move()
            said, problem = self.follow(self.vm.wait)
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            self.vm.raw = False
            self.vm.explain(
                error, f"the end of {path} on its way through the channel", self.vm.wait
            )
        if problem:
            error = TransportExecError(said, problem.decode(errors="replace"))
            raise _convert_filesystem_error(error, path) from None

    def fs_writefile(self, dest, data, *rest, **named):
        __tracebackhide__ = True
        channel = self.vm.channel
        if channel is None:
            return super().fs_writefile(dest, data, *rest, **named)
        ms = int((self.vm.wait or 60) * 1000)
        code = TAKE_FILE.format(name=CHANNEL, ms=ms, path=dest, size=len(data))
        return self.through_channel(code, dest, lambda: channel.sendall(data))

    def fs_readfile(self, src, *rest, **named):
        __tracebackhide__ = True
        channel = self.vm.channel
        if channel is None:
            return super().fs_readfile(src, *rest, **named)
        size = self.fs_stat(src).st_size
        data = bytearray()

        def receive():
            while len(data) < size and (part := channel.recv(size - len(data))):
                data.extend(part)

        self.through_channel(GIVE_FILE.format(name=CHANNEL, path=src, size=size), src, receive)
        return data

    def exec_raw(self, command, timeout=-1, data_consumer=None):
        __tracebackhide__ = True
        timeout = self.vm.wait if timeout == -1 else timeout
        self.deadline = deadline_in(timeout)
        try:
            return super().exec_raw(command, timeout)
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            self.vm.raw = False
            code = command if isinstance(command, str) else command.decode()
            self.vm.explain(error, f"the end of {code.strip()[:60]!r}", timeout)


# What a guest runs to take or give a file through the channel. What goes wrong is raised when
# all has come.
TAKE_FILE = """
import machine
def take(path, left):
    channel = machine.Console({name!r}, timeout={ms})
    block = memoryview(bytearray(65536))
    def part():
        nonlocal left
        count = channel.readinto(block[: min(left, 65536)])
        if not count:
            left = 0
            raise OSError(110)
        left -= count
        return block[:count]
    try:
        with open(path, "wb") as file:
            while left:
                file.write(part())
    finally:
        while left:
            part()
take({path!r}, {size})
"""
GIVE_FILE = """
import machine
def give(path, left):
    channel = machine.Console({name!r})
    block = memoryview(bytearray(65536))
    with open(path, "rb") as file:
        while left:
            count = file.readinto(block[: min(left, 65536)])
            if not count:
                raise OSError(5)
            channel.write(block[:count])
            left -= count
give({path!r}, {size})
"""
CHANNEL = "org.ringzero.channel"


class Guest:
    """A machine at the other end of a line, wherever it stands and whatever emulates it.

    The console's transcript is kept in `folder`; `kernel` is the ELF that it runs. `wait` is how
    long each wait lasts, in seconds, unless it says otherwise; None is for ever. Where `deadline`
    is given, in time.monotonic()'s seconds, no wait lasts beyond it.

    A kernel of another kind has patterns of its own: `prompt`, for run() and boot(), and `panics`,
    for the beginning of what it says when it panics.
    """

    def __init__(self, kernel, folder, *, wait=30.0, deadline=None, prompt=None, panics=PANICS):
        self.wait_limit = wait
        self.deadline = deadline
        self.prompt = prompt and re.compile(prompt, re.MULTILINE | re.DOTALL)
        self.panics = re.compile(panics, re.MULTILINE)
        self.decoded = {}  # a panic's text with and without names, as that takes a second
        self.kernel = Path(kernel)
        self.channel = None
        self.status = None
        self.raw = False
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            self.suffix = f"-{number}" if number > 1 else ""
            self.console_log = folder / f"console{self.suffix}.log"
            with contextlib.suppress(FileExistsError):
                self.log = open(self.console_log, "xb", buffering=0)
                break

    def attach(self, fd):
        """Have the console at a file descriptor, a socket's or a serial port's."""
        self.repl_ = Console(self, fd, self.log)
        self.transport = Transport(self)
        return self

    # ---- the console

    @property
    def wait(self):
        """How many seconds a wait that begins now lasts, or None."""
        limits = [self.wait_limit, left_until(self.deadline)]
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def repl(self):
        """The console as a pexpect object, at or on its way to the friendly prompt."""
        if self.raw:
            self.raw = False
            self.repl_.send(CTRL_B)
            self.repl_.expect_exact(PROMPT)
        return self.repl_

    def boot(self):
        """Wait for the first prompt."""
        if self.prompt:
            self.repl.expect(self.prompt)
        else:
            self.repl.expect_exact(f"\n{PROMPT}")
        return self

    def run(self, line, timeout=-1):
        """Type a line at the friendly prompt; what it prints until the next prompt.

        Where the prompt is not ours that begins with the line itself, if the kernel echoes it."""
        self.repl.sendline(line)
        if self.prompt:
            self.repl.expect(self.prompt, timeout)
        else:
            self.repl.expect_exact("\r\n", timeout)
            self.repl.expect_exact(PROMPT, timeout)
        return self.repl.before

    def soft_reset(self):
        self.repl.send(CTRL_D)
        self.repl.expect_exact("soft reboot\r\n")
        self.repl.expect_exact(f"\n{PROMPT}")

    def transcript(self):
        return self.console_log.read_text(errors="replace")

    def explain(self, error, awaited, seconds):
        """Raise what says why a wait for something on the console failed."""
        __tracebackhide__ = True
        last = "\n".join(self.transcript().splitlines()[-15:])
        if isinstance(error, pexpect.TIMEOUT):
            problem = f"waited {seconds:.3g} s in vain for {awaited}"
            kind = TimedOut
        else:
            problem = f"the machine ended with status {self.wait_exit()}, awaited was {awaited}"
            kind = Ended
        panic = self.panic
        if panic:
            raise Panic(panic) from None
        raise kind(f"{problem}; the console's last lines:\n{last}") from None

    @property
    def before_panic(self):
        """The console's transcript, without what the kernel said when it panicked."""
        return self.panics.split(self.transcript(), maxsplit=1)[0]

    @property
    def panic(self):
        """What the kernel said when it panicked, with the names of the code in it, or None."""
        said = self.transcript()
        found = self.panics.search(said)
        if not found:
            return None
        text = said[found.start() :].replace("\r", "")
        if text not in self.decoded:
            self.decoded[text] = Symbols(self.kernel).decode(text)
        return self.decoded[text]

    # ---- the raw REPL

    def enter_raw(self):
        if not self.raw:
            self.repl_.send("\r" + CTRL_C + CTRL_A)
            self.repl_.expect_exact("raw REPL; CTRL-B to exit\r\n>")
            self.raw = True

    def exec(self, code, timeout=-1):
        """Run code in the guest; what it prints. GuestError when it raises."""
        __tracebackhide__ = True
        output, problem = self.transport.exec_raw(textwrap.dedent(code), timeout)
        if problem:
            raise GuestError(problem.decode(errors="replace").replace("\r", "").strip())
        return output.decode(errors="replace").replace("\r\n", "\n")

    def eval(self, expression, timeout=-1):
        """The value of an expression in the guest, if it is made of literals."""
        __tracebackhide__ = True
        text = self.exec(f"print(repr({expression}))", timeout).strip()
        try:
            return ast.literal_eval(text)
        except (SyntaxError, ValueError):
            raise ValueError(f"{expression} is {text}, which is not made of literals") from None

    def start_over(self):
        """Come to a fresh prompt, from whatever the machine does: it may still start."""
        __tracebackhide__ = True
        timeout = self.wait
        deadline = deadline_in(timeout)
        # A prompt that is there already shows again; ours also out of a program and the raw REPL.
        keys = "\r" if self.prompt else CTRL_C + CTRL_B + "\r"
        prompt = self.prompt or rf"\n{PROMPT}"
        while True:
            self.repl_.send(keys)
            with contextlib.suppress(TimedOut):
                self.repl.expect(prompt, timeout=1)
                break
            if left_until(deadline) == 0:
                self.explain(pexpect.TIMEOUT(""), "a prompt", timeout)
        if not self.prompt:
            self.soft_reset()
            return self
        # One for each Enter that it had not read yet.
        with contextlib.suppress(TimedOut):
            while True:
                self.repl.expect(prompt, timeout=1)
        return self

    # ---- its end

    @property
    def stopped(self):
        """Whether it has panicked where nothing ends the machine."""
        said = self.transcript()
        return said.rstrip().endswith(STOPPED) and bool(self.panics.search(said))

    def wait_exit(self, timeout=-1):
        """The status that it says at its end, or a panic's; None where the line has just ended."""
        timeout = self.wait if timeout == -1 else timeout
        deadline = deadline_in(timeout)
        try:
            while True:
                said = self.transcript()
                found = re.search(r"^ringzero: exit (\d+)\n", said, re.MULTILINE)
                if found or STOPPED in said:
                    self.status = int(found[1]) if found else PANIC
                    return self.status
                self.repl_.receive(65536, left_until(deadline))
        except pexpect.EOF:
            return None
        except pexpect.TIMEOUT as error:
            self.explain(error, "the machine's end", timeout)

    def check(self):
        """Panic if the kernel has since its console was last read, and nobody awaited its end."""
        __tracebackhide__ = True
        panic = self.panic
        with contextlib.suppress(pexpect.TIMEOUT, pexpect.EOF):
            while True:
                self.repl_.receive(65536, 0)
        if self.panic and not panic and self.status is None:
            raise Panic(self.panic)

    def close(self):
        self.log.close()

    def __enter__(self):
        return self

    def __exit__(self, *_exception):
        self.close()


class Wire:
    """A network cable between two guests, or with the test itself at one end.

    It is what `nets` of both guests have in them; a model is `f"{wire},model=e1000"`. end() takes
    an end for the test: a socket, of which each send() and recv() is an Ethernet frame without its
    checksum, once the guest at the other end is there.
    """

    def __init__(self):
        # A socket's path has at most 107 bytes, which a test's folder may well exceed.
        self.folder = Path(tempfile.mkdtemp(prefix="rz-", dir="/tmp"))
        self.path = self.folder / "wire"
        self.kept = []

    def __str__(self):
        return f"socket={self.path}"

    def end(self, timeout=30):
        ours, theirs = launcher_module().wire_end(str(self.path), self.kept)
        end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.kept.append(end)
        end.settimeout(timeout)
        end.bind(ours)
        end.connect(theirs)
        return end

    def close(self):
        for one in self.kept:
            one.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class VM(Guest):
    """A guest of QEMU's that boots when it is made; `close` ends it.

    Besides the transcript, QEMU's command and the launcher's messages are kept in `folder`.
    `launcher` and `extra` are further arguments for the launcher and for QEMU. Without `serial` it
    has no serial port: there are its keyboard and its screen, type() and screen_text().
    `exit_device` is QEMU's device by which a kernel of another kind ends the machine, with the
    number that it writes there as status. `disks` are files, as the launcher's --disk takes them;
    `nets` are what its --net takes, or a Wire, and port(80) is the host's port that leads to the
    guest's, where there is "user,hostfwd=tcp:0:80" among them; `rng` adds a virtio-rng, `channel`
    a port of virtio-serial, whose socket is `channel` here, and which files then go through. The
    rest is Guest's.
    """

    stopped = False  # or the console ends with QEMU

    def __init__(
        self,
        kernel,
        folder,
        *,
        board="q35",
        memory="256M",
        smp=1,
        accel="tcg",
        app=None,
        initrd=None,
        append="",
        extra=(),
        serial=True,
        gdb=False,
        launcher=(),
        wait=30.0,
        deadline=None,
        exit_device=None,
        disks=(),
        nets=(),
        rng=False,
        channel=False,
        **patterns,
    ):
        wait, deadline = (None, None) if gdb else (wait, deadline)
        super().__init__(kernel, folder, wait=wait, deadline=deadline, **patterns)
        self.gdb = gdb
        self._qmp = None
        self.has_screen = False  # or it has not been asked for
        self.command_file = self.console_log.with_name(f"qemu{self.suffix}.cmd")
        self.launcher_log = self.console_log.with_name(f"launcher{self.suffix}.log")
        # A socket's path has at most 107 bytes, which a test's folder may well exceed.
        self.sockets = Path(tempfile.mkdtemp(prefix="rz-", dir="/tmp"))
        command = [sys.executable, str(LAUNCHER), "--kernel", str(kernel), "--board", str(board)]
        command += ["--memory", str(memory), "--smp", str(smp), "--accel", accel]
        command += ["--parent", str(os.getpid())]  # which may be killed
        # QEMU connects to us before the guest starts, so no output is lost.
        console = f"unix:{self.sockets}/console,server=off"
        self.serial = serial
        command += ["--serial", console if serial else "none"]
        command += ["--qmp", f"{self.sockets}/qmp", "--record", str(self.command_file)]
        if exit_device:
            command += ["--exit-device", exit_device]
        for disk in disks:
            command += ["--disk", str(disk)]
        for net in nets:
            command += ["--net", str(net)]
        if rng:
            command += ["--rng"]
        if channel:
            command += ["--channel", f"{self.sockets}/channel"]
        if append:
            command += ["--append", append]
        if initrd:
            command += ["--initrd", str(initrd)]
        if app:
            command += [str(app)]
        command += [*map(str, launcher), "--", *extra]
        if not serial:
            # QEMU connects all the same, and its end is seen there.
            command += ["-device", "VGA"]
            command += ["-chardev", f"socket,id=none,path={self.sockets}/console,server=off"]
        if gdb:
            command += ["-S", "-gdb", f"unix:{self.sockets}/gdb,server=on,wait=off"]
        self.gdb_command = launcher_module().gdb_command(self.kernel, f"{self.sockets}/gdb")
        self.command = shlex.join(command)
        try:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(f"{self.sockets}/console")
                listener.listen(1)
                with open(self.launcher_log, "wb") as messages:
                    self.launcher = subprocess.Popen(
                        command, stdin=subprocess.DEVNULL, stdout=messages, stderr=messages
                    )
                self.socket = self.accept(listener)
        except BaseException:
            self.close()
            raise
        self.attach(self.socket.fileno())
        if channel:
            # QEMU has made it before it connects to us.
            self.channel = socket.socket(socket.AF_UNIX)
            self.channel.settimeout(wait)
            self.channel.connect(f"{self.sockets}/channel")

    def accept(self, listener):
        deadline = time.monotonic() + 30
        listener.settimeout(0.05)
        while True:
            with contextlib.suppress(socket.timeout):
                connection = listener.accept()[0]
                connection.setblocking(True)
                return connection
            if self.launcher.poll() is not None or time.monotonic() > deadline:
                said = self.launcher_log.read_text(errors="replace").strip()
                raise Ended(f"QEMU did not start, status {self.launcher.poll()}: {said}")

    def boot(self):
        """Wait for the first prompt."""
        if self.serial:
            return super().boot()
        self.wait_screen(rf"\n{PROMPT.strip()}$")
        return self

    # ---- keyboard and screen

    def send_keys(self, *events):
        """Keys that go down (name, True) and up (name, False), by QEMU's names. Ended if the
        machine has before; where it ends by these keys, who waits for something next is told."""
        __tracebackhide__ = True
        limit = self.wait
        if not self.pass_keys(events):
            self.explain(pexpect.EOF(""), "a keyboard", limit)

    def pass_keys(self, events):
        """As send_keys(); false if the machine has ended before."""
        events = [
            {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": name}}}
            for name, down in events
        ]
        try:
            self.qmp.command("input-send-event", events=events)
        except QMPError:
            if self.runs():
                raise
            return False
        # QEMU drops what comes while its buffer is full.
        deadline = deadline_in(self.wait)
        while self.keyboard_is_full():
            if left_until(deadline) == 0:
                raise TimedOut("the guest does not read its keyboard")
        return True

    def runs(self):
        """Whether QEMU does. Its protocol ends a little earlier."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.launcher.wait(5)
        return self.launcher.poll() is None

    def keyboard_is_full(self):
        """Whether the guest has not yet read all that was pressed. It has where it ended."""
        line = f"i /b {KEYBOARD_STATUS}"
        try:
            text = self.qmp.command("human-monitor-command", command_line=line)
        except QMPError:
            if self.runs():
                raise
            return False
        return int(text.partition("=")[2], 16) & 1 == 1

    def press(self, *names):
        """Press keys together, and let them go."""
        __tracebackhide__ = True
        self.send_keys(*((name, True) for name in names))
        self.pass_keys((name, False) for name in reversed(names))

    def type(self, text):
        """Type a text on the keyboard, where the layout of the United States has it. ValueError
        where it has not; then nothing is typed."""
        __tracebackhide__ = True
        keys = [keys_of(one) for one in text]
        if self.raw:
            _ = self.repl  # whose prompt it is for
        for names in keys:
            self.press(*names)

    def screen(self):
        """What the screen shows, as a PNG, in bytes. QEMU's error where there is no screen."""
        path = self.sockets / "screen.png"
        self.qmp.command("screendump", filename=str(path), format="png")
        return path.read_bytes()

    def screen_text(self):
        """What is in VGA's text mode: its rows, without the spaces at their ends."""
        if not self.has_screen:
            self.screen()
            self.has_screen = True
        cells = self.memory(VGA_ADDR, VGA_COLUMNS * VGA_ROWS * 2)[::2].decode("cp437")
        rows = (cells[at : at + VGA_COLUMNS] for at in range(0, len(cells), VGA_COLUMNS))
        return "\n".join(row.rstrip() for row in rows)

    def wait_screen(self, pattern):
        """Wait until the screen, without the empty rows at its end, has this in it; the match."""
        __tracebackhide__ = True
        limit = self.wait
        deadline = deadline_in(limit)
        while True:
            text = self.screen_text().rstrip("\n")
            found = re.search(pattern, text)
            if found:
                return found
            if left_until(deadline) == 0 or self.launcher.poll() is not None:
                raise TimedOut(
                    f"waited {limit:.3g} s in vain for {pattern!r} on the screen:\n{text}"
                )
            time.sleep(0.05)

    # ---- the machine

    @property
    def qmp(self):
        if not self._qmp:
            self._qmp = Qmp(f"{self.sockets}/qmp")
        return self._qmp

    def memory(self, addr, size):
        """Physical memory as QEMU sees it."""
        path = self.sockets / "memory"
        self.qmp.command("pmemsave", val=addr, size=size, filename=str(path))
        return path.read_bytes()

    def port(self, guest, protocol="tcp"):
        """The port of 127.0.0.1 that leads to this port of the guest."""
        command = self.command_file.read_text()
        found = re.search(rf"hostfwd={protocol}:[0-9.]+:(\d+)-:{guest}\b", command)
        if not found:
            raise ValueError(f"no port of the host leads to {protocol} port {guest} of the guest")
        return int(found[1])

    def nmi(self):
        self.qmp.command("inject-nmi")

    def cpu_seconds(self):
        """What QEMU has had of the host's CPUs; 0 if it has ended."""
        launcher = self.launcher.pid
        try:
            qemu = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()[0]
            fields = Path(f"/proc/{qemu}/stat").read_text().rpartition(")")[2].split()
        except (OSError, IndexError):
            return 0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wait_exit(self, timeout=-1):
        """The launcher's status after the machine has ended, which see `run.py --help`."""
        timeout = self.wait if timeout == -1 else timeout
        deadline = deadline_in(timeout)
        try:
            while not self.repl_.flag_eof:
                self.repl_.receive(65536, left_until(deadline))
        except pexpect.EOF:
            pass
        except pexpect.TIMEOUT as error:
            self.explain(error, "the machine's end", timeout)
        self.status = self.launcher.wait(5)
        return self.status

    def check(self):
        """As Guest's; Ended where the machine has with no status of its own, by a reset say."""
        __tracebackhide__ = True
        super().check()
        if self.status is None and self.repl_.flag_eof and not self.panic:
            status = self.launcher.wait(5)
            if status in (PANIC, ENDED):
                said = self.launcher_log.read_text(errors="replace").strip()
                raise Ended(
                    f"the machine ended with status {status}, and nobody awaited it; {said}"
                )

    def close(self):
        """End the machine, whatever state it is in."""
        if self._qmp:
            self._qmp.close()
            self._qmp = None
        launcher = getattr(self, "launcher", None)
        if launcher and launcher.poll() is None:
            launcher.terminate()
            try:
                launcher.wait(5)
            except subprocess.TimeoutExpired:
                launcher.kill()
                launcher.wait()
        if hasattr(self, "socket"):
            self.socket.close()
        if self.channel:
            self.channel.close()
        self.log.close()
        shutil.rmtree(self.sockets, ignore_errors=True)
