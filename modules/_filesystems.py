# What file system a disk or a partition holds, by its first bytes; mounting and making them.
#
# Sources: FAT specification 1.03 (Microsoft), littlefs's SPEC.md, extmod/vfs_rom.c.

import errno
from collections import namedtuple

import _block
import _littlefs
import vfs
from _efi_words import number
from _partitions import read_at

# kind is "fat12", "fat16", "fat32", "exfat", "littlefs" or "romfs"; size and block_size in bytes
Found = namedtuple("Found", ("kind", "label", "block_size", "size"))

_HEAD = const(512)
_FAT12_MAX = const(0xFF5)
_FAT16_MAX = const(0xFFF5)
_FAT_SECTORS = const(0xFFFFFFFF)
_LITTLEFS_BLOCK = const(4096)
_LITTLEFS_LEAST = const(128)
_READ = const(1024)
_LOOKAHEAD_LEAST = const(128)
_LOOKAHEAD_MOST = const(8192)


def look(part):
    """What lies on a block device, or None."""
    if part.size < _HEAD:
        return None
    head = read_at(part, 0, _HEAD)
    if head[:3] == b"\xd2\xcd1":
        return _romfs(head)
    if head[510:] == b"\x55\xaa":
        if head[3:11] == b"EXFAT   ":
            return Found("exfat", "", 0, 0)
        found = _fat(head)
        if found is not None:
            return found
    blocks = _littlefs.fields(head) or _littlefs.superblock(part)
    return None if blocks is None else Found("littlefs", "", blocks[0], blocks[0] * blocks[1])


def _romfs(head):
    # Its size is a number of seven bits each, the highest first.
    size, at = 0, 3
    while at < 13:
        size = size << 7 | head[at] & 0x7F
        at += 1
        if head[at - 1] < 0x80:
            return Found("romfs", "", 1, size + at)
    return None


def _fat(head):
    # What lib/oofatfs takes for one.
    if head[0] not in (0xE8, 0xE9, 0xEB) or (head[54:57] != b"FAT" and head[82:87] != b"FAT32"):
        return None
    sector, cluster = number(head, 11, 2), head[13]
    if sector not in (512, 1024, 2048, 4096) or not cluster or not head[16]:
        return None
    size = number(head, 22, 2) or number(head, 36, 4)
    roots = -(-number(head, 17, 2) * 32 // sector)
    total = number(head, 19, 2) or number(head, 32, 4)
    count = (total - number(head, 14, 2) - head[16] * size - roots) // cluster
    if count < 1:
        return None
    kind = "fat12" if count <= _FAT12_MAX else "fat16" if count <= _FAT16_MAX else "fat32"
    at = 71 if kind == "fat32" else 43
    label = "".join([chr(c) for c in head[at : at + 11]]).rstrip(" \0")
    return Found(kind, "" if label == "NO NAME" else label, sector, total * sector)


def _view(part, size, block_size, kind):
    # The part in blocks of this size.
    if block_size < part.sector or block_size % part.sector:
        raise OSError(
            errno.EINVAL,
            "%s: %s in blocks of %d bytes, on a disk whose sectors have %d"
            % (part.name, kind, block_size, part.sector),
        )
    return _block.Block(part.device, part.start, size, block_size)


def _littlefs_options(part, size, block_size):
    # The arguments of VfsLfs2, for so many bytes.
    if block_size < _LITTLEFS_LEAST or block_size & (block_size - 1):
        raise OSError(errno.EINVAL, "%s: LittleFS in blocks of %d bytes" % (part.name, block_size))
    if size < 2 * block_size:
        raise OSError(errno.ENOSPC, "%s: LittleFS has at least two blocks" % part.name)
    view = _view(part, size - size % block_size, block_size, "LittleFS")
    # With one bit for each block it looks through the whole file system only once for free ones.
    lookahead = min(max(size // block_size // 64 * 8, _LOOKAHEAD_LEAST), _LOOKAHEAD_MOST)
    # A write changes nothing beside it: it is of whole sectors. Four reads make a cache.
    return (view,), {
        "readsize": min(block_size, max(part.sector, _READ)),
        "progsize": part.sector,
        "lookahead": lookahead,
    }


def load(part):
    """The file system on a block device, for vfs.mount(). OSError where there is none."""
    found = look(part)
    if found is None:
        raise OSError(errno.ENODEV, "%s: there is no file system on it" % part.name)
    if found.kind == "exfat":
        raise OSError(errno.ENODEV, "%s: exFAT is not built in; FAT32 is" % part.name)
    if found.size > part.size:
        raise OSError(
            errno.EINVAL,
            "%s: the %s on it has %d bytes, and it itself %d"
            % (part.name, found.kind, found.size, part.size),
        )
    if found.kind == "romfs":
        import _romfs

        return _romfs.load(part, found.size)
    if found.kind == "littlefs":
        args, options = _littlefs_options(part, found.size, found.block_size)
        return vfs.VfsLfs2(*args, **options)
    return vfs.VfsFat(_view(part, part.size, found.block_size, "FAT"))


def make(part, kind, block_size):
    """Makes one, "fat" or "littlefs"."""
    if kind == "littlefs":
        size = _LITTLEFS_BLOCK if block_size is None else block_size
        args, options = _littlefs_options(part, part.size, size)
        vfs.VfsLfs2.mkfs(*args, **options)
    elif kind == "fat":
        if block_size is not None:
            raise ValueError("FAT has the disk's sectors for its blocks")
        if part.size // part.sector > _FAT_SECTORS:
            raise ValueError("%s: FAT has at most %d sectors" % (part.name, _FAT_SECTORS))
        vfs.VfsFat.mkfs(_view(part, part.size, part.sector, "FAT"))
    else:
        raise ValueError("%r is neither fat nor littlefs" % (kind,))
