"""The kernel's frozen Python that is any Python's, in this one."""

import builtins
import importlib.abc
import importlib.util
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
FOLDERS = (TOP / "modules", TOP / "modules" / "layouts")
FOUND = (
    "acpi",
    "aml",
    "smbios",
    "cpuid",
    "msr",
    "mtrr",
    "firmware",
    "keyboard",
    "efi",
    "partitions",
)


class Finder(importlib.abc.MetaPathFinder):
    """Finds what FOUND begins, and no other: modules/ has a random, too."""

    def find_spec(self, name, path=None, target=None):
        for folder in FOLDERS:
            file = folder / f"{name}.py"
            if name.lstrip("_").startswith(FOUND) and file.exists():
                return importlib.util.spec_from_file_location(name, file)
        return None


def frozen(name):
    """A module of that name."""
    # MicroPython's compiler has it.
    builtins.const = lambda value: value
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.append(Finder())
    return importlib.import_module(name)
