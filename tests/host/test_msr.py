"""msr reads registers by name, and tells what differs; mtrr says what memory is."""

import contextlib
import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.frozen import frozen

msr = frozen("msr")
mtrr = frozen("mtrr")


def of(values):
    """The registers of a table; any other is not there."""

    def read(number):
        if number not in values:
            raise OSError(number)
        return values[number]

    return msr.Msrs(read)


def test_names():
    """Each name and number is there once, and no fields of a register lie on each other."""
    found = msr.names()
    assert len({number for number, _ in found}) == len({name for _, name in found}) == len(found)
    for _, _, fields in msr._lines():
        used = 0
        for field in fields:
            _, bit, width, _ = msr._split(field)
            mask = (1 << width) - 1 << bit
            assert not used & mask and mask < 1 << 64
            used |= mask


def test_read():
    """By name and by number; None where there is none, ValueError for a name that is none."""
    one = of({0x1B: 0xFEE00900, 0x123456: 7})
    assert one.read("APIC_BASE") == one.read(0x1B) == 0xFEE00900
    assert one.fields("APIC_BASE") == [
        ("bsp", 1),
        ("x2apic", 0),
        ("enabled", 1),
        ("base", 0xFEE00),
    ]
    assert one.read(0x123456) == 7
    assert one.fields(0x123456) == []
    assert one.read("EFER") is None
    assert one.fields("EFER") is None
    with pytest.raises(ValueError, match="NOTHING: no register"):
        one.read("NOTHING")


def shown(one, *arguments):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        one.show(*arguments)
    return text.getvalue().splitlines()


def test_show():
    """Those that are there with their fields, and the names of those that are not."""
    one = of({0xFE: 0x502, 0xC0000080: 0xD01, 0x200: 6, 0x201: 0x800})
    lines = shown(one)
    assert lines[:2] == [
        "      fe  MTRRCAP              0000000000000502",
        "          variable=2 fixed=1 write_combining=1 smrr=0",
    ]
    assert (
        "          syscall=1 long_mode=1 long_mode_active=1 no_execute=1 svm=0 fast_fxsave=0"
        in (lines)
    )
    missing = lines[-1].split()
    assert missing[:3] == ["not", "there:", "TIME_STAMP_COUNTER"]
    # Of the variable ranges those that the CPU has.
    assert "MTRR_PHYSMASK1" in missing and "MTRR_PHYSBASE2" not in missing
    assert shown(one, "EFER") == [line for line in lines if "EFER" in line or "syscall" in line]
    assert shown(one, "PAT") == ["not there: PAT"]


def test_compare():
    """What should be the same and is not; not what is each CPU's own, nor the bits that are."""
    same = {0x1B: 0xFEE00900, 0x277: 0x0007010600070106, 0x10: 1, 0xC0000080: 0xD01}
    other = dict(same)
    other[0x1B] ^= 1 << 8
    other[0x10] = 2
    assert msr.compare([of(same), of(other)]) == []
    other[0x1B] ^= 1 << 11
    other[0x277] += 1
    del other[0xC0000080]
    assert msr.compare([of(same), of(other), of(same)]) == [
        (0x1B, "APIC_BASE", (0xFEE00900, 0xFEE00000, 0xFEE00900)),
        (0x277, "PAT", (same[0x277], other[0x277], same[0x277])),
        (0xC0000080, "EFER", (0xD01, None, 0xD01)),
    ]
    # One that only the second has.
    assert msr.compare([of({}), of({0x277: 1})]) == [(0x277, "PAT", (None, 1))]


def test_energy():
    """In the unit that the CPU says: Intel's and AMD's; nothing where it has none."""
    assert of({}).energy() == {}
    assert of({0x606: 0}).energy() == {}
    intel = of({0x606: 0xA0E03, 0x611: 3 << 14, 0x619: (1 << 32) + 1})
    assert intel.energy() == {"package": 3.0, "memory": 2**-14}
    amd = of({0xC0010299: 0xA1003, 0xC001029A: 1 << 16, 0xC001029B: 1 << 15})
    assert amd.energy() == {"core": 1.0, "package": 0.5}


TYPES = st.sampled_from([0, 1, 4, 5, 6])


@st.composite
def ranges(draw):
    """Registers of a CPU with 36 bits of address."""
    values = {0xFE: 0x508, 0x2FF: draw(st.sampled_from([0xC00, 0x800, 0xC06, 0x806, 0x406]))}
    for number in (0x250, 0x258, 0x259, *range(0x268, 0x270)):
        values[number] = sum(draw(TYPES) << 8 * i for i in range(8))
    for i in range(8):
        shift = draw(st.integers(12, 35))
        base = draw(st.integers(0, (1 << 36 - shift) - 1)) << shift
        valid = draw(st.booleans())
        values[0x200 + 2 * i] = base | draw(TYPES)
        values[0x201 + 2 * i] = (1 << 36) - (1 << shift) | valid << 11
    return values


