# A ROMFS on a disk. Upstream's VfsRom has it in memory and believes what it says: it is read into
# pages, and looked through before.

import errno

import pages
import vfs

_PAGE = const(4096)
_VERBATIM = const(2)
_POINTER = const(3)
_DIRECTORY = const(4)
_FILE = const(5)

# Code imported from there runs where it lies, whatever is unmounted: the pages stay until Python
# ends, for the next time that the same is mounted. By device, start and size.
_kept = {}


def load(part, size):
    """The file system of so many bytes at the start of a block device. OSError: it is damaged."""
    memory = pages.alloc(-(-size // _PAGE))
    try:
        part.readblocks(0, memoryview(memory)[:size])
        if not check(memory, size):
            raise OSError(errno.EIO, "%s: the ROMFS on it is damaged" % part.name)
    except:
        memory.close()
        raise
    key = (part.device, part.start, size)
    kept = _kept.get(key)
    if kept is not None and memoryview(kept) == memoryview(memory):
        memory.close()
    else:
        kept = _kept[key] = memory
    return vfs.VfsRom(kept)


def _number(data, at, end):
    # (number, where it ends): seven bits in each byte, the highest first. -1: it does not end.
    value = 0
    while at < end:
        byte = data[at]
        at += 1
        value = value << 7 | byte & 0x7F
        if value >> 48:
            break
        if byte < 0x80:
            return value, at
    return -1, end


def check(data, size):
    """Whether all that it says lies inside of it."""
    _, at = _number(data, 0, size)
    length, base = _number(data, at, size)
    if length < 0 or base + length > size:
        return False
    top = base + length
    # (where records begin, where they end, whether they are a file's)
    left = [(base, top, False)]
    while left:
        at, end, in_file = left.pop()
        while at < end:
            kind, at = _number(data, at, end)
            length, at = _number(data, at, end)
            after = at + length
            if kind <= 0 or length < 0 or after > end:
                return False
            if kind in (_DIRECTORY, _FILE) and not in_file:
                name, at = _number(data, at, after)
                if name < 0 or at + name > after:
                    return False
                left.append((at + name, after, kind == _FILE))
            elif kind == _POINTER and in_file:
                count, at = _number(data, at, after)
                offset, at = _number(data, at, after)
                if count < 0 or offset < 0 or offset + count > top - base:
                    return False
            at = after
    return True
