"""Handoffs of our own making: an ELF that starts the kernel with whatever structures it is given.

QEMU loads it through PVH. In it are the kernel, the structures, and a few bytes of code that put
into the registers what the loader to be imitated leaves there and jump to the kernel's entry.
"""

import struct

from elftools.elf.elffile import ELFFile

PVH_MAGIC = 0x336EC578
MULTIBOOT2_MAGIC = 0x36D76289
MIB = 1 << 20

# All that is made up lies from here on: beyond the kernel, and in the least memory that tests use.
STUB = 16 * MIB
DATA = STUB + 4096

USABLE, RESERVED = 1, 2
REGIONS = ((0, 0x9FC00, USABLE), (0xF0000, 0x10000, RESERVED), (MIB, 63 * MIB, USABLE))


def aligned(data, align=8):
    return data + bytes(-len(data) % align)


# ---- Multiboot2 (its specification, version 2.0, 3.6)


def tag(kind, data=b"", size=None):
    """A tag, filled up to 8 bytes; `size` says a lie about its size."""
    return aligned(struct.pack("<II", kind, 8 + len(data) if size is None else size) + data)


END = tag(0)


def tags(*parts, end=END, size=None):
    """A tag list; `size` says a lie about its size."""
    body = b"".join(parts) + end
    return struct.pack("<II", 8 + len(body) if size is None else size, 0) + body


def command_line(text):
    return tag(1, text.encode() + b"\0")


def module(start, end, text=""):
    return tag(3, struct.pack("<II", start, end) + text.encode() + b"\0")


def memory_map(regions=REGIONS, step=24):
    entries = (struct.pack("<QQQ", *region).ljust(step, b"\0") for region in regions)
    return tag(6, struct.pack("<II", step, 0) + b"".join(entries))


def framebuffer(addr, width, height, bpp, pitch=None, kind=1):
    pitch = width * (bpp + 7) // 8 if pitch is None else pitch
    colours = {15: (10, 5, 5, 5, 0, 5), 16: (11, 5, 5, 6, 0, 5)}.get(bpp, (16, 8, 8, 8, 0, 8))
    data = struct.pack("<QIIIBBH6B", addr, pitch, width, height, bpp, kind, 0, *colours)
    return tag(8, data)


# ---- PVH (xen/include/public/arch-x86/hvm/start_info.h)


def start_info(
    regions=REGIONS, magic=PVH_MAGIC, version=1, text="", count=None, at=None, modules=(), rsdp=0
):
    """A start info with all that it points to behind it; `count` and `at` lie about the map."""
    size = 56
    table = b"".join(struct.pack("<QQII", *region, 0) for region in regions)
    line = aligned(text.encode() + b"\0")
    listed = b"".join(struct.pack("<QQQQ", start, end - start, 0, 0) for start, end in modules)
    table_at = DATA + size
    line_at = table_at + len(table)
    head = struct.pack(
        "<IIIIQQQQII",
        *(magic, version, 0, len(modules), line_at + len(line), line_at, rsdp),
        *(table_at if at is None else at, len(regions) if count is None else count, 0),
    )
    return head + table + line + listed


# ---- the ELF


def stub(eax, ebx, entry):
    """mov $eax, %eax; mov $ebx, %ebx; mov $entry, %ecx; jmp *%ecx"""
    return struct.pack("<BIBIBIH", 0xB8, eax, 0xBB, ebx, 0xB9, entry, 0xE1FF)


def poke(addr, value):
    """movl $value, addr"""
    return struct.pack("<HII", 0x05C7, addr, value)


def compose(kernel, path, data, eax=MULTIBOOT2_MAGIC, ebx=DATA, code=b""):
    """Writes to `path` an ELF of the kernel and of `data`, which will lie at DATA; `code` runs
    before the kernel."""
    with open(kernel, "rb") as file:
        elf = ELFFile(file)
        entry = elf.header.e_entry
        loads = [
            (segment["p_paddr"], segment["p_memsz"], segment.data())
            for segment in elf.iter_segments("PT_LOAD")
        ]
    code += stub(eax, ebx, entry)
    loads.append((STUB, DATA - STUB + len(data), code.ljust(DATA - STUB, b"\0") + data))
    # XEN_ELFNOTE_PHYS32_ENTRY
    note = struct.pack("<III4sQ", 4, 8, 18, b"Xen\0", STUB)
    offset = 64 + 56 * (len(loads) + 1)
    headers = struct.pack("<IIQQQQQQ", 4, 4, offset, 0, 0, len(note), len(note), 4)
    body = note
    for addr, size, content in loads:
        place = offset + len(body)
        body += content
        headers += struct.pack("<IIQQQQQQ", 1, 7, place, addr, addr, len(content), size, 1)
    header = struct.pack(
        "<16sHHIQQQIHHHHHH",
        *(b"\x7fELF\x02\x01\x01", 2, 62, 1, STUB, 64, 0, 0, 64, 56, len(loads) + 1, 0, 0, 0),
    )
    path.write_bytes(header + headers + body)
    return path
