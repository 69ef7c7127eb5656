"""memmap resolves any map into a sorted one without overlaps, as a byte by byte model has it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

USABLE, RESERVED, ACPI_RECLAIM, ACPI_NVS, BAD, PERSISTENT = 1, 2, 3, 4, 5, 7
LAX_TO_STRICT = [USABLE, PERSISTENT, ACPI_RECLAIM, ACPI_NVS, RESERVED, BAD]
END = 1 << 64
REACH = 1 << 46
MIB = 1 << 20
GIB = 1 << 30

QUICK = settings(max_examples=300, deadline=None)


@pytest.fixture(scope="module")
def port(unix_port):
    unix_port.exec("import memmap\nfrom array import array")
    return unix_port


def load(port, regions, root=None):
    flat = [number for region in regions for number in region]
    port.exec(f"memmap.init(array('L', {flat}), {root})")


def resolved(port):
    return [tuple(r) for r in port.eval("[tuple(r) for r in memmap.regions()]")]


def resolve(port, regions):
    load(port, regions)
    return resolved(port)


def free_ranges(port, in_use=(), below=REACH):
    flat = port.eval(f"list(memmap.free_ranges({tuple(in_use)}, {below}))")
    return list(zip(flat[::2], flat[1::2], strict=True))


def runs(values, base):
    """Runs of equal values that are not None: (start, end, value)."""
    found = []
    for i, value in enumerate(values):
        if value is None:
            continue
        if found and found[-1][1] == base + i and found[-1][2] == value:
            found[-1][1] += 1
        else:
            found.append([base + i, base + i + 1, value])
    return [tuple(run) for run in found]


def kind_of_bytes(regions, base, span):
    kinds = [None] * span
    for i in range(span):
        # Where a PC has video memory and ROM, nothing is usable.
        low = 0xA0000 <= base + i < 0x100000
        here = [
            kind if kind in LAX_TO_STRICT and not (low and kind == USABLE) else RESERVED
            for start, size, kind in regions
            if start <= base + i < start + size
        ]
        if here:
            kinds[i] = max(here, key=LAX_TO_STRICT.index)
    return kinds


SPAN = 160
KINDS = st.sampled_from([0, 1, 1, 1, 2, 3, 4, 5, 6, 7, 8, 12, 0xFFFFFFFF])


@st.composite
def maps(draw, bases):
    """A small map, in any order, and where the bytes that it is about start."""
    base = draw(st.sampled_from(bases))
    region = st.tuples(
        st.integers(0, SPAN - 1).map(lambda offset: base + offset),
        st.integers(0, SPAN // 2),
        KINDS,
    )
    return base, draw(st.lists(region, max_size=12))


def test_raw_is_what_the_loader_gave(port):
    """raw() keeps order, empty regions, overlaps and unknown kinds."""
    given_map = [(MIB, 0, 1), (0, 4096, 1), (0, 8192, 77), (END - 4096, 4096, 2)]
    load(port, given_map)
    assert [tuple(r) for r in port.eval("memmap.raw()")] == given_map


def test_nothing_before_init(small_unix_port):
    """Every question before there is a map is a RuntimeError."""
    small_unix_port.exec("import memmap")
    for call in ("regions()", "raw()", "total()", "find(0)", "show()", "free_ranges()"):
        with pytest.raises(small_unix_port.Failed) as caught:
            small_unix_port.eval(f"memmap.{call}")
        assert (caught.value.kind, caught.value.message) == ("RuntimeError", "no memory map yet")


def test_sorted_merged_and_cleaned(port):
    """Unsorted, touching, empty and doubled regions come out sorted, merged, once."""
    assert resolve(
        port,
        [
            (0x5000, 0x1000, USABLE),
            (0x9000, 0, USABLE),
            (0x1000, 0x1000, USABLE),
            (0x2000, 0x3000, USABLE),
            (0, 0, 0),
            (0x1000, 0x1000, USABLE),
            (0x6000, 0x1000, RESERVED),
            (0x7000, 0x1000, 99),
        ],
    ) == [(0x1000, 0x6000, USABLE), (0x6000, 0x8000, RESERVED)]


@pytest.mark.parametrize("strict", range(1, len(LAX_TO_STRICT)))
def test_stricter_kind_wins(port, strict):
    """A stricter region in the middle of a laxer one splits it, whichever comes first."""
    low, high = LAX_TO_STRICT[strict - 1], LAX_TO_STRICT[strict]
    both = [(0x1000, 0x3000, low), (0x2000, 0x1000, high)]
    expected = [(0x1000, 0x2000, low), (0x2000, 0x3000, high), (0x3000, 0x4000, low)]
    assert resolve(port, both) == resolve(port, both[::-1]) == expected
    # And the laxer one in the middle of it is not seen.
    assert resolve(port, [(0, 0x3000, high), (0x1000, 0x1000, low)]) == [(0, 0x3000, high)]


def test_video_memory_is_not_usable(port):
    """Usable memory from 0xa0000 to 0xfffff is not believed, whatever the region reaches over;
    other kinds there are, and holes stay holes."""
    assert resolve(port, [(0, 32 * MIB, USABLE)]) == [
        (0, 0xA0000, USABLE),
        (0xA0000, MIB, RESERVED),
        (MIB, 32 * MIB, USABLE),
    ]
    assert resolve(port, [(0xC0000, 0x1000, USABLE)]) == [(0xC0000, 0xC1000, RESERVED)]
    assert resolve(port, [(0x9F000, 0x2000, USABLE), (0xF0000, 0x1000, ACPI_NVS)]) == [
        (0x9F000, 0xA0000, USABLE),
        (0xA0000, 0xA1000, RESERVED),
        (0xF0000, 0xF1000, ACPI_NVS),
    ]
    assert port.eval("memmap.total()") == 0x1000
    assert free_ranges(port) == [(0x9F000, 0xA0000)]


def test_ends_of_the_address_space(port):
    """A region may end at 2**64, or be all of it; what goes beyond is cut off there."""
    assert resolve(port, [(END - 1, 1, BAD)]) == [(END - 1, END, BAD)]
    assert resolve(port, [(END - 4096, END - 1, USABLE)]) == [(END - 4096, END, USABLE)]
    everything = [(0, 1 << 63, USABLE), (1 << 63, 1 << 63, USABLE)]
    low = [(0, 0xA0000, USABLE), (0xA0000, MIB, RESERVED)]
    assert resolve(port, everything) == [*low, (MIB, END, USABLE)]
    assert port.eval("memmap.total()") == END - 0x60000
    assert free_ranges(port) == [(4096, 0xA0000), (MIB, REACH)]
    assert port.eval(f"tuple(memmap.find({END - 1}))") == [MIB, END, USABLE]
    assert port.eval(f"memmap.find({END})") is None


def test_total_and_find(port):
    """total() counts usable bytes only; find() gives the region or None in a hole."""
    load(
        port, [(0, 0x9FC00, 1), (0x9FC00, 0x400, 2), (MIB, 3 * GIB, 1), (4 * GIB, GIB, 1)], 0xF5B20
    )
    assert port.eval("memmap.total()") == 0x9FC00 + 4 * GIB
    assert port.eval("memmap.rsdp") == 0xF5B20
    assert port.eval("tuple(memmap.find(0x9fbff))") == [0, 0x9FC00, 1]
    assert port.eval("tuple(memmap.find(0x9fc00))") == [0x9FC00, 0xA0000, 2]
    assert port.eval("memmap.find(0xa0000)") is None
    assert port.eval(f"tuple(memmap.find({5 * GIB - 1}))") == [4 * GIB, 5 * GIB, 1]
    assert port.eval(f"memmap.find({5 * GIB})") is None
    assert port.eval("memmap.find(-1)") is None


def test_region_reads_in_hex(port):
    """A Region has names, unpacks and compares as a tuple, and shows hex."""
    load(port, [(MIB, MIB, 1)])
    assert port.eval("repr(memmap.regions()[0])") == "Region(start=0x100000, end=0x200000, kind=1)"
    assert port.eval("memmap.regions()[0] == (0x100000, 0x200000, memmap.USABLE)")
    assert port.eval("[memmap.find(0x100000).end, memmap.find(0x100000).kind]") == [2 * MIB, 1]


def test_free_ranges_leave_out_what_is_in_use(port):
    """The null frame, the kernel, overlapping and nested ranges in use are cut out."""
    load(port, [(0, 0x9FC00, 1), (MIB, 15 * MIB, 1), (16 * MIB, MIB, 2), (4 * GIB, GIB, 1)])
    assert free_ranges(port) == [(0x1000, 0x9FC00), (MIB, 16 * MIB), (4 * GIB, 5 * GIB)]
    in_use = [(2 * MIB, 3 * MIB), (0x80000, 0x140000), (0x5A8, 0x10C8), (2 * MIB + 5, 2 * MIB + 9)]
    assert free_ranges(port, in_use) == [
        (0x10C8, 0x80000),
        (0x140000, 2 * MIB),
        (3 * MIB, 16 * MIB),
        (4 * GIB, 5 * GIB),
    ]
    assert free_ranges(port, in_use, 2 * MIB - 1) == [(0x10C8, 0x80000), (0x140000, 2 * MIB - 1)]
    assert free_ranges(port, [(0, END)]) == []


@pytest.mark.parametrize("count", [1024, 1025, 2000])
@pytest.mark.parametrize("order", ["sorted", "reversed", "shuffled"])
def test_many_regions(small_unix_port, count, order):
    """1024 regions and more, in any order, on a heap of the kernel's size."""
    small_unix_port.exec(
        f"""
import memmap
from array import array
count = {count}
order = {order!r}
flat = array("L", bytes(24 * count))
for i in range(count):
    at = i if order == "sorted" else count - 1 - i if order == "reversed" else i * 7919 % count
    flat[3 * i] = 0x100000 + at * 0x3000
    flat[3 * i + 1] = 0x3000 if at % 2 else 0x2000
    flat[3 * i + 2] = 1 + at % 2
memmap.init(flat)
regions = memmap.regions()
"""
    )
    assert small_unix_port.eval("len(regions)") == count
    assert small_unix_port.eval(
        "all((r.start, r.end - r.start, r.kind) == "
        "(0x100000 + i * 0x3000, 0x3000 if i % 2 else 0x2000, 1 + i % 2) "
        "for i, r in enumerate(regions))"
    )
    assert small_unix_port.eval("len(memmap.raw())") == count
    assert small_unix_port.eval("memmap.total()") == (count + 1) // 2 * 0x2000
    assert small_unix_port.eval("len(memmap.free_ranges())") == (count + 1) // 2 * 2


