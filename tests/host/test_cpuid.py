"""cpuid says of a CPU what Linux and Debian's cpuid say."""

import random
import re
import subprocess
from pathlib import Path

from tests.host.cpuid_tool import UNKNOWN, check, named, raw, told, true
from tests.host.frozen import frozen

cpuid = frozen("cpuid")


def registers():
    """(leaf, subleaf, which register, name, first bit, width) of each field and feature."""
    for line in cpuid._BITS.strip().split("\n"):
        key = line.split(" ")[0]
        leaf, subleaf, register = key.split(".")
        for name, bit, width in cpuid._fields(key):
            yield int(leaf, 16), int(subleaf), "abcd".index(register), name, bit, width


FEATURES = [one for one in registers() if not one[5]]


def of(rows):
    """A Cpuid of a table."""
    return cpuid.Cpuid(lambda leaf, subleaf: tuple(rows.get((leaf, subleaf), (0, 0, 0, 0))))


def answers(cpu):
    return {
        "vendor": cpu.vendor,
        "family": cpu.family,
        "model": cpu.model,
        "stepping": cpu.stepping,
        "brand": cpu.brand,
        "features": cpu.features(),
        "topology": cpu.topology(),
        "caches": cpu.caches(),
    }


def nothing(vendor):
    """A table of a CPU that has every leaf, and nothing in it."""
    b, d, c = (int.from_bytes(vendor[at : at + 4], "little") for at in (0, 4, 8))
    rows = {(leaf, subleaf): [0, 0, 0, 0] for leaf, subleaf, *_ in registers()}
    rows[0, 0] = [0x24, b, c, d]
    rows[0x80000000, 0] = [0x80000021, b, c, d]
    rows[7, 0] = [1, 0, 0, 0]
    rows[0xD, 0] = [7, 0, 0, 0]
    return rows


def test_each_feature(tmp_path):
    """Each feature is the bit that the tool knows by such words, of Intel's or of AMD's."""
    tables = []
    for vendor in b"GenuineIntel", b"AuthenticAMD":
        tables.append(nothing(vendor))
        for leaf, subleaf, register, name, bit, _ in FEATURES:
            rows = nothing(vendor)
            rows[leaf, subleaf][register] |= 1 << bit
            assert of(rows).features() == [name]
            assert dict(of(rows).fields(leaf, subleaf))[name] == 1
            tables.append(rows)
    lines = told(tables, tmp_path)
    half = len(lines) // 2
    wrong = []
    for number, (*_, name, _, _) in enumerate(FEATURES, 1):
        found = []
        for start in 0, half:
            base = true(lines[start])
            found += [line for line in true(lines[start + number]) if line not in base]
        if named(name, found) != (name not in UNKNOWN):
            wrong.append((name, found))
    assert wrong == []
    assert len(FEATURES) > 280


def test_names_are_unique():
    """No two features or fields have one name."""
    names = [name for *_, name, _, _ in registers()]
    assert len(names) == len(set(names))


def test_fields():
    """A field is its bits, whatever is beside them."""
    chosen = random.Random(1)
    for leaf, subleaf, register, name, bit, width in registers():
        rows = nothing(b"GenuineIntel")
        if (leaf, subleaf) in ((0, 0), (0x80000000, 0)):
            continue
        word = chosen.getrandbits(32)
        rows[leaf, subleaf][register] = word
        assert bit + max(width, 1) <= 32
        value = dict(of(rows).fields(leaf, subleaf))[name]
        assert value == word >> bit & (1 << max(width, 1)) - 1


def test_this_machine(tmp_path):
    """Of the machine that runs this, the tool says the same, and Linux has found no other."""
    said = subprocess.run(["cpuid", "-1", "-r"], check=True, capture_output=True, text=True).stdout
    rows = raw(said)
    cpu = of(rows)
    check(rows, answers(cpu), tmp_path)
    for leaf, subleaf, row in cpu.leaves():
        assert rows.get((leaf, subleaf), row) == row
    info = Path("/proc/cpuinfo").read_text()
    flags = set(re.search(r"^flags\s*: (.*)$", info, re.M)[1].split())
    # Linux says lfence_rdtsc of all of AMD's on which it has had a register make it so.
    known = {name for *_, name, _, _ in FEATURES} - {"lfence_rdtsc"}
    assert flags & known <= set(cpu.features())
    for name in "family", "model", "stepping":
        found = re.search(rf"^(?:cpu )?{name}\s*: (\d+)$", info, re.M)
        assert int(found[1]) == getattr(cpu, name)
    assert re.search(r"^vendor_id\s*: (.*)$", info, re.M)[1] == cpu.vendor
    assert re.search(r"^model name\s*: (.*)$", info, re.M)[1].strip() == cpu.brand


