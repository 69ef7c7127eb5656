# What memory is to the CPU: by the memory type range registers, and with what the page says.
# SDM 3A, 12.11 and 12.12.

UNCACHED = 0
WRITE_COMBINING = 1
WRITE_THROUGH = 4
WRITE_PROTECTED = 5
WRITE_BACK = 6
UNCACHED_MINUS = 7  # of a page alone

_MIB = 1 << 20
# Sizes of the fixed ranges and where they begin.
_FIXED = (
    (0x250, 0, 1 << 16),
    (0x258, 0x80000, 1 << 14),
    (0x259, 0xA0000, 1 << 14),
) + tuple([(0x268 + i, 0xC0000 + (i << 15), 1 << 12) for i in range(8)])
_NAMES = (
    "uncached",
    "write-combining",
    None,
    None,
    "write-through",
    "write-protected",
    "write-back",
    "uncached-",
)


def name(type):
    """A memory type in words."""
    found = _NAMES[type] if 0 <= type < len(_NAMES) else None
    return found or "reserved %d" % type


def combine(mtrr, page):
    """The memory type of a range's and a page's together: SDM 3A, table 12-7."""
    if page == WRITE_COMBINING:
        return WRITE_COMBINING
    if page == WRITE_BACK:
        return mtrr
    if page == UNCACHED_MINUS:
        return WRITE_COMBINING if mtrr in (WRITE_COMBINING, WRITE_PROTECTED) else UNCACHED
    if page == UNCACHED or mtrr in (UNCACHED, WRITE_COMBINING):
        return UNCACHED
    return page


class Mtrrs:
    """The ranges of a CPU.

    `read(number)` returns a register's 64 bits, or None where there is none; `bits` is how many a
    physical address has. By themselves they are those of CPU `cpu`.
    """

    def __init__(self, read=None, bits=None, cpu=None):
        if read is None:
            from cpuid import Cpuid
            from msr import Msrs

            read = Msrs(None, cpu).read
            bits = Cpuid(None, cpu).read(0x80000008)[0] & 0xFF or 36
        self.end = 1 << bits
        default = read(0x2FF)
        count = read(0xFE)
        self.enabled = default is not None and count is not None and bool(default >> 11 & 1)
        self.default = default & 0xFF if self.enabled else UNCACHED
        self.fixed = []
        self.variable = []
        if not self.enabled:
            if default is None or count is None:
                # Without them it is the page's alone.
                self.default = WRITE_BACK
            return
        if count >> 8 & 1 and default >> 10 & 1:
            for number, start, size in _FIXED:
                value = read(number)
                for i in range(8):
                    at = start + i * size
                    self.fixed.append((at, at + size, value >> 8 * i & 0xFF))
        for i in range(count & 0xFF):
            base = read(0x200 + 2 * i)
            mask = read(0x201 + 2 * i)
            if mask >> 11 & 1:
                low = mask & self.end - 1 & -4096
                self.variable.append((base & low, low, base & 0xFF))

    def type(self, addr):
        """The memory type of an address, or None where ranges overlap as none may."""
        if self.fixed and addr < _MIB:
            for start, end, type in self.fixed:
                if start <= addr < end:
                    return type
        found = set([type for base, mask, type in self.variable if addr & mask == base])
        if not found:
            return self.default
        if UNCACHED in found:
            return UNCACHED
        if len(found) == 1:
            return found.pop()
        return WRITE_THROUGH if found == {WRITE_THROUGH, WRITE_BACK} else None

    def ranges(self):
        """(start, end, type) of all addresses, in order, a list; neighbours of a type are one.

        ValueError for a mask with holes, whose ranges are too many to tell.
        """
        edges = {0, self.end}
        if self.fixed:
            for start, end, _ in self.fixed:
                edges.add(start)
                edges.add(end)
        for base, mask, _ in self.variable:
            size = self.end - mask
            if size & size - 1:
                raise ValueError("a mask of 0x%x has holes" % mask)
            edges.add(base)
            edges.add(base + size)
        found = []
        edges = sorted(edges)
        for i in range(len(edges) - 1):
            type = self.type(edges[i])
            if found and found[-1][2] == type:
                found[-1] = (found[-1][0], edges[i + 1], type)
            else:
                found.append((edges[i], edges[i + 1], type))
        return found

    def show(self):
        """Print the ranges."""
        print("MTRRs are %s" % ("on" if self.enabled else "off"))
        for start, end, type in self.ranges():
            print("%016x-%016x  %s" % (start, end, "undefined" if type is None else name(type)))


def cpu(n=None):
    """The ranges of CPU n, or of the one that runs this, as Mtrrs."""
    return Mtrrs(cpu=n)


def show(n=None):
    """Print the ranges of CPU n, or of the one that runs this."""
    cpu(n).show()


def page(flags):
    """The memory type that a mapping with flags of `pages` has by itself, by this CPU's PAT."""
    import pages
    from machine import rdmsr

    entry = 1 if flags & pages.COMBINE else 3 if flags & pages.UNCACHED else 0
    return rdmsr(0x277) >> 8 * entry & 7


def explain(va):
    """(physical address, type by the MTRRs, by the page, both together) of a virtual address.

    ValueError where nothing is mapped.
    """
    import pages

    found = pages.translate(va)
    if found is None:
        raise ValueError("0x%x: nothing is mapped" % va)
    by_range = cpu().type(found[0])
    by_page = page(found[1])
    both = None if by_range is None else combine(by_range, by_page)
    return found[0], by_range, by_page, both