def test_show(port):
    """show() has a row per region and a total per kind."""
    port.exec(
        """
import builtins
lines = []
memmap.print = lambda *args: lines.append(" ".join(args))
"""
    )
    load(port, [(0, 0x9FC00, 1), (0x9FC00, 0x400, 2), (MIB, 255 * MIB, 1)])
    port.exec("memmap.show()\ndel memmap.print")
    assert port.eval("lines") == [
        "start               end                       size  kind",
        "0x0000000000000000  0x000000000009fc00   639.0 KiB  usable",
        "0x000000000009fc00  0x00000000000a0000     1.0 KiB  reserved",
        "0x0000000000100000  0x0000000010000000   255.0 MiB  usable",
        "",
        "usable        255.6 MiB  268041216 bytes",
        "reserved        1.0 KiB  1024 bytes",
    ]


def test_summary(port):
    """The boot log's line: where the map was, regions, bytes of RAM, the RSDP's address."""
    load(port, [(0, 0x9FC00, 1), (MIB, 255 * MIB, 1)], 0xF5B20)
    assert port.eval("memmap.summary('pvh map at 0x5a8')") == (
        "memmap: pvh map at 0x5a8: 2 regions, 268041216 bytes (255.6 MiB) of RAM; RSDP at 0xf5b20"
    )
    load(port, [(0, 0x9FC00, 1)])
    assert port.eval("memmap.summary('x')").endswith("; no RSDP")


