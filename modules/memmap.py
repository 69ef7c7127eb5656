# The kernel's own copy of the memory map: sorted, no overlaps, touching regions of a kind merged.
#
# A region is kept as its first and its last address, so one that ends at 2**64 fits 64 bits.
# What goes beyond 2**64 is cut off there: no address can name it.
#
# As in bootinfo.py, what runs at every start makes do with few of the interpreter's functions.

try:
    # Of the start, as in bootinfo.py.
    _handoff = _handoff
except NameError:
    from bootinfo import _array, _handoff


# e820's kinds (ACPI 6.5, table 15.4). Any other counts as RESERVED.
USABLE = const(1)
RESERVED = const(2)
ACPI_RECLAIM = const(3)
ACPI_NVS = const(4)
BAD = const(5)
PERSISTENT = const(7)

# Where regions overlap the higher rank wins. Rank 0 is a hole in the map.
_KINDS = (0, 1, 7, 3, 4, 2, 5)  # kind by rank
_RANKS = (5, 1, 5, 3, 4, 6, 5, 2)  # rank by kind, 0 to 7
_RANK_UNKNOWN = const(5)

_FRAME = const(4096)
# On a PC video memory and ROM lie here, and a map that calls any of it usable is wrong.
_VIDEO = const(0xA0000)
_BIOS_END = const(0x100000)
_UNITS = ("", "K", "M", "G", "T", "P", "E")

# Every frame is reached at its own address, as far as the kernel's address space keeps room for
# them. Memory beyond is in the map, but not for use.
_REACH_BITS = 46
REACH = 1 << _REACH_BITS

rsdp = None  # address of ACPI's root pointer, or None
_raw = None
_starts = _lasts = _kinds = None
_total = 0


def init(regions, root=None):
    """Take over a loader's map: array("L") of start, size, kind; `root` is the RSDP's address.

    RuntimeError once the start is over.
    """
    if _handoff:
        _handoff.need_start()
    _take(regions, root)


def _take(regions, root):
    global rsdp, _raw, _starts, _lasts, _kinds, _total
    starts, lasts, kinds = _sweep(regions)
    total = 0
    for i in range(len(starts)):
        if kinds[i] == USABLE:
            total += lasts[i] - starts[i] + 1
    _raw = regions
    _starts = starts
    _lasts = lasts
    _kinds = kinds
    _total = total
    rsdp = root


def _append_low(events, start, end):
    # Usable memory of which a part is not believed.
    video = max(start, _VIDEO)
    bios_end = min(end, _BIOS_END)
    for first, past, kind in (
        (start, video, USABLE),
        (video, bios_end, RESERVED),
        (bios_end, end, USABLE),
    ):
        if first < past:
            rank = _RANKS[kind] << 1
            events.append(first << 4 | rank | 1)
            events.append(past << 4 | rank)


def _sweep(regions):
    # Goes over all starts and ends in the order of their addresses, which most maps have already.
    # Where not, a heap sorts: it is never worse than n log n, and list.sort() may be quadratic.
    events = []
    in_order = True
    at = 0
    for i in range(0, len(regions), 3):
        start = regions[i]
        size = regions[i + 1]
        if size:
            kind = regions[i + 2]
            rank = _RANKS[kind] << 1 if kind < 8 else _RANK_UNKNOWN << 1
            end = start + size
            if end >> 64:
                end = 1 << 64
            if start < at:
                in_order = False
            at = end
            if kind == USABLE and start < _BIOS_END and end > _VIDEO:
                _append_low(events, start, end)
                continue
            events.append(start << 4 | rank | 1)
            events.append(end << 4 | rank)
    if not in_order:
        import heapq

        heap = events
        heapq.heapify(heap)
        events = []
        while heap:
            events.append(heapq.heappop(heap))

    # The changes of the strictest rank take the places of events that have been seen.
    done = 0
    open_regions = [1, 0, 0, 0, 0, 0, 0]  # by rank; the hole is always there
    rank = 0
    last = len(events) - 1
    for i in range(last + 1):
        event = events[i]
        at = event >> 4
        if event & 1:
            open_regions[event >> 1 & 7] += 1
        else:
            open_regions[event >> 1 & 7] -= 1
        if i < last and events[i + 1] >> 4 == at:
            continue
        strictest = 6
        while not open_regions[strictest]:
            strictest -= 1
        if strictest != rank:
            rank = strictest
            events[done] = at << 4 | rank
            done += 1

    starts = _array("L")
    lasts = _array("L")
    kinds = _array("B")
    for i in range(done):
        event = events[i]
        rank = event & 7
        if rank:
            starts.append(event >> 4)
            lasts.append((events[i + 1] >> 4) - 1)
            kinds.append(_KINDS[rank])
    return starts, lasts, kinds


