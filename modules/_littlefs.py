# Where the superblock of LittleFS is. It begins the first two blocks of a new one, but version
# 2.8, when it has written those often, moves it to another pair and leaves the way there.
#
# Source: littlefs's SPEC.md. A block of metadata is a revision and a log of tags, each with data.
# A commit ends with a checksum; a tail is the next pair of blocks.

from binascii import crc32

from _efi_words import number
from _partitions import read_at

_MAGIC = b"littlefs"
_LEAST = const(128)
_MOST = const(1 << 20)
_READ = const(1 << 16)
_CHECKSUM = const(0x500)
_TAIL = const(0x600)


def fields(head):
    """(block size, count of blocks) in the first bytes of a superblock, or None."""
    if head[8:16] != _MAGIC:
        return None
    return number(head, 24, 4), number(head, 28, 4)


def superblock(part):
    """The same for a block device, or None."""
    first = _tail(part, 0, _READ)
    if first is None:
        return None
    size = max(part.sector, _LEAST)
    while size <= min(_MOST, part.size // 2):
        # Only the newer of the first two blocks has the right way, and only their size says where
        # the second one is.
        for pair in (first, _tail(part, size, min(size, _READ))):
            for block in pair or ():
                if (block + 1) * size <= part.size:
                    found = fields(read_at(part, block * size, 32))
                    if found is not None and found[0] == size:
                        return found
        size *= 2
    return None


def _tail(part, at, size):
    # The pair of blocks that the last whole commit of a block has as its tail, or (); None where
    # there is no such commit.
    data = read_at(part, at, min(size, part.size - at))
    found = None
    tail = ()
    previous = 0xFFFFFFFF
    crc = crc32(data[:4])
    at = 4
    while at + 8 <= len(data):
        tag = int.from_bytes(data[at : at + 4], "big") ^ previous
        length = tag & 0x3FF
        if length == 0x3FF:
            length = 0  # what is deleted has no data
        if tag >> 31 or at + 4 + length > len(data):
            break
        crc = crc32(data[at : at + 4], crc)
        previous = tag
        if tag >> 20 & 0x780 == _CHECKSUM:
            if crc ^ 0xFFFFFFFF != number(data, at + 4, 4):
                break
            previous ^= (tag >> 20 & 1) << 31
            found = tail
            crc = 0
        else:
            crc = crc32(data[at + 4 : at + 4 + length], crc)
            if tag >> 20 & 0x700 == _TAIL and length == 8:
                tail = (number(data, at + 4, 4), number(data, at + 8, 4))
        at += 4 + length
    return found
