#!/usr/bin/env python3
"""Runs MicroPython's makemanifest.py with every folder's files in the order of their names.

Left to itself it freezes them in the order that the file system has them in, and two checkouts of
the same source give different kernels. Names that do not go into C are refused: they would make
hundreds of lines of the compiler's.
"""

import os
import re
import runpy
import sys

walk = os.walk


def sorted_walk(*args, **kwargs):
    for path, folders, files in walk(*args, **kwargs):
        folders.sort()
        yield path, folders, sorted(files)


def check_names(files):
    """Exits with a line about the first module that cannot be frozen beside the others."""
    taken = {}
    for one in files:
        if one.kind == manifestfile.KIND_FREEZE_AS_STR:
            continue
        name = re.sub(r"\.m?py$", "", one.target_path)
        if not re.fullmatch(r"\w+(/\w+)*", name):
            sys.exit(
                f"FROZEN_MANIFEST: {one.full_path}: '{one.target_path}' cannot be frozen:"
                " a module's name has letters, digits and _"
            )
        other = taken.setdefault(name.replace("/", "_"), one)
        if other is not one:
            sys.exit(
                f"FROZEN_MANIFEST: {one.full_path}: '{one.target_path}' cannot be frozen beside"
                f" {other.full_path}, '{other.target_path}'"
            )


os.walk = sorted_walk
sys.argv.pop(0)
sys.path[0] = os.path.dirname(sys.argv[0])
import manifestfile  # noqa: E402  (MicroPython's, in that folder)

upstream_files = manifestfile.ManifestFile.files


def checked_files(manifest):
    found = upstream_files(manifest)
    check_names(found)
    return found


manifestfile.ManifestFile.files = checked_files
runpy.run_path(sys.argv[0], run_name="__main__")
