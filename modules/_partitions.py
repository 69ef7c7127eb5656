# Partition tables: the master boot record's, with its chain of logical partitions, and GPT's.
#
# Sources: UEFI 2.10, 5.2 (MBR) and 5.3 (GPT). Extended partitions are no part of it: each sector
# of the chain has a partition, counted from that sector, and the next one, counted from the first.

from binascii import crc32
from collections import namedtuple

from _efi_words import char16, guid, number

# start and size in bytes; kind in words
Entry = namedtuple("Entry", ("number", "kind", "start", "size", "label", "guid"))
# kind is "MBR" or "GPT"; problems are what is wrong with it, in words
Table = namedtuple("Table", ("kind", "guid", "entries", "problems"))

_TABLE = const(446)
_PROTECTIVE = const(0xEE)
_EXTENDED = (0x05, 0x0F, 0x85)
_LOGICAL_MAX = const(128)
_ENTRIES_MAX = const(1 << 20)  # bytes of GPT's entries
_HEADER_MIN = const(92)
_PIECE = const(4096)

_MBR_KINDS = {
    0x01: "FAT12",
    0x04: "FAT16",
    0x06: "FAT16",
    0x07: "NTFS or exFAT",
    0x0B: "FAT32",
    0x0C: "FAT32",
    0x0E: "FAT16",
    0x82: "Linux swap",
    0x83: "Linux",
    0xEF: "EFI system",
}
_GPT_KINDS = {
    "c12a7328-f81f-11d2-ba4b-00a0c93ec93b": "EFI system",
    "21686148-6449-6e6f-744e-656564454649": "BIOS boot",
    "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7": "basic data",
    "e3c9e316-0b5c-4db8-817d-f92df00215ae": "Microsoft reserved",
    "0fc63daf-8483-4772-8e79-3d69d8477de4": "Linux",
    "0657fd6d-a4ab-43c4-84e5-0933c0f4a0ad": "Linux swap",
}


