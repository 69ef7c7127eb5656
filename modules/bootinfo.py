# The boot loader's handoff, read in place and checked: one record, whichever loader.
#
# PVH: xen/include/public/arch-x86/hvm/start_info.h. Multiboot2: its specification, version 2.0,
# section 3.6. Memory kinds are e820's (ACPI 6.5, table 15.4), as both loaders give them; the types
# of an EFI map are turned into these.
#
# Numbers of 64 bits are kept in array("L"), not "Q": reading an item of "Q" always makes a big int
# on the heap, of "L" only where it has more than 62 bits.
#
# All of this runs once, and an emulator takes longer to translate C code than to run it. So what
# every start goes through uses few of the interpreter's functions, the same again and again, and
# no constant of more than 30 bits: those are frozen as big ints.

try:
    # Of the start, which leaves out imports (port/mpy/start.c).
    _handoff = _handoff
except NameError:
    from array import array as _array

    from uctypes import bytearray_at as _bytearray_at

    try:
        import _handoff
    except ImportError:
        # Not in a kernel.
        _handoff = None


PVH = const(1)
MULTIBOOT2 = const(2)

MAX_REGIONS = const(4096)
MAX_MODULES = const(256)
_MAX_STRING = const(0x10000)  # bytes, with the zero at the end
_SHORT_STRING = const(128)
_MAX_TAGS_SIZE = const(0x100000)  # bytes of all Multiboot2 tags
_FRAME = const(4096)

_PVH_MAGIC = const(0x336EC578)
_RSDP_SIGNATURE = b"RSD PTR "

# Multiboot2 3.6: the tags that are read. All others are skipped.
_TAG_END = const(0)
_TAG_CMDLINE = const(1)
_TAG_MODULE = const(3)
_TAG_MEMINFO = const(4)
_TAG_MEMMAP = const(6)
_TAG_EFI_SYSTEM = const(12)  # of a firmware with 64 bits
_TAG_RSDP_OLD = const(14)
_TAG_RSDP_NEW = const(15)
_TAG_EFI_MEMMAP = const(17)
_TAG_EFI_SERVICES = const(18)

_USABLE = const(1)
_RESERVED = const(2)

# Reserved memory is read only where firmware keeps its own data. QEMU's qboot has all of PVH's
# structures below 1 MiB, and a PC's firmware what it takes of memory right behind what is
# left: SeaBIOS takes more for a disk than QEMU knows, which puts a boot module there.
_BIOS_END = const(0x100000)

# Kinds that are memory one can read, one bit each: usable, ACPI tables, ACPI NVS, persistent.
_READABLE = const(1 << 1 | 1 << 3 | 1 << 4 | 1 << 7)

# UEFI 2.10 table 7.10, by EFI memory type: what a region is once boot services have ended.
# 0 reserved, 1-4 loader's and boot services' code and data, 5-6 runtime services, 7 conventional,
# 8 unusable, 9 ACPI tables, 10 ACPI NVS, 11-12 MMIO, 13 PAL, 14 persistent, 15 not accepted yet.
_EFI_KINDS = b"\x02\x01\x01\x01\x01\x02\x02\x01\x05\x03\x04\x02\x02\x02\x07\x02"

protocol = None  # "pvh" or "multiboot2"
addr = None  # address of the loader's structure
map_addr = None  # address of its memory map
regions = None  # array("L"): start, size, kind of each region, as the loader gave them
rsdp = None  # address of ACPI's root pointer, or None
efi = None  # address of EFI's system table, or None
cmdline = ""
modules = ()  # (start, end, command line) of each module
in_use = ()  # (start, end) of what the loader left in memory: its structures and the modules

_WINDOW_BITS = 32
_WINDOW = (0x500, 1 << _WINDOW_BITS)

_low = _high = 0  # the window: nothing outside is read
_last = 0  # index of the region that the last address was found in


if _handoff:
    Error = _handoff.Error
else:

    class Error(ValueError):
        """The loader's handoff cannot be believed; the message says what is wrong with it."""


