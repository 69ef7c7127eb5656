#!/usr/bin/env python3
"""Runs MicroPython's makemanifest.py with every folder's files in the order of their names.

Left to itself it freezes them in the order that the file system has them in, and two checkouts of
the same source give different kernels.
"""

import os
import runpy
import sys

walk = os.walk


def sorted_walk(*args, **kwargs):
    for path, folders, files in walk(*args, **kwargs):
        folders.sort()
        yield path, folders, sorted(files)


os.walk = sorted_walk
sys.argv.pop(0)
sys.path[0] = os.path.dirname(sys.argv[0])
runpy.run_path(sys.argv[0], run_name="__main__")
