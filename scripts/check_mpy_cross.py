#!/usr/bin/env python3
"""Says whether an mpy-cross fits a MicroPython source, before a build fails in a stranger way."""

import re
import subprocess
import sys
from pathlib import Path


def source_versions(mpy_dir):
    """MicroPython's version and that of its .mpy format, from the source."""

    def macros(file, *names):
        text = (mpy_dir / "py" / file).read_text()
        return ".".join(re.search(rf"#define {name}\s+\(?(\d+)", text)[1] for name in names)

    return (
        macros("mpconfig.h", *(f"MICROPY_VERSION_{part}" for part in ("MAJOR", "MINOR", "MICRO"))),
        macros("persistentcode.h", "MPY_VERSION", "MPY_SUB_VERSION"),
    )


def cross_versions(mpy_cross):
    """The same from what mpy-cross says about itself."""
    text = subprocess.run([mpy_cross, "--version"], capture_output=True, text=True).stdout
    return re.search(r"MicroPython v(\d[\d.]*).* emitting mpy v(\d[\d.]*)", text).groups()


def main():
    mpy_cross, mpy_dir = sys.argv[1], Path(sys.argv[2])
    try:
        source, source_format = source_versions(mpy_dir)
    except (OSError, TypeError):
        sys.exit(f"MPY_DIR={mpy_dir}: there is no MicroPython source there.")
    try:
        cross, cross_format = cross_versions(mpy_cross)
    except (OSError, AttributeError):
        sys.exit(f"MICROPY_MPYCROSS={mpy_cross}: this is no mpy-cross that runs here.")

    what = (
        f"mpy-cross is {cross} and writes .mpy format {cross_format}, "
        f"the source in {mpy_dir} is {source} and reads {source_format}."
    )
    if cross_format != source_format:
        sys.exit(
            f"mpy-cross does not fit: {what}\n"
            "Build the source's own with `make -C MPY_DIR/mpy-cross` and name it with "
            "MICROPY_MPYCROSS=MPY_DIR/mpy-cross/build/mpy-cross."
        )
    if cross != source:
        print(f"Note: {what}", file=sys.stderr)


if __name__ == "__main__":
    main()