@pytest.mark.parametrize(
    "size, text",
    [
        (0, "0.0 KiB"),
        (1023, "0.9 KiB"),
        (MIB - 1, "1023.9 KiB"),
        (MIB, "1.0 MiB"),
        (5 * GIB + GIB // 2, "5.5 GiB"),
        (END, "16.0 EiB"),
    ],
)
def test_human(port, size, text):
    """Sizes read in the largest unit that they fill, never rounded up."""
    assert port.eval(f"memmap.human({size})") == text


@QUICK
@given(
    maps(
        [
            0,
            0xA0000 - 80,
            0x100000 - 80,
            1 << 32,
            (1 << 46) - SPAN // 2,
            (1 << 62) - SPAN // 2,
            END - SPAN,
        ]
    )
)
def test_as_the_model_has_it(port, case):
    """Regions, total and find() agree with the strictest kind of every byte."""
    base, regions = case
    kinds = kind_of_bytes(regions, base, min(2 * SPAN, END - base))
    expected = runs(kinds, base)
    assert resolve(port, regions) == expected
    assert port.eval("memmap.total()") == kinds.count(USABLE)
    port.exec(f"found = [memmap.find({base} + i) for i in range({len(kinds)})]")
    assert port.eval("[region and region.kind for region in found]") == kinds


@QUICK
@given(
    maps([4096 - SPAN, REACH - SPAN, 1 << 32]),
    st.lists(st.tuples(st.integers(-10, 2 * SPAN), st.integers(-5, 60)), max_size=8),
    st.integers(0, 2 * SPAN),
)
def test_free_ranges_as_the_model_has_it(port, case, in_use, below):
    """Free is what is usable, not in use, not in the null frame and not out of reach."""
    base, regions = case
    in_use = [(base + offset, base + offset + size) for offset, size in in_use]
    below += base
    load(port, regions)
    kinds = kind_of_bytes(regions, base, 2 * SPAN)
    free = [
        0
        if kind == USABLE
        and 4096 <= base + i < min(below, REACH)
        and not any(start <= base + i < end for start, end in in_use)
        else None
        for i, kind in enumerate(kinds)
    ]
    expected = [(start, end) for start, end, _ in runs(free, base)]
    assert free_ranges(port, in_use, below) == expected
