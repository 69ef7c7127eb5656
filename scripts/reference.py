#!/usr/bin/env python3
"""Packs modules/README.md, the reference of the kernel's modules, for help() at the prompt.

A heading of the second level names a module, `frames`; one of the third a function, a class or an
object in it as it is called, `frames.alloc(count=1)`. help() prints that, its first paragraph, the
lists that name a module's values, and the first sentence of each thing that is in it. Written out
is assembly with all of it compressed: entries apart by zeros, in lines: the call, the paragraph,
the values.
"""

import argparse
import re
import sys
import textwrap
import zlib
from pathlib import Path

README = Path(__file__).resolve().parent.parent / "modules" / "README.md"
WIDTH = 79
WINDOW_BITS = 12  # what the kernel needs of memory to unpack it


class Entry:
    """A heading and what is below it: `call` as it is written, `name` without the arguments."""

    def __init__(self, call):
        self.call = call
        self.name = call.partition("(")[0]
        self.paragraphs = []
        self.values = []

    def summary(self):
        """The first sentence."""
        return re.split(r"[.:] ", self.paragraphs[0])[0].rstrip(".")


def plain(text):
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "")


def parse(text):
    """The entries of a reference, in its order."""
    entries = []
    fenced = False
    for block in re.split(r"\n\n+", text):
        was_fenced = fenced
        fenced ^= len(re.findall(r"^```", block, re.M)) % 2 == 1
        heading = re.fullmatch(r"##(#?) `([^`]+)`", block.strip())
        if was_fenced or block.startswith("```"):
            continue
        if heading:
            entries.append(Entry(heading[2]))
        elif entries and block.startswith("- `"):
            items = re.split(r"\n(?=- )", block.strip())
            entries[-1].values += [" ".join(item[2:].split()) for item in items]
        elif entries:
            entries[-1].paragraphs.append(" ".join(block.split()))
    return entries


def names_of_values(entry):
    """The full names that the list of a module's values, or of an object's, has."""
    found = []
    for item in entry.values:
        names = item.partition(":")[0]
        found += [f"{entry.name}.{name}" for name in re.findall(r"`([^`]+)`", names)]
    return found


def wrap(text, first, rest):
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def short(entry, entries):
    """What help() prints of an entry; modules/_help.py makes it in the kernel."""
    lines = [entry.call, wrap(plain(entry.paragraphs[0]), "  ", "  ")]
    lines += [wrap(plain(item), "  ", "      ") for item in entry.values]
    for other in entries:
        if other.name.rpartition(".")[0] == entry.name:
            lines.append(wrap(plain(f"{other.call}: {other.summary()}"), "  ", "      "))
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("readme", type=Path, nargs="?", default=README)
    parser.add_argument("--without", nargs="*", default=[], help="modules that the kernel has not")
    options = parser.parse_args()
    entries = [
        entry
        for entry in parse(options.readme.read_text())
        if entry.name.partition(".")[0] not in options.without
    ]
    text = "\0".join(
        "\n".join(plain(line) for line in (entry.call, entry.paragraphs[0], *entry.values))
        for entry in entries
    )
    packer = zlib.compressobj(9, zlib.DEFLATED, WINDOW_BITS)
    data = packer.compress(text.encode()) + packer.flush()
    out = sys.stdout.write
    out('    .section .rodata.help_reference, "a"\n')
    out("    .globl help_reference, help_reference_end\nhelp_reference:\n")
    for i in range(0, len(data), 16):
        out(f"    .byte {', '.join(str(byte) for byte in data[i : i + 16])}\n")
    out('help_reference_end:\n    .section .note.GNU-stack, "", @progbits\n')


if __name__ == "__main__":
    main()
