#!/usr/bin/env python3
"""Call whatever the kernel has with whatever there is, from wherever it can be called."""

import argparse
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect
from batches import BATCH, ENDS, Generator

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
UNIX_PATH = (HERE / "guest", ROOT / "modules", ROOT / "modules" / "layouts", ".frozen")
sys.path.insert(0, str(ROOT / "tests" / "kit"))

from ringzero_vm import CTRL_A, CTRL_C, CTRL_D, VM  # noqa: E402

QUIET = 1.5  # seconds without a word until Ctrl-C
DEAF = 30  # seconds of Ctrl-C in vain that are a hang, if the host had time for the guest
STARVED = 4  # times that: a guest that has taken no time for so long is one as well
MARK_MAX = 64  # bytes of a mark that only the console's last bytes may have begun
TRIES = 3  # times that a shorter batch may run without failing

# Board, memory, clock and CPUs. The guest's clock follows the host's, or the instructions that the
# guest has executed: then no load of the host delays it, and sleeping takes no time.
MACHINES = [
    ("q35", "64M", "host", "1"),
    ("microvm", "12M", "icount", "1"),
    ("q35", "128M", "host", "3"),
    ("q35", "256M", "icount", "1"),
    ("microvm", "24M", "host", "1"),
    ("pc", "40M", "icount", "1"),
    ("microvm", "48M", "icount", "2"),
]
ICOUNT = ("-icount", "shift=1,sleep=off")

NAMES = "import fz; fz.names(); print('#NAMES')"

# What the console says when QEMU has ended, to who reads and to who writes.
GONE = (pexpect.EOF, BrokenPipeError, ConnectionResetError)


DISK = 1 << 20  # bytes


class Finding(Exception):
    """What went wrong: `kind` in one line that does not change, `text` in full."""

    def __init__(self, kind, text):
        super().__init__(kind)
        self.kind = kind
        self.text = text


class EndedByDesign(Exception):
    """A program has asked for it."""


