#!/usr/bin/env python3
"""Writes the names of a kernel's functions as assembly, for the panic's stack trace.

The section .symbols has for each, in the order of their addresses: how far it is from the one
before, in LEB128, the first from 0; a byte that says how many characters its name has in common
with that one's; the rest of it, and a zero. The kernel is linked without it first: it lies behind
the text, whose addresses it does not move.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def functions(nm, kernel):
    """(address, name) of each function, in order, one for each address."""
    command = [nm, "-nS", kernel]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found, labels = {}, {}
    for line in listing.splitlines():
        addr, *size, kind, name = line.split() if line[0] != " " else ("0", "U", "")
        if kind in "tTwW" and not name.startswith("."):
            # A label, of the linker's for one, has no size: where there is a function, it is that.
            (found if size else labels).setdefault(int(addr, 16), name)
    return sorted((labels | found).items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kernel", type=Path)
    parser.add_argument("--nm", default="nm")
    arguments = parser.parse_args()
    table = functions(arguments.nm, arguments.kernel)
    print('    .section .symbols, "a"')
    last_addr, last = 0, ""
    for addr, name in table:
        common = 0
        while common < min(len(name), len(last), 255) and name[common] == last[common]:
            common += 1
        print(f'    .uleb128 {addr - last_addr}\n    .byte {common}\n    .asciz "{name[common:]}"')
        last_addr, last = addr, name
    print('    .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    sys.exit(main())
