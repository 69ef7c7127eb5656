#!/usr/bin/env python3
"""Packs modules/layouts/, so that the kernel has long texts compressed: modules of the same TEXT.

Beside them it writes a manifest that freezes them. A file that would not change stays as it is.
"""

import argparse
import runpy
import zlib
from pathlib import Path

LAYOUTS = Path(__file__).resolve().parent.parent / "modules" / "layouts"
WINDOW_BITS = 12  # what the kernel needs of memory to unpack it

MODULE = """\
from deflate import ZLIB, DeflateIO
from io import BytesIO

with DeflateIO(BytesIO({data!r}), ZLIB) as stream:
    TEXT = str(stream.read(), "utf-8")
"""


def packed(text):
    """The source of a module with that text."""
    packer = zlib.compressobj(9, zlib.DEFLATED, WINDOW_BITS)
    return MODULE.format(data=packer.compress(text.encode()) + packer.flush())


def write(path, content):
    if not path.exists() or path.read_text() != content:
        path.write_text(content)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="of the manifest, with the modules below")
    folder = parser.parse_args().folder
    (folder / "packed").mkdir(parents=True, exist_ok=True)
    for source in sorted(LAYOUTS.glob("*.py")):
        write(folder / "packed" / source.name, packed(runpy.run_path(str(source))["TEXT"]))
    write(folder / "manifest.py", 'freeze("packed")\n')


if __name__ == "__main__":
    main()