def _check():
    if _starts is None:
        raise RuntimeError("no memory map yet")


def regions():
    """All regions, a tuple of Region: sorted, merged, not overlapping."""
    from _region import Region

    _check()
    return tuple([Region(_starts[i], _lasts[i] + 1, _kinds[i]) for i in range(len(_starts))])


def _arrays():
    """The starts, last addresses and kinds of all regions, as they are kept. For reading only."""
    _check()
    return _starts, _lasts, _kinds


def raw():
    """The map as the loader gave it: a tuple of (start, size, kind)."""
    _check()
    return tuple([(_raw[i], _raw[i + 1], _raw[i + 2]) for i in range(0, len(_raw), 3)])


def total():
    """Bytes of usable RAM."""
    _check()
    return _total


def find(addr):
    """The Region that holds `addr`, or None in a hole."""
    _check()
    low = 0
    high = len(_starts)
    while low < high:
        middle = (low + high) >> 1
        if _lasts[middle] < addr:
            low = middle + 1
        else:
            high = middle
    if low < len(_starts) and _starts[low] <= addr:
        from _region import Region

        return Region(_starts[low], _lasts[low] + 1, _kinds[low])
    return None


def free_ranges(in_use=(), below=REACH):
    """Usable memory under `below`, without the (start, end) ranges of `in_use` and the null frame.

    An _array("Q") of start, end, start, end ...: in order, of any alignment, each frame that
    touches memory in use left with less than a whole frame.
    """
    _check()
    at = 0
    for start, _ in in_use:
        if start < at:
            in_use = sorted(in_use)
            break
        at = start
    cut_starts = [0]
    cut_ends = [_FRAME]
    for start, end in in_use:
        if start < end:
            if start > cut_ends[-1]:
                cut_starts.append(start)
                cut_ends.append(end)
            elif end > cut_ends[-1]:
                cut_ends[-1] = end
    cuts = len(cut_starts)
    free = _array("Q")
    cut = 0
    if below > REACH:
        below = REACH
    for i in range(len(_starts)):
        if _kinds[i] != USABLE:
            continue
        start = _starts[i]
        end = _lasts[i] + 1
        if end > below:
            end = below
        while cut < cuts and cut_ends[cut] <= start:
            cut += 1
        while cut < cuts and cut_starts[cut] < end:
            if cut_starts[cut] > start:
                free.append(start)
                free.append(cut_starts[cut])
            start = cut_ends[cut]
            if start >= end:
                break
            cut += 1
        if start < end:
            free.append(start)
            free.append(end)
    return free


def _human(size):
    power = 1
    while power < 6 and size >> 10 * power >= 1024:
        power += 1
    tenths = size * 10 >> 10 * power
    return tenths // 10, tenths % 10, _UNITS[power]


def human(size):
    """`size` bytes in the largest unit that it fills, cut to a tenth: "255.9 MiB"."""
    return "%d.%d %siB" % _human(size)


def _summary():
    # What follows the source, for _handoff.log().
    whole, tenth, unit = _human(_total)
    sizes = ": ", len(_starts), " regions, ", _total, " bytes (", whole, ".", tenth, " "
    root = ("no RSDP", "") if rsdp is None else ("RSDP at 0x", rsdp)
    return sizes, (unit, "iB) of RAM; "), root


def summary(source):
    """One line for the boot log; `source` says whose map it was and where."""
    line = "memmap: " + source
    for texts in _summary():
        for text in texts:
            if not isinstance(text, str):
                text = ("%x" if line.endswith("0x") else "%d") % text
            line += text
    return line


def show():
    """Print a table of the regions, then the totals by kind."""
    _check()
    names = ("", "usable", "reserved", "ACPI tables", "ACPI NVS", "bad", "", "persistent")
    totals = {}
    print("start               end                       size  kind")
    for i, kind in enumerate(_kinds):
        start = _starts[i]
        end = _lasts[i] + 1
        print("0x%016x  0x%016x  %10s  %s" % (start, end, human(end - start), names[kind]))
        totals[kind] = totals.get(kind, 0) + end - start
    print()
    for kind in sorted(totals):
        size = totals[kind]
        print("%-12s %10s  %d bytes" % (names[kind], human(size), size))


# As in bootinfo.py.
if _handoff and _handoff.started:
    import bootinfo as _bootinfo

    _take(_bootinfo.regions, _bootinfo.rsdp)
    del _bootinfo


def __getattr__(name):
    # No start needs a class, which takes longer to make than the whole map.
    if name == "Region":
        from _region import Region

        return Region
    raise AttributeError("'module' object has no attribute '%s'" % name)
