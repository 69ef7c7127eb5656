"""BITS's scripts, Python 2.7, as Python 3 for the image: convert.py FOLDER OUT.

FOLDER is a QEMU checkout, or any folder with .py2 files, such as its tests/functional/acpi-bits/
bits-tests. OUT gets a package `scripts` with a module of each, and their names in scripts.NAMES.
"""

import argparse
import re
import sys
from pathlib import Path

from fissix.refactor import RefactoringTool, get_fixers_from_package

# MicroPython cannot say which exception is being handled, so it is handed over.
TRACEBACK = re.compile(
    r"^( *)except:\n((?:\1 .*\n|\n)*?)(\1 +)traceback\.print_exc\(\)$", re.MULTILINE
)


def convert(text, name):
    """The source of a script in Python 3. ParseError where it is not Python 2."""
    tool = RefactoringTool(get_fixers_from_package("fissix.fixes"))
    text = str(tool.refactor_string(text + "\n", name)).rstrip() + "\n"
    return TRACEBACK.sub(
        r"\1except BaseException as error_:\n\2\3traceback.print_exc(error_)", text
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="a QEMU checkout, or where the .py2 files are")
    parser.add_argument("out", type=Path, help="gets the package `scripts`")
    options = parser.parse_args()
    found = sorted(options.folder.glob("*.py2"))
    found = found or sorted(options.folder.glob("tests/**/bits-tests/*.py2"))
    if not found:
        sys.exit(f"{options.folder}: no .py2 file")
    package = options.out / "scripts"
    package.mkdir(parents=True, exist_ok=True)
    for old in package.glob("*.py"):
        old.unlink()
    for path in found:
        (package / f"{path.stem}.py").write_text(convert(path.read_text(), str(path)))
    names = ", ".join(f'"{path.stem}"' for path in found)
    (package / "__init__.py").write_text(f"NAMES = ({names},)\n")


if __name__ == "__main__":
    main()