def expected(values, addr):
    """The memory type of an address, as SDM 3A 12.11 has it."""
    control = values[0x2FF]
    if not control & 0x800:
        return 0
    if control & 0x400 and addr < 0x100000:
        if addr < 0x80000:
            number, shift = 0x250, 16
        elif addr < 0xC0000:
            number, shift = (0x258 if addr < 0xA0000 else 0x259), 14
        else:
            number, shift = 0x268 + (addr - 0xC0000 >> 15), 12
        return values[number] >> 8 * (addr >> shift & 7) & 0xFF
    found = set()
    for i in range(8):
        base, mask = values[0x200 + 2 * i], values[0x201 + 2 * i]
        if mask & 0x800 and addr & mask >> 12 << 12 == base & mask >> 12 << 12:
            found.add(base & 0xFF)
    if not found:
        return control & 0xFF
    if 0 in found:
        return 0
    if len(found) == 1:
        return found.pop()
    return 4 if found == {4, 6} else None


@given(ranges(), st.integers(0, (1 << 36) - 1), st.integers(0, (1 << 20) - 1))
def test_memory_types(values, addr, low):
    """Each address has the type that the registers say, and is in the one range that has it."""
    one = mtrr.Mtrrs(values.get, 36)
    found = one.ranges()
    assert found[0][0] == 0 and found[-1][1] == 1 << 36
    for before, after in zip(found, found[1:], strict=False):
        assert before[1] == after[0] and before[2] != after[2]
    edges = [edge for start, end, _ in found for edge in (start, end - 1)]
    for at in (addr, low, *edges):
        assert one.type(at) == expected(values, at)
        assert [type for start, end, type in found if start <= at < end] == [expected(values, at)]


def test_odd_ranges():
    """No MTRRs at all; a mask with holes has types, but no ranges that could be told."""
    assert mtrr.Mtrrs({}.get, 36).ranges() == [(0, 1 << 36, mtrr.WRITE_BACK)]
    values = {0xFE: 1, 0x2FF: 0x800, 0x200: 0x1006, 0x201: 0xFFFFF5800}
    one = mtrr.Mtrrs(values.get, 36)
    assert [one.type(at) for at in (0x1000, 0x3000, 0x9000, 0xB000, 0x5000)] == [6, 6, 6, 6, 0]
    with pytest.raises(ValueError, match="holes"):
        one.ranges()


# SDM 3A, table 12-7: a row is the MTRRs' type, a column the page's.
COMBINED = """
    UC UC- WC WT WB WP
UC  UC UC  WC UC UC UC
WC  UC WC  WC UC WC UC
WT  UC UC  WC WT WT WP
WB  UC UC  WC WT WB WP
WP  UC WC  WC WT WP WP
"""


def test_combined():
    """A range's type and a page's together."""
    numbers = {"UC": 0, "WC": 1, "WT": 4, "WP": 5, "WB": 6, "UC-": 7}
    head, *rows = [line.split() for line in COMBINED.strip().splitlines()]
    for row, *cells in rows:
        for column, cell in zip(head, cells, strict=True):
            assert mtrr.combine(numbers[row], numbers[column]) == numbers[cell], (row, column)
    assert mtrr.name(6) == "write-back" and mtrr.name(2) == "reserved 2"
    assert mtrr.name(9) == "reserved 9"


def test_in_micropython(unix_port):
    """The same in MicroPython."""
    chosen = random.Random(1)
    values = {number: chosen.getrandbits(64) for number, _ in msr.names()}
    values[0xFE] = 0x508
    unix_port.exec(f"""
import msr, mtrr
values = {values!r}
def read(number):
    return values[number]
one = msr.Msrs(read)
two = mtrr.Mtrrs(values.get, 46)""")
    one = of(values)
    for name in "APIC_BASE", "PAT", "EFER", "MTRR_PHYSBASE3", 0x26F:
        assert unix_port.eval(f"one.fields({name!r})") == [list(f) for f in one.fields(name)]
    two = mtrr.Mtrrs(values.get, 46)
    for addr in [chosen.getrandbits(46) for _ in range(50)] + [0, 0x9FFFF, 0xFFFFF]:
        assert unix_port.eval(f"two.type({addr})") == two.type(addr)
