#!/usr/bin/env python3
"""Writes the names of a kernel's functions as assembly, for the panic's stack trace.

The section .symbols: how many there are, their addresses in order, then their names in the same
order, each cut short by what it has in common with the one before: a byte that says how many
characters those are, the rest, and a zero. The kernel is linked without it first: it lies behind
the text, whose addresses it does not move.
"""

import argparse
import subprocess
import sys
from pathlib import Path


def functions(nm, kernel):
    """(address, name) of each function, in order, one for each address."""
    listing = subprocess.run([nm, "-n", kernel], check=True, capture_output=True, text=True).stdout
    found = {}
    for line in listing.splitlines():
        addr, kind, name = line.rsplit(None, 2)[-3:] if line[0] != " " else ("0", "U", "")
        if kind in "tTwW" and not name.startswith("."):
            found.setdefault(int(addr, 16), name)
    return sorted(found.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("kernel", type=Path)
    parser.add_argument("--nm", default="nm")
    arguments = parser.parse_args()
    table = functions(arguments.nm, arguments.kernel)
    print('    .section .symbols, "a"')
    print("    .balign 4")
    print(f"    .long {len(table)}")
    for addr, _ in table:
        print(f"    .long {addr:#x}")
    last = ""
    for _, name in table:
        common = 0
        while common < min(len(name), len(last), 255) and name[common] == last[common]:
            common += 1
        print(f'    .byte {common}\n    .asciz "{name[common:]}"')
        last = name
    print('    .section .note.GNU-stack, "", @progbits')


if __name__ == "__main__":
    sys.exit(main())