def test_topology():
    """By leaf 0x1f or 0xb, by AMD's, by Intel's older way, and of a CPU that is alone."""
    rows = nothing(b"GenuineIntel")
    assert of(rows).topology() == (0, 0, 0, 0)
    number = 0b101_10_1_1
    rows[1, 0] = [0, number << 24 | 8 << 16, 0, 1 << 28]
    rows[4, 0] = [3 << 26 | 0x21, 0, 0, 0]
    assert of(rows).topology() == (number, 0b1011, 0b01, 1)
    del rows[4, 0]
    rows[0x80000008, 0] = [0, 0, 3 << 12, 0]
    rows[0x80000001, 0] = [0, 0, 1 << 22, 0]
    rows[0x8000001E, 0] = [0, 1 << 8, 0, 0]
    assert of(rows).topology() == (number, 0b1011, 0b01, 1)
    for leaf in 0xB, 0x1F:
        rows[leaf, 0] = [1, 2, 1 << 8, 0x1234]
        rows[leaf, 1] = [4, 16, 2 << 8 | 1, 0x1234]
        rows[leaf, 2] = [0, 0, 2, 0x1234]
        assert of(rows).topology() == (0x1234, 0x123, 0b010, 0)


def test_caches():
    """Older ones of AMD's say it in other leaves."""
    rows = nothing(b"AuthenticAMD")
    assert of(rows).caches() == []
    rows[0x80000005, 0] = [
        0,
        0,
        64 << 24 | 2 << 16 | 1 << 8 | 64,
        32 << 24 | 4 << 16 | 1 << 8 | 64,
    ]
    rows[0x80000006, 0] = [0, 0, 1024 << 16 | 8 << 12 | 64, 4 << 18 | 13 << 12 | 64]
    assert of(rows).caches() == [
        (1, "data", 64 << 10, 64, 2, 0),
        (1, "instruction", 32 << 10, 64, 4, 0),
        (2, "unified", 1 << 20, 64, 16, 0),
        (3, "unified", 2 << 20, 64, 96, 0),
    ]


def test_caches_by_bytes(tmp_path):
    """Each byte of leaf 2 is the cache that Debian's cpuid says it is, and no other is one."""
    says = (
        r"0x{:02x}: L(\d) (data |instruction )?cache: ([\d.]+)([KM]).*, (\d+)-way.* (\d+)[ -]byte"
    )
    tables = []
    for byte in range(1, 255):
        rows = nothing(b"GenuineIntel")
        rows[2, 0] = [byte << 8 | 1, 0, 0, 0]
        tables.append(rows)
    known = 0
    for byte, (rows, lines) in enumerate(zip(tables, told(tables, tmp_path), strict=True), 1):
        found = re.search(says.format(byte), "\n".join(lines))
        expected = []
        if found:
            level, kind, size, unit, ways, line = found.groups()
            kind = kind.strip() if kind else "instruction" if level == "1" else "unified"
            size = int(float(size) * {"K": 1 << 10, "M": 1 << 20}[unit])
            expected = [(int(level), kind, size, int(line), int(ways), 0)]
            known += 1
        assert of(rows).caches() == expected, hex(byte)
        # A register that says that it has none.
        rows[2, 0] = [1, 1 << 31 | byte, 0, 0]
        assert of(rows).caches() == []
    assert known > 70
    rows = nothing(b"GenuineIntel")
    rows[1, 0] = [0xF60, 0, 0, 0]
    rows[2, 0] = [0x2C490001, 0, 0, 0]
    assert of(rows).caches() == [
        (1, "data", 32 << 10, 64, 8, 0),
        (3, "unified", 4 << 20, 64, 16, 0),
    ]


def test_any_table():
    """Whatever is in the registers, it ends."""
    chosen = random.Random(1)
    for _ in range(50):
        memory = {}

        def read(leaf, subleaf, memory=memory):
            if (leaf, subleaf) not in memory:
                memory[leaf, subleaf] = tuple(
                    chosen.choice((0, 1, 0xFFFFFFFF, chosen.getrandbits(32))) for _ in range(4)
                )
            return memory[leaf, subleaf]

        cpu = cpuid.Cpuid(read)
        answers(cpu)
        assert len(cpu.leaves()) < 65 * 3 * 256


def test_in_micropython(unix_port, tmp_path):
    """The same in MicroPython."""
    rows = nothing(b"GenuineIntel")
    for leaf, subleaf in rows:
        if leaf & 0xFFFF:
            rows[leaf, subleaf] = [0x12345678, 0x89ABCDEF, 0xFFFFFFFF, 0xFEDCBA98]
    unix_port.exec(f"""
import cpuid
rows = {rows!r}
cpu = cpuid.Cpuid(lambda leaf, subleaf: tuple(rows.get((leaf, subleaf), (0, 0, 0, 0))))""")
    cpu = of(rows)
    assert unix_port.eval("cpu.features()") == cpu.features()
    assert unix_port.eval("cpu.fields(0x80000008)") == [list(f) for f in cpu.fields(0x80000008)]
    assert unix_port.eval("cpu.caches()") == [list(one) for one in cpu.caches()]
    assert unix_port.eval("cpu.topology()") == list(cpu.topology())