def init(loader, info, window=_WINDOW):
    """Read the handoff of `loader` (PVH or MULTIBOOT2) at address `info` into this module.

    Nothing outside `window` (start, end) is read. Raises Error for anything malformed; the
    record then holds nothing. RuntimeError once the start is over.
    """
    if _handoff:
        _handoff.need_start()
    _read(loader, info, window)


def _read(loader, info, window):
    global protocol, addr, map_addr, regions, rsdp, efi, cmdline, modules, in_use
    global _low, _high, _last
    protocol = addr = map_addr = regions = rsdp = None
    cmdline = ""
    modules = in_use = ()
    _last = 0
    _low, _high = window
    if loader == PVH:
        name = "pvh"
        record = _read_pvh(info)
    elif loader == MULTIBOOT2:
        name = "multiboot2"
        record = _read_multiboot2(info)
    else:
        raise Error("no boot loader that this kernel knows started it (protocol %r)" % (loader,))
    map_addr, regions, rsdp, cmdline, modules, in_use, efi = record
    protocol = name
    addr = info


def _view(what, start, size):
    if start < _low or start + size > _high:
        raise Error("%s at 0x%x, 0x%x bytes, is outside readable memory" % (what, start, size))
    return _bytearray_at(start, size)


def _check_regions(table):
    # Leaves in each third word the kind alone: PVH and Multiboot2 have a reserved half there.
    if len(table) > 3 * MAX_REGIONS:
        raise Error("memory map of %d regions, more than %d" % (len(table) // 3, MAX_REGIONS))
    usable = False
    for i in range(2, len(table), 3):
        kind = table[i]
        if kind >> 32:
            kind -= kind >> 32 << 32
            table[i] = kind
        if kind == _USABLE and table[i - 1]:
            usable = True
    if not usable:
        raise Error("memory map of %d regions has no usable memory" % (len(table) // 3))


def _follows_memory(table, addr):
    for i in range(0, len(table), 3):
        if table[i + 2] == _USABLE and table[i] + table[i + 1] == addr:
            return True
    return False


def _ram_end(table, start, end):
    # Where memory that can be read and that reaches from `start` on ends, or `end` if it goes on
    # at least as far. Looks first where it last found something: most things lie together.
    global _last
    at = start
    count = len(table)
    while at < end:
        i = _last
        for _ in range(0, count, 3):
            low = table[i]
            high = low + table[i + 1]
            if low <= at < high:
                kind = table[i + 2]
                if kind < 8 and _READABLE >> kind & 1:
                    break
                if kind == _RESERVED and (high <= _BIOS_END or _follows_memory(table, low)):
                    break
            i += 3
            if i == count:
                i = 0
        else:
            return at
        _last = i
        at = high
    return end


def _check_ram(table, what, start, size):
    if _ram_end(table, start, start + size) < start + size:
        raise Error("%s at 0x%x, 0x%x bytes, is not in memory" % (what, start, size))
    return start, start + size


def _text(what, data):
    try:
        return str(data, "utf-8")
    except ValueError:
        pass
    raise Error("%s is not UTF-8" % what)


def _read_string(table, what, start):
    # A zero-ended string, searched only as far as memory goes. Address 0: there is none.
    if not start:
        return "", start
    end = _ram_end(table, start, start + _MAX_STRING)
    if end > _high:
        end = _high
    if start < _low or start >= end:
        raise Error("%s at 0x%x is not in memory" % (what, start))
    size = end - start
    data = _bytearray_at(start, size)
    length = 0
    near = size if size < _SHORT_STRING else _SHORT_STRING
    while length < near and data[length]:
        length += 1
    if length == near:
        length = bytes(data).find(b"\0")
        if length < 0:
            raise Error("%s at 0x%x has no end within 0x%x bytes" % (what, start, size))
    return _text(what, _bytearray_at(start, length)), start + length + 1


def _read_pvh(info):
    view = _view("PVH start info", info, 40)
    halves = _array("I", view)
    magic = halves[0]
    version = halves[1]
    count = halves[3]
    if magic != _PVH_MAGIC:
        raise Error("PVH start info at 0x%x has magic 0x%x, not 0x%x" % (info, magic, _PVH_MAGIC))
    if version < 1:
        raise Error("PVH start info at 0x%x, version %d, has no memory map" % (info, version))
    size = 56
    view = _view("PVH start info", info, size)
    halves = _array("I", view)
    words = _array("L", view)
    list_addr = words[2]
    text_addr = words[3]
    root = words[4]
    where = words[5]
    regions_count = halves[12]
    if not 0 < regions_count <= MAX_REGIONS:
        raise Error("PVH memory map of %d regions, not 1 to %d" % (regions_count, MAX_REGIONS))
    # An entry is start, size, kind and a reserved word: three words of array("L").
    table = _array("L", _view("PVH memory map", where, 24 * regions_count))
    _check_regions(table)

    own = _check_ram(table, "PVH start info", info, size)
    used = _check_ram(table, "PVH memory map", where, 24 * regions_count)
    text, end = _read_string(table, "PVH command line", text_addr)
    # Last, where QEMU has it: what is in order need not be sorted.
    used = (used, (text_addr, end), own) if end else (used, own)
    if count > MAX_MODULES:
        raise Error("PVH list of %d modules, more than %d" % (count, MAX_MODULES))
    found = ()
    if count:
        used += (_check_ram(table, "PVH module list", list_addr, 32 * count),)
        words = _array("L", _view("PVH module list", list_addr, 32 * count))
        for i in range(count):
            start = words[4 * i]
            size = words[4 * i + 1]
            line_addr = words[4 * i + 2]
            if size:
                used += (_check_ram(table, "PVH module %d" % i, start, size),)
            # QEMU's qboot leaves that address undefined.
            try:
                line, end = _read_string(table, "", line_addr)
            except Error:
                line, end = "", 0
            if end:
                used += ((line_addr, end),)
            found += ((start, start + size, line),)
    return where, table, root or None, text, found, used, None


def _tag_text(what, view, start, end):
    data = bytes(view[start:end])
    stop = data.find(b"\0")
    if stop < 0:
        raise Error("%s has no end" % what)
    return _text(what, data[:stop])


def _tag_regions(view, at, size, efi):
    # The entries of a memory map tag. Their size comes with the tag: later versions may be longer.
    from struct import unpack_from

    least = 40 if efi else 24
    step = unpack_from("<I", view, at + 8)[0] if size >= 16 else 0
    if step < least or step % 8:
        raise Error("Multiboot2 memory map: %d bytes of %d-byte entries" % (size - 16, step))
    if (size - 16) // step > MAX_REGIONS:
        raise Error("Multiboot2 memory map of more than %d regions" % MAX_REGIONS)
    end = at + size
    at += 16
    if not efi and step == 24:
        return _array("L", view[at : end - (end - at) % 24])
    table = _array("L")
    while at + step <= end:
        if efi:
            kind, _, start, _, count = unpack_from("<IIQQQ", view, at)
            if count >= 1 << 52:
                raise Error("EFI memory map: 0x%x pages at 0x%x" % (count, start))
            kind = _EFI_KINDS[kind] if kind < len(_EFI_KINDS) else 2
            table.extend(_array("L", (start, count << 12, kind)))
        else:
            table.extend(_array("L", unpack_from("<QQQ", view, at)))
        at += step
    return table


def _read_multiboot2(info):
    from struct import unpack_from

    if info % 8:
        raise Error("Multiboot2 information at 0x%x is not aligned" % info)
    total = unpack_from("<I", _view("Multiboot2 information", info, 8))[0]
    if not 16 <= total <= _MAX_TAGS_SIZE:
        raise Error("Multiboot2 information at 0x%x of 0x%x bytes" % (info, total))
    view = _view("Multiboot2 information", info, total)
    where = root = old_root = system = None
    table = _array("L")
    meminfo = None
    text = ""
    found = []
    at = 8
    while True:
        if at + 8 > total:
            raise Error("Multiboot2 tag list at 0x%x runs off its end" % info)
        tag, size = unpack_from("<II", view, at)
        if size < 8 or at + size > total:
            raise Error("Multiboot2 tag %d at 0x%x has size 0x%x" % (tag, info + at, size))
        if tag == _TAG_END:
            break
        elif tag == _TAG_CMDLINE:
            text = _tag_text("Multiboot2 command line", view, at + 8, at + size)
        elif tag == _TAG_MODULE:
            if size < 17:
                raise Error("Multiboot2 module tag of %d bytes" % size)
            if len(found) == MAX_MODULES:
                raise Error("Multiboot2: more than %d modules" % MAX_MODULES)
            start, end = unpack_from("<II", view, at + 8)
            what = "command line of Multiboot2 module %d" % len(found)
            found.append((start, end, _tag_text(what, view, at + 16, at + size)))
        elif tag == _TAG_MEMINFO:
            if size < 16:
                raise Error("Multiboot2 basic memory tag of %d bytes" % size)
            meminfo = info + at, unpack_from("<II", view, at + 8)
        elif tag == _TAG_MEMMAP or tag == _TAG_EFI_MEMMAP:
            # GRUB on EFI gives both: its own (with what its user cut out) and the firmware's. Both
            # are kept, and where they disagree memmap takes the stricter kind.
            table.extend(_tag_regions(view, at, size, tag == _TAG_EFI_MEMMAP))
            if len(table) > 3 * MAX_REGIONS:
                raise Error("Multiboot2 memory map of more than %d regions" % MAX_REGIONS)
            if where is None:
                where = info + at
        elif tag == _TAG_EFI_SYSTEM:
            if size < 16:
                raise Error("Multiboot2 EFI system table tag of %d bytes" % size)
            system = unpack_from("<Q", view, at + 8)[0]
        elif tag == _TAG_RSDP_OLD or tag == _TAG_RSDP_NEW:
            # ACPI 6.5, 5.2.5.3: 20 bytes in version 1, 36 since. The tag holds a copy.
            if size < (28 if tag == _TAG_RSDP_OLD else 44):
                raise Error("Multiboot2 RSDP tag of %d bytes" % size)
            if view[at + 8 : at + 16] != _RSDP_SIGNATURE:
                raise Error("Multiboot2 RSDP tag at 0x%x without a signature" % (info + at))
            if tag == _TAG_RSDP_NEW:
                root = root or info + at + 8
            else:
                old_root = old_root or info + at + 8
        elif tag == _TAG_EFI_SERVICES:
            raise Error("EFI boot services have not ended")
        at += (size + 7) & ~7

    if where is None and meminfo:
        # KiB from 0 and KiB from 1 MiB, up to the first hole: little, but all there is.
        where, (lower, upper) = meminfo
        table = _array("L", (0, lower << 10, _USABLE, 1 << 20, upper << 10, _USABLE))
    if not table:
        raise Error("Multiboot2 information at 0x%x has no memory map" % info)
    _check_regions(table)
    used = [_check_ram(table, "Multiboot2 information", info, total)]
    for i, (start, end, _) in enumerate(found):
        if end < start:
            raise Error("Multiboot2 module %d ends before it starts" % i)
        if end > start:
            used.append(_check_ram(table, "Multiboot2 module %d" % i, start, end - start))
    return where, table, root or old_root, text, tuple(found), tuple(used), system


def _read_again():
    # Once the start is over the null frame is not mapped, and QEMU has PVH's structures there.
    global _bytearray_at
    import _space

    at = _bytearray_at
    mapped = []

    def low_bytearray_at(start, size):
        if start >= _FRAME:
            return at(start, size)
        count = (start + size + _FRAME - 1) // _FRAME
        va = _space.reserve(count)
        _space.map(va, 0, count, _space.READ)
        mapped.append((va, count))
        return at(va + start, size)

    _bytearray_at = low_bytearray_at
    try:
        _read(_handoff.protocol, _handoff.addr, _WINDOW)
    finally:
        _bytearray_at = at
        for va, count in mapped:
            _space.unmap(va, count)


# The start has done it for the interpreter of its CPU. On another one, and where the module is
# imported anew, the loader's structures are read once more: they are still there.
if _handoff and _handoff.started:
    _read_again()