class Guest:
    """A machine that runs batches, one after each soft reset."""

    def __init__(self, kernel, folder, rom, machine):
        self.kernel = kernel
        self.deaf = DEAF
        self.may_end = False
        board, memory, clock, cpus = machine
        disk = folder / "disk.img"
        folder.mkdir(parents=True, exist_ok=True)
        disk.write_bytes(bytes(DISK))
        self.vm = VM(
            kernel,
            folder,
            board=board,
            memory=memory,
            smp=int(cpus),
            initrd=rom,
            append="log=quiet" if cpus == "1" else "log=quiet cpus=all",
            extra=ICOUNT if clock == "icount" else (),
            disks=[disk],
            nets=["user"],
            rng=True,
            channel=True,
        )
        try:
            self.vm.boot()
            # / takes its memory when it is used for the first time.
            self.vm.exec("import os; open('/x', 'w').close(); os.remove('/x')")
            self.seen = b""
            self.reset()
            self.baseline = self.state()
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            self.vm.close()
            raise Finding("no prompt at the start", str(error)) from None

    def names(self):
        return self.vm.exec(NAMES, 60).split("#NAMES")[0].split()

    def state(self):
        text = self.vm.exec("import frames; print(tuple(frames.stats()), frames.check())", 60)
        return text.strip().splitlines()[-1] if text.strip() else ""

    def read(self, seconds):
        """True if something came."""
        try:
            self.seen += self.vm.repl_.receive(65536, seconds)
            return True
        except pexpect.TIMEOUT:
            return False
        except GONE:
            raise self.ended() from None

    def panic(self):
        panic = self.vm.panic
        first = panic.splitlines()[0]
        names = [
            n
            for n in re.findall(r"(?m)^.*?([A-Za-z_]\w+)\+(?:0x)?\w+", panic)
            if n not in ("panic", "trap_handle")
        ]
        first = re.sub(r"0x[0-9a-fA-F]+", "0x*", first)
        return Finding(" in ".join([first, *names[:2]]), panic)

    def ended(self):
        with contextlib.suppress(pexpect.ExceptionPexpect):
            self.vm.wait_exit(20)
        if self.vm.panic:
            return self.panic()
        if self.may_end:
            return EndedByDesign()
        return Finding(f"the machine ended, status {self.vm.status}", self.last())

    def registers(self):
        """Where the CPU is, a few times."""
        lines = []
        for _ in range(8):
            command = {"command-line": "info registers"}
            text = self.vm.qmp.command("human-monitor-command", **command)
            lines.append(" ".join(re.findall(r"(?:RIP|RSP|RBP|RFL|HLT)=\w+", text)))
            time.sleep(0.1)
        return "\n".join(lines)

    def last(self):
        return "\n".join(self.vm.transcript().replace("\r", "").splitlines()[-25:])

    def wait(self, pattern, what, quiet=QUIET):
        """Until the pattern comes, with Ctrl-C where nothing does; the match."""
        deaf = self.deaf
        said, start = time.monotonic(), None
        began = began_presses = said
        pattern, searched = re.compile(pattern), 0
        while True:
            # A traceback may be as long as the stack is deep: what has been searched is not again,
            # but from where a longer match may begin.
            begins = [self.seen.find(mark) for mark in (b"\x04", b"soft reboot")]
            begins = [at for at in begins if at >= 0] + [max(searched - MARK_MAX, 0)]
            found = pattern.search(self.seen, min(begins))
            searched = len(self.seen)
            if found:
                self.seen = self.seen[found.end() :]
                return found
            if b"\npanic: " in self.seen or self.seen.startswith(b"panic: "):
                while True:
                    self.read(30)
            if self.read(0.25):
                # A program that catches what each Ctrl-C raises is not deaf.
                if start is not None and time.monotonic() - began_presses < 10 * deaf:
                    first_press = time.monotonic()
                    cpu_then = self.vm.cpu_seconds()
                # A program that prints without an end is no better than one that is silent.
                if time.monotonic() - began < 10 * quiet:
                    said = time.monotonic()
            now = time.monotonic()
            if now - said > quiet and start is None:
                start = began_presses = first_press = now
                cpu_then = self.vm.cpu_seconds()
            if start is not None and now - start > 0.3:
                had = self.vm.cpu_seconds() - cpu_then
                if now - first_press > (deaf if had > deaf / 2 else STARVED * deaf):
                    text = f"{self.registers()}\n{self.last()}"
                    raise Finding(f"Ctrl-C in vain: no {what}", text)
                self.vm.repl_.send(CTRL_C)
                start = now

    def reset(self):
        self.seen = b""
        try:
            self.vm.enter_raw()
            self.vm.repl_.send(CTRL_D)
        except GONE:
            raise self.ended() from None
        self.wait(rb"raw REPL; CTRL-B to exit\r\n>", "soft reset")

    def run(self, batch, trace=False):
        """Finding if something goes wrong."""
        vm = self.vm
        source = batch.source(trace)
        self.may_end |= ENDS.search(source) is not None
        try:
            vm.raw = True
            try:
                vm.transport.deadline = time.monotonic() + 60
                vm.transport.exec_raw_no_follow(source)
            except pexpect.TIMEOUT:
                raise Finding("the prompt takes no program", self.last()) from None
            except GONE:
                raise self.ended() from None
            except Exception as error:
                raise Finding("the prompt takes no program", str(error)) from None
            self.seen = b""
            marker = b"#END %d\r\n" % batch.seed
            found = self.wait(
                # A hard callback may print before the prompt.
                re.escape(marker) + rb"|soft reboot\r\n|[\x04\n]\x04[^\x04]*>",
                "end of the batch",
            )
            self.ended_well = found[0].startswith(b"#END")
            if self.ended_well:
                self.wait(
                    rb"\x04[^\x04]*\x04[^\x04]*>|soft reboot\r\n", "answer of the raw REPL", 10
                )
            if re.search(r"(?m)^#CHECK", vm.transcript()):
                raise Finding("frames.check() fails", self.last())
            self.settle()
        except (*GONE, pexpect.TIMEOUT) as error:
            if vm.panic:
                raise self.panic() from None
            if isinstance(error, GONE):
                raise self.ended() from None
            raise Finding("the prompt is lost", f"{error}\n{self.last()}") from None

    def settle(self):
        """A soft reset, and then all frames are back."""
        vm = self.vm
        for _ in range(3):
            # After Ctrl-C three times it is the other prompt.
            vm.repl_.send("\r" + CTRL_C + CTRL_A + CTRL_D)
            end = rb"soft reboot\r\n[\s\S]*(raw REPL; CTRL-B to exit\r\n>|\n>>> )\Z"
            if self.wait(end, "soft reset")[1].startswith(b"raw"):
                break
        # The end of the soft reset that was meant, should there have been another.
        vm.repl_.send("print('#SYNC')" + CTRL_D)
        self.wait(rb"#SYNC\r\n\x04\x04>", "prompt")
        state = self.state()
        if state != self.baseline:
            raise Finding(
                "frames are lost" if "True" in state else "frames.check() fails",
                f"before {self.baseline}\nafter  {state}\n{self.last()}",
            )

    def close(self):
        self.vm.close()