def read_at(block, addr, size):
    """Bytes of a block device from an address in it on."""
    data = bytearray(size)
    block.readblocks(addr // block.block_size, data, addr % block.block_size)
    return data


def _rows(sector):
    # (kind, first sector, count of sectors) of the four entries; None: it is no such table.
    if sector[510:512] != b"\x55\xaa":
        return None
    rows = []
    for at in range(_TABLE, 510, 16):
        if sector[at] & 0x7F:
            return None
        rows.append((sector[at + 4], number(sector, at + 8, 4), number(sector, at + 12, 4)))
    return rows


def _whole(rows, sectors):
    # Whether each entry is possible: a boot sector with text in their place has none such.
    return not [
        1
        for kind, first, count in rows
        if kind not in (0, _PROTECTIVE) and (not first or first + count > sectors)
    ]


def read(disk, has_files=False):
    """The table of a disk, or None where there is none.

    `has_files` says that the disk as a whole looks like a file system, which then it is unless
    there is a table without a fault.
    """
    sectors = disk.size // disk.sector
    if sectors < 2:
        return None
    first = read_at(disk, 0, disk.sector)
    rows = _rows(first)
    used = [row for row in rows or () if row[0] and row[2]]
    if has_files and not (used and _whole(rows, sectors)):
        return None
    protective = [row for row in used if row[0] == _PROTECTIVE]
    if protective or not used:
        problems = []
        table = _gpt(disk, sectors, problems)
        if table is not None:
            if not protective:
                problems.append("the protective MBR is damaged")
            return table
        if protective:
            return Table("GPT", "", (), problems)
    return _mbr(disk, sectors, first, rows) if used else None


def _mbr(disk, sectors, first, rows):
    signature = number(first, 440, 4)
    problems = []
    found = []

    def add(index, kind, start, count, low, high):
        if start < low or start + count > high:
            problems.append("partition %d lies outside of %s" % (index, _where(high, sectors)))
        else:
            found.append((index, kind, start, count))

    for index in range(4):
        kind, start, count = rows[index]
        if kind and count and kind not in _EXTENDED:
            add(index + 1, kind, start, count, 1, sectors)
    index = 5
    for kind, start, count in rows:
        if kind not in _EXTENDED or not count:
            continue
        if not start or start + count > sectors:
            problems.append("an extended partition lies outside of the disk")
            continue
        at = start
        seen = set()
        while at is not None:
            if at in seen or len(seen) == _LOGICAL_MAX:
                problems.append("the chain of logical partitions does not end")
                break
            seen.add(at)
            chain = _rows(read_at(disk, at * disk.sector, disk.sector))
            if chain is None:
                problems.append("the chain of logical partitions is broken at sector %d" % at)
                break
            here, at = at, None
            logical = next_at = None
            for kind, offset, size in chain[:2]:
                if kind in _EXTENDED and size:
                    next_at = next_at or start + offset
                elif kind and size:
                    logical = logical or (kind, here + offset, size)
            if logical:
                add(index, logical[0], logical[1], logical[2], start + 1, start + count)
                index += 1
            if next_at is not None:
                if start < next_at < start + count:
                    at = next_at
                else:
                    problems.append("the chain of logical partitions leaves their partition")
    found = _apart(found, problems)
    size = disk.sector
    return Table(
        "MBR",
        "%08x" % signature,
        tuple(
            Entry(
                index,
                _MBR_KINDS.get(kind, "0x%02x" % kind),
                start * size,
                count * size,
                "",
                "%08x-%02x" % (signature, index),
            )
            for index, kind, start, count in found
        ),
        problems,
    )


def _where(high, sectors):
    return "the disk" if high == sectors else "the extended one"


def _apart(found, problems):
    # Those that share no sector with another, in order of their numbers. An entry is (number, ...,
    # first sector, count).
    order = sorted(found, key=lambda entry: entry[-2])
    bad = set()
    last = None
    for entry in order:
        if last is not None and entry[-2] < last[-2] + last[-1]:
            bad.add(entry[0])
            bad.add(last[0])
            problems.append("partitions %d and %d overlap" % (last[0], entry[0]))
        if last is None or entry[-2] + entry[-1] > last[-2] + last[-1]:
            last = entry
    return [entry for entry in sorted(found, key=lambda e: e[0]) if entry[0] not in bad]


class _Bad(Exception):
    pass


def _header(disk, sectors, at):
    # GPT's header in a sector, and (index, entry) of those that are used.
    header = read_at(disk, at * disk.sector, disk.sector)
    if header[:8] != b"EFI PART":
        raise _Bad("there is none at sector %d" % at)
    size = number(header, 12, 4)
    if not _HEADER_MIN <= size <= disk.sector:
        raise _Bad("its header says that it has %d bytes" % size)
    header = header[:size]
    want = number(header, 16, 4)
    header[16:20] = bytes(4)
    if crc32(header) != want:
        raise _Bad("its header's checksum is wrong")
    if number(header, 24, 8) != at:
        raise _Bad("its header belongs to sector %d" % number(header, 24, 8))
    first, last = number(header, 40, 8), number(header, 48, 8)
    if last >= sectors or first > last + 1:
        raise _Bad("it is made for a larger disk")
    start, count, step = number(header, 72, 8), number(header, 80, 4), number(header, 84, 4)
    total = count * step
    if step < 128 or step % 8 or not 0 < total <= _ENTRIES_MAX:
        raise _Bad("it has %d entries of %d bytes" % (count, step))
    if start * disk.sector + total > sectors * disk.sector:
        raise _Bad("its entries lie outside of the disk")
    crc = 0
    used = []
    many = max(_PIECE // step, 1)
    for index in range(0, count, many):
        many = min(many, count - index)
        piece = read_at(disk, start * disk.sector + index * step, many * step)
        crc = crc32(piece, crc)
        for at in range(0, many * step, step):
            if piece[at : at + 16] != bytes(16):
                used.append((index + at // step, piece[at : at + 128]))
    if crc != number(header, 88, 4):
        raise _Bad("its entries' checksum is wrong")
    return header, used


def _gpt(disk, sectors, problems):
    header = None
    for name, at in (("first", 1), ("backup", sectors - 1)):
        try:
            one, rows = _header(disk, sectors, at)
        except _Bad as error:
            problems.append("the %s GPT: %s" % (name, error))
            continue
        if header is None:
            header, used = one, rows
        elif header[40:72] != one[40:72] or used != rows:
            problems.append("the two GPTs differ: the first is used")
    if header is None:
        return None
    low, high = number(header, 40, 8), number(header, 48, 8)
    found = []
    for index, entry in used:
        first, last = number(entry, 32, 8), number(entry, 40, 8)
        if not low <= first <= last <= high:
            problems.append("partition %d lies outside of the usable sectors" % (index + 1))
            continue
        found.append((index + 1, entry, first, last - first + 1))
    entries = []
    for index, entry, first, size in _apart(found, problems):
        kind = guid(entry)
        entries.append(
            Entry(
                index,
                _GPT_KINDS.get(kind, kind),
                first * disk.sector,
                size * disk.sector,
                char16(entry[56:128]),
                guid(entry[16:32]),
            )
        )
    return Table("GPT", guid(header[56:72]), tuple(entries), problems)
