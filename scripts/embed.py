"""Puts a ROMFS into a kernel's ELF, with no compiler: a segment of its own behind the kernel.

What a loader does not load can be left out as well, so that an image needs no binutils.
"""

import struct

from elftools.elf.elffile import ELFFile

PAGE = 4096
PT_LOAD = 1
READ = 4
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # ELF-64, Elf64_Ehdr
PROGRAM = struct.Struct("<IIQQQQQQ")  # Elf64_Phdr
PHOFF, SHOFF, PHNUM, SHNUM, SHSTRNDX = 5, 6, 10, 12, 13  # in HEADER
PLACE = "rom_in_image"  # port/mpy/rom.h: where the kernel looks for start and end


class Error(Exception):
    """What keeps a ROMFS out of a kernel."""


def check(kernel):
    """Error where the file is no ELF of 64 bits."""
    with open(kernel, "rb") as file:
        header = file.read(HEADER.size)
    if len(header) < HEADER.size or header[:5] != b"\x7fELF\x02":
        raise Error(f"{kernel} is no kernel: it is no ELF of 64 bits")


def programs(elf):
    """The program headers: (type, flags, offset, virtual address, address, size in the file,
    size in memory, alignment)."""
    header = HEADER.unpack_from(elf)
    return [
        PROGRAM.unpack_from(elf, header[PHOFF] + number * PROGRAM.size)
        for number in range(header[PHNUM])
    ]


def place_of(kernel):
    """The address at which the kernel, a file with symbols, looks for a ROMFS."""
    with open(kernel, "rb") as file:
        table = ELFFile(file).get_section_by_name(".symtab")
        found = table.get_symbol_by_name(PLACE) if table else None
    if not found:
        raise Error(f"{kernel} has no symbol {PLACE}: stripped, or not this project's")
    return found[0]["st_value"]


def stripped(elf):
    """An ELF without sections: what is loaded, and nothing behind that."""
    header = list(HEADER.unpack_from(elf))
    header[SHOFF] = header[SHNUM] = header[SHSTRNDX] = 0
    end = max(one[2] + one[5] for one in programs(elf))
    return HEADER.pack(*header) + elf[HEADER.size : end]


def embed(elf, rom, place):
    """The ELF with the ROMFS behind all that it loads. `place` is what place_of() says."""
    header = list(HEADER.unpack_from(elf))
    table = programs(elf)
    end = header[PHOFF] + (len(table) + 1) * PROGRAM.size
    if end > min(one[2] for one in table):
        raise Error("there is no room for a program header")
    addr = max(one[4] + one[6] for one in table if one[0] == PT_LOAD)
    addr = -(-addr // PAGE) * PAGE
    result = bytearray(elf)
    result += bytes(-len(result) % PAGE)
    table.append((PT_LOAD, READ, len(result), addr, addr, len(rom), len(rom), PAGE))
    result += rom
    header[PHNUM] = len(table)
    HEADER.pack_into(result, 0, *header)
    PROGRAM.pack_into(result, end - PROGRAM.size, *table[-1])
    holder = next(one for one in table if one[3] <= place < one[3] + one[5])
    struct.pack_into("<QQ", result, holder[2] + place - holder[3], addr, addr + len(rom))
    return bytes(result)
