#!/usr/bin/env python3
"""Builds and tests this project with several MicroPython sources, each in a copy of its own.

The copies are in build/versions/ and are kept: the next run builds what has changed. Each gets the
mpy-cross that fits it, as `make kernel MPY_DIR=` does. The table has how many tests passed, were
skipped (upstream's: as tests/upstream/expected.txt says) and failed.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
from check_mpy_cross import source_versions  # noqa: E402

OUT = ROOT / "build" / "versions"
KEPT = ("build", ".venv", ".deps")  # in a copy, between two runs
NOT_COPIED = {*KEPT, ".git", ".hypothesis", ".pytest_cache", ".ruff_cache"}
BUILD = "kernel"  # the target before those of `make test`
MODES = "source mpy native net natmod perf".split()


def steps():
    """What `make test` does, in its order."""
    return re.search(r"(?m)^test: (.*)", (ROOT / "Makefile").read_text())[1].split()


def copy_tree(to):
    """This tree at `to`, which keeps what has been built there."""
    to.mkdir(parents=True, exist_ok=True)
    for path in to.iterdir():
        if path.name not in KEPT:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    for path in ROOT.iterdir():
        if path.name not in NOT_COPIED:
            if path.is_dir():
                shutil.copytree(
                    path, to / path.name, ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
                )
            else:
                shutil.copy2(path, to)
    if not (to / ".deps").exists():
        (to / ".deps").symlink_to(ROOT / ".deps")


def make(tree, target, mpy_dir, log):
    """Whether that went well, and what it said."""
    # Not the variables of a make that has called us.
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("MAKE")}
    with open(log, "w") as file:
        done = subprocess.run(
            ["make", "-C", str(tree), target, f"MPY_DIR={mpy_dir}"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    return done.returncode == 0, log.read_text(errors="replace")


def counts(text):
    """passed/skipped/failed by mode of upstream's tests, or of all that pytest ran ("")."""
    found = {
        mode: "/".join(numbers)
        for mode, *numbers in re.findall(
            r"(?m)^(\w+): (\d+) passed, (\d+) skipped as listed, (\d+) others", text
        )
    }
    ended = re.findall(r"(?m)^=* ?((?:\d+ \w+(?:, )?)+) in [\d.]+s", text)
    if ended:
        number = {word: int(count) for count, word in re.findall(r"(\d+) (\w+)", ended[-1])}
        failed = sum(number.get(word, 0) for word in ("failed", "error", "errors"))
        found[""] = f"{number.get('passed', 0)}/{number.get('skipped', 0)}/{failed}"
    return found


def test_version(name, mpy_dir, targets):
    """The cells of the table for this source."""
    tree = OUT / name
    copy_tree(tree)
    cells = {}
    start = time.monotonic()
    for target in [BUILD, *targets]:
        log = OUT / f"{name}-{target}.txt"
        print(f"{name}: make {target}, see {log.relative_to(ROOT)}", flush=True)
        good, text = make(tree, target, mpy_dir, log)
        found = counts(text)
        if target == "test-upstream":
            cells |= {mode: found.get(mode, "none") for mode in MODES}
        else:
            # Of upstream's tests this runs one mode.
            one = next(iter(found.values()), "yes" if target == BUILD else "none")
            cells[target] = one
        if not good:
            print("\n".join(text.splitlines()[-30:]), flush=True)
            failed = next(reversed(cells))
            cells[failed] += " FAILED"
            if target == BUILD:
                break
    cells["minutes"] = f"{(time.monotonic() - start) / 60:.0f}"
    return cells


def table(rows, targets):
    columns = ["version", BUILD]
    for target in targets:
        columns += MODES if target == "test-upstream" else [target]
    columns.append("minutes")
    lines = [[column.removeprefix("test-") for column in columns]]
    lines += [
        [row if column == "version" else cells.get(column, "-") for column in columns]
        for row, cells in rows.items()
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines) + "\n"


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("mpy_dirs", metavar="MPY_DIR", nargs="+", type=Path)
    parser.add_argument("--targets", nargs="+", default=steps(), help="instead of make test's")
    options = parser.parse_args()

    sources = {}
    for path in options.mpy_dirs:
        try:
            name = source_versions(path.resolve())[0]
        except (OSError, TypeError):
            parser.error(f"{path}: there is no MicroPython source there.")
        if name in sources:
            name += f"-{path.resolve().name}"
        sources[name] = path.resolve()

    rows = {}
    for name, path in sources.items():
        rows[name] = test_version(name, path, options.targets)
        text = table(rows, options.targets)
        (OUT / "table.txt").write_text(text)
    print(text, end="")
    return "FAILED" in text


if __name__ == "__main__":
    sys.exit(main())
