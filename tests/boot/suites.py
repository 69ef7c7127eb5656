"""How tests run a suite elsewhere that has the kit by -p alone."""

import os
import subprocess
import sys


def run_suite(folder, *arguments):
    """What pytest says of a suite in a folder and its status, with none of this run around it."""
    kept = {name: os.environ[name] for name in os.environ if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "pytest_ringzero", "-rA", *arguments],
        cwd=folder,
        env=kept,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=100,
    )
    print(done.stdout)
    return done.stdout, done.returncode
