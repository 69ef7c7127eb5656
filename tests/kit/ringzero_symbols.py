"""What an ELF tells of its code: the functions' names, and which line of its source an address is.

The lines come from DWARF, or from a section .lines, which the wheel's kernel has in its place: the
paths of files, one a line, of which number 0 is empty, no file, and a zero. Behind them come three
columns, in LEB128, about each address at which another line begins, in their order: how far it is
from the one before, the first from 0; the number of its file; how far the line is from the one
before, as 2n forwards and 2n - 1 backwards.
"""

import os
import re
from bisect import bisect_right
from itertools import accumulate, pairwise

from elftools.elf.elffile import ELFFile

NOWHERE = ("", 0)


class Symbols:
    """The names in an ELF, by address, and where it has debugging data, lines of its source."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            table = ELFFile(file).get_section_by_name(".symtab")
            symbols = table.iter_symbols() if table else ()
            self.functions = sorted(
                (symbol["st_value"], symbol["st_size"], symbol.name)
                for symbol in symbols
                if symbol["st_info"]["type"] == "STT_FUNC"
            )

    def name(self, addr):
        """`function+0x1f` for an address in a function, else None."""
        for start, size, name in self.functions:
            if start <= addr < start + max(size, 1):
                return f"{name}+{addr - start:#x}"
        return None

    def lines(self, addrs):
        """{address: "file:line"} of those addresses whose line is known."""
        with open(self.path, "rb") as file:
            elf = ELFFile(file)
            section = elf.get_section_by_name(".lines")
            begin = unpack(section.data()) if section else begins(programs(elf, addrs))
        starts = sorted(begin)
        found = {}
        for addr in addrs:
            at = bisect_right(starts, addr)
            path, line = begin[starts[at - 1]] if at else NOWHERE
            if path:
                found[addr] = f"{path}:{line}"
        return found

    def decode(self, text):
        """The text, with the source lines of the functions named in it, and below it the name of
        each code address that has none."""
        text = text.rstrip()
        shown = text.partition("\nstack:")[0]
        named = re.compile(r"\b(0x[0-9a-fA-F]+) [A-Za-z_][\w.]*\+\w+")
        other = [
            (word, name)
            for word in dict.fromkeys(re.findall(r"\b0x[0-9a-fA-F]+\b(?! \S+\+)", text))
            if (name := self.name(int(word, 16)))
        ]
        # Who calls is where the call ends, which may be the next line.
        stopped = set(named.findall(shown))
        place = {word: int(word, 16) - (word not in stopped) for word in named.findall(text)}
        known = self.lines({*place.values(), *(int(word, 16) for word, _ in other)})

        def with_line(match):
            line = known.get(place[match[1]])
            return f"{match[0]} at {line}" if line else match[0]

        lines = [named.sub(with_line, text)]
        for word, name in other:
            line = known.get(int(word, 16))
            lines.append(f"  {word} is {name}" + (f" at {line}" if line else ""))
        return "\n".join(lines)


def programs(elf, addrs):
    """The line programs of the compilation units that these addresses are in."""
    # Without it pyelftools finds none by an address.
    if not elf.get_section_by_name(".debug_aranges"):
        return []
    data = elf.get_dwarf_info()
    ranges = data.get_aranges()
    units = {ranges.cu_offset_at_addr(addr) for addr in addrs} - {None}
    return [data.line_program_for_CU(data.get_CU_at(unit)) for unit in units]


def begins(programs):
    """{address: (path, line)} of where lines begin; NOWHERE where what is known of them ends."""
    found = {}
    for program in programs:
        # DWARF 5, 6.2.4: files and folders are numbered from 0, the first folder is the
        # compiler's own; before that from 1, and it is not listed.
        header = program.header
        first = 0 if header.version >= 5 else 1
        own, *others = [b"", *header.include_directory][1 - first :]
        folders = [own, *(os.path.join(own, folder) for folder in others)]
        paths = [
            os.path.normpath(os.path.join(folders[file.dir_index], file.name).decode())
            for file in header.file_entry
        ]
        for entry in program.get_entries():
            state = entry.state
            if state and state.end_sequence:
                # Another program may go on there.
                found.setdefault(state.address, NOWHERE)
            elif state:
                found[state.address] = paths[state.file - first], state.line
    return found


def pack(path):
    """The section .lines for an ELF with DWARF, in bytes."""
    with open(path, "rb") as file:
        elf = ELFFile(file)
        data = elf.get_dwarf_info()
        found = begins(data.line_program_for_CU(unit) for unit in data.iter_CUs())
        # What the linker has left out is at 0 there.
        least = min(segment["p_vaddr"] for segment in elf.iter_segments("PT_LOAD"))
    rows = sorted(row for row in found.items() if row[0] >= least)
    rows = [row for before, row in pairwise([(0, NOWHERE), *rows]) if row[1] != before[1]]
    paths = sorted({"", *(path for _, (path, _) in rows)})
    number = {path: number for number, path in enumerate(paths)}
    addrs = [after - before for before, after in pairwise([0, *(addr for addr, _ in rows)])]
    files = [number[path] for _, (path, _) in rows]
    lines = [after - before for before, after in pairwise([0, *(line for _, (_, line) in rows)])]
    lines = [2 * step if step >= 0 else -2 * step - 1 for step in lines]
    return "\n".join(paths).encode() + b"\0" + leb128([*addrs, *files, *lines])


def unpack(data):
    """What begins() has found, from what pack() has made."""
    names, _, columns = data.partition(b"\0")
    paths = names.decode().split("\n")
    values = from_leb128(columns)
    count = len(values) // 3
    addrs, files = accumulate(values[:count]), values[count : 2 * count]
    lines = accumulate(-(step + 1 >> 1) if step & 1 else step >> 1 for step in values[2 * count :])
    rows = zip(addrs, files, lines, strict=True)
    return {addr: (paths[file], line) for addr, file, line in rows}


def leb128(values):
    data = bytearray()
    for value in values:
        while value > 127:
            data.append(value & 127 | 128)
            value >>= 7
        data.append(value)
    return bytes(data)


def from_leb128(data):
    values, value, shift = [], 0, 0
    for byte in data:
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            values.append(value)
            value = shift = 0
    return values