class Fuzzer:
    def __init__(self, options):
        self.options = options
        self.out = options.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.rom = pack(self.out)
        self.folder = self.out / f"guests-{os.getpid()}"
        self.known = {}
        self.generator = None
        self.done = 0
        self.whole = 0  # of those done, that reached their end

    def guest(self, machine):
        shutil.rmtree(self.folder, ignore_errors=True)
        return Guest(self.options.kernel, self.folder, self.rom, machine)

    def fuzz(self, seed, seconds=None, batches=None):
        """Findings' number."""
        start = time.monotonic()
        machine = MACHINES[seed % len(MACHINES)]
        guest, history = None, []
        found = 0
        number = 0
        try:
            while batches is None or number < batches:
                if seconds is not None and time.monotonic() - start > seconds:
                    break
                if guest is None or len(history) == 40:
                    if guest:
                        guest.close()
                    machine = MACHINES[(seed + number // 40) % len(MACHINES)]
                    guest, history = self.guest(machine), []
                    if self.generator is None:
                        self.generator = Generator(guest.names())
                        guest.settle()
                batch = self.generator.batch(seed * 1000003 + number)
                number += 1
                history.append(batch)
                try:
                    guest.run(batch)
                    self.done += 1
                    self.whole += guest.ended_well
                except EndedByDesign:
                    guest.close()
                    guest = None
                except Finding as finding:
                    guest.close()
                    guest = None
                    found += 1
                    self.report(finding, history, machine)
                    if not self.options.keep_going:
                        break
        finally:
            if guest:
                guest.close()
        took = time.monotonic() - start
        print(
            f"{self.done} batches of {BATCH} in {took:.0f} s, {self.whole} to their end,"
            f" {found} findings",
            flush=True,
        )
        return found

    # ---- what a finding comes from

    def attempt(self, batches, machine):
        """The finding that these batches lead to, or None."""
        try:
            guest = self.guest(machine)
        except Finding as finding:
            return finding
        guest.deaf = DEAF / 4
        try:
            for batch in batches:
                guest.run(batch, trace=True)
        except EndedByDesign:
            return None
        except Finding as finding:
            finding.text += "\n--- console\n" + guest.last()
            return finding
        finally:
            guest.close()
        return None

    def repeat(self, batches, machine, tries=TRIES):
        for _ in range(tries):
            finding = self.attempt(batches, machine)
            if finding:
                return finding
        return None

    def report(self, finding, history, machine):
        count = self.known[finding.kind] = self.known.get(finding.kind, 0) + 1
        print(f"found: {finding.kind} (seed {history[-1].seed})", flush=True)
        if count > 2:
            return
        deadline = time.monotonic() + self.options.minimise
        again = self.repeat(history[-1:], machine)
        batches = history[-1:]
        if not again:
            batches = history
            again = self.repeat(batches, machine, 2)
        if again:
            batches = self.minimised(batches, machine, deadline, again.text)
            finding = self.attempt(batches, machine) or again
        slug = re.sub(r"\W+", "-", finding.kind)[:60].strip("-")
        path = self.out / f"{slug}-{history[-1].seed}.py"
        comment = "\n".join("# " + line for line in finding.text.splitlines())
        kept = "" if again else "# Not seen again.\n"
        text = f"# {finding.kind}\n# {' '.join(machine)}\n{kept}{comment}\n"
        text += "\n# ---- soft reset ----\n".join(batch.source(True) for batch in batches)
        path.write_text(text)
        print(text)
        print(f"the unix port: {on_unix(batches, self.options.unix)}")
        print(f"once more: {sys.executable} {__file__} --replay {path}", flush=True)

    def minimised(self, batches, machine, deadline, said):
        """With what does not matter left out, batches first, then statements."""
        last = re.findall(r"(?m)^[# ]*# (s\d+)$", said)
        alone = [one for one in batches[-1].statements if last and one.name == last[-1]]
        if alone and self.attempt([batches[-1].with_(alone)], machine):
            return [batches[-1].with_(alone)]

        def shorter(items, make):
            size = max(1, len(items) // 2)
            while size and len(items) > 0:
                at = 0
                while at < len(items):
                    if time.monotonic() > deadline:
                        return items
                    less = items[:at] + items[at + size :]
                    if less and self.repeat(make(less), machine, TRIES if size == 1 else 2):
                        items = less
                    else:
                        at += size
                size //= 2
            return items

        if len(batches) > 1:
            batches = shorter(batches, lambda less: less)
        for i in reversed(range(len(batches))):

            def replaced(less, i=i, batches=batches):
                return [*batches[:i], batches[i].with_(less), *batches[i + 1 :]]

            batches = replaced(shorter(batches[i].statements, replaced))
        return batches


def on_unix(batches, program):
    """What upstream's unix port does with the same calls."""
    if not program or not Path(program).exists():
        return "not built: make -f tests/host/Makefile unix"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "calls.py"
        path.write_text(batches[-1].source())
        try:
            done = subprocess.run(
                [program, "-X", "heapsize=8m", str(path)],
                cwd=folder,
                env=dict(os.environ, MICROPYPATH=":".join(map(str, UNIX_PATH))),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=20,
            )
        except subprocess.TimeoutExpired:
            return "does not end"
    if done.returncode < 0:
        return f"{signal.Signals(-done.returncode).name}"
    if b"#END" not in done.stdout:
        return f"ends early, status {done.returncode}: {done.stdout[-200:]!r}"
    return "nothing wrong"


def pack(folder):
    """The guest's /rom."""
    image = folder / f"rom-{os.getpid()}.img"
    with tempfile.TemporaryDirectory() as tree:
        # boot.py, so that it is found: /rom is not on the path by itself.
        shutil.copy(HERE / "guest" / "fz.py", tree)
        Path(tree, "boot.py").write_text("import sys\nsys.path.append('/rom')\n")
        command = [sys.executable, "-m", "mpremote", "romfs", "--output", str(image)]
        subprocess.run(
            [*command, "build", tree], check=True, stdout=subprocess.DEVNULL, timeout=120
        )
    return image


class Text:
    """A batch from a file."""

    def __init__(self, text):
        self.text = text
        self.seed = int(re.findall(r"(?m)^end\((\d+)\)", text)[-1])

    def source(self, trace=False):
        return self.text


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
    add("--unix", type=Path, default=ROOT / "build/host/unix/micropython")
    add("--out", type=Path, default=ROOT / "build/fuzz", help="folder for what is found")
    add("--seconds", type=float, help="for how long (default: until a finding)")
    add("--batches", type=int, help="how many batches at most")
    add("--seed", type=int, default=int(time.time()), help="to begin with (default: the time)")
    add("--keep-going", action="store_true", help="do not stop at the first finding")
    add("--minimise", type=float, default=300, help="seconds for making a finding shorter")
    add("--replay", type=Path, metavar="FILE", help="run what a finding's file holds")
    options = parser.parse_args()
    options.unix = options.unix.resolve()
    fuzzer = Fuzzer(options)
    if options.replay:
        text = options.replay.read_text()
        machine = tuple(text.splitlines()[1][2:].split())
        batches = [Text(part) for part in text.split("# ---- soft reset ----\n")]
        finding = fuzzer.repeat(batches, machine)
        print(f"{finding.kind}\n{finding.text}" if finding else "nothing")
        print(f"the unix port: {on_unix(batches, options.unix)}")
        return bool(finding)
    print(f"seed {options.seed}", flush=True)
    return bool(fuzzer.fuzz(options.seed, options.seconds, options.batches))


if __name__ == "__main__":
    sys.exit(main())
