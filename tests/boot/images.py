"""How tests build kernels with somebody's program in them: once for all processes of a run."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
IMAGES = ROOT / "tests" / "images"
BUILT = ROOT / "build" / "tests" / "images"


def environment():
    """Not the variables of a make that may have called us."""
    return {name: os.environ[name] for name in os.environ if "MAKE" not in name}


def make(*arguments, **changes):
    done = subprocess.run(
        ["make", *map(str, arguments)],
        env=environment() | changes,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def pack(kind, kernel, path, *arguments):
    """Makes an image of a kernel, of one of the kinds of scripts/image.py; its path."""
    command = [sys.executable, ROOT / "scripts/image.py", kind, "--kernel", kernel]
    command += ["--output", path, *arguments]
    subprocess.run(command, check=True, env=environment())
    return path


def once(name, build):
    """Runs `build` in one of the processes that share this run of the tests; the others wait."""
    BUILT.mkdir(parents=True, exist_ok=True)
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
    with open(BUILT / f"{name}.lock", "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if file.read() != run:
            build()
            file.truncate(0)
            file.write(run)
