"""What several of these files use."""

import re
import subprocess
import sys

import pytest
from ringzero_vm import LAUNCHER


@pytest.fixture(scope="session")
def mpy_version(mpy_dir):
    """Its version, like 1.25.0."""
    text = (mpy_dir / "py" / "mpconfig.h").read_text()
    parts = (rf"#define MICROPY_VERSION_{part} (\d+)" for part in ("MAJOR", "MINOR", "MICRO"))
    return ".".join(re.search(part, text)[1] for part in parts)


@pytest.fixture(scope="session")
def mpy_minor(mpy_version):
    """25 of 1.25.0."""
    return int(mpy_version.split(".")[1])


@pytest.fixture
def launch(kernel, folder):
    """Run the launcher to its end, as a command with its own input and output."""

    def launch(*arguments, typed=b"", timeout=60, kernel=kernel):
        command = [sys.executable, str(LAUNCHER), "--kernel", str(kernel)]
        command += [str(argument) for argument in arguments]
        done = subprocess.run(command, input=typed, capture_output=True, timeout=timeout)
        with open(folder / "console.log", "ab") as log:
            log.write(done.stdout + done.stderr)
        done.stdout = done.stdout.decode(errors="replace").replace("\r", "")
        done.stderr = done.stderr.decode(errors="replace")
        print(command, done.stdout, done.stderr, f"status {done.returncode}", sep="\n")
        return done

    launch.kernel = kernel
    return launch


@pytest.fixture
def app(tmp_path):
    """A program's file with this text."""

    def app(text):
        path = tmp_path / "program.py"
        path.write_text(text)
        return path

    return app
