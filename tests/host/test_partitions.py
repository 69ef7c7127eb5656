"""Partition tables are read as sfdisk and sgdisk make them; damaged ones never lead outside."""

import json
import random
import struct
import subprocess
import uuid
import zlib

import pytest

from tests.host.frozen import frozen

tables = frozen("_partitions")

MIB = 1 << 20


class Image:
    """A disk of bytes, which refuses and counts what its driver would."""

    def __init__(self, data, sector=512):
        self.data = data
        self.size = len(data)
        self.sector = self.block_size = sector
        self.reads = 0

    def readblocks(self, block, buf, offset=0):
        at = block * self.block_size + offset
        assert block >= 0 and 0 <= offset and at + len(buf) <= self.size
        self.reads += 1
        buf[:] = self.data[at : at + len(buf)]


def command(*words, typed=None):
    done = subprocess.run(
        [str(word) for word in words], input=typed, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def image(tmp_path):
    def image(script=None, size=24 * MIB, arguments=()):
        """A disk made by sfdisk from this script, or by sgdisk with these arguments."""
        path = tmp_path / "image"
        path.unlink(missing_ok=True)
        with open(path, "wb") as file:
            file.truncate(size)
        if script is not None:
            command("/usr/sbin/sfdisk", path, typed=script)
        if arguments:
            command("/usr/sbin/sgdisk", *arguments, path)
        return path

    return image


def same_as_sfdisk(path):
    """What sfdisk says is in it, and what we say, are the same; returns the table."""
    table = tables.read(Image(bytearray(path.read_bytes())))
    text = command("/usr/sbin/sfdisk", "--json", path)
    want = json.loads(text)["partitiontable"]
    assert table.kind == {"gpt": "GPT", "dos": "MBR"}[want["label"]]
    assert table.guid == want["id"].removeprefix("0x").lower()
    assert table.problems == []
    rows = []
    for row in want["partitions"]:
        number = int(row["node"].removeprefix(str(path)))
        if table.kind == "MBR" and row["type"] in ("5", "f", "85"):
            continue
        guid = row["uuid"].lower() if table.kind == "GPT" else f"{table.guid}-{number:02x}"
        start, size = row["start"] * 512, row["size"] * 512
        rows.append((number, start, size, row.get("name", ""), guid))
    assert [(e.number, e.start, e.size, e.label, e.guid) for e in table.entries] == rows
    return table


@pytest.mark.parametrize("label", ["dos", "gpt"])
def test_random(image, label):
    """Tables made at random by sfdisk are read as it reads them, logical partitions too."""
    chance = random.Random(label)
    for _ in range(3):
        lines = [f"label: {label}"]
        count = chance.randint(1, 4) if label == "dos" else chance.randint(1, 20)
        extended = label == "dos" and chance.random() < 0.7
        at = 2048
        for index in range(count):
            size = chance.randint(1, 1024)
            if extended and index == count - 1:
                lines.append(f"start={at}, type=5")
                for logical in range(5, 5 + chance.randint(1, 10)):
                    lines.append(f"{logical}: size={chance.randint(1, 1024)}, type=83")
                break
            name = "".join(chance.choice("abcäö☺ _") for _ in range(chance.randint(1, 20))).strip()
            lines.append(
                f"start={at}, size={size}"
                + (
                    f', name="{name}"'
                    if label == "gpt" and name
                    else ", type=c" * (label == "dos")
                )
            )
            at += size + chance.randint(0, 3) * 512
        table = same_as_sfdisk(image("\n".join(lines)))
        assert table.entries or extended


def test_sgdisk(image):
    """A GPT of sgdisk's, with gaps in its numbers, kinds and more entries than usual."""
    path = image(
        arguments=("-S", 256, "-n", "3:0:+8M", "-t", "3:ef00", "-c", "3:boot", "-n", "200:0:+1M")
    )
    table = same_as_sfdisk(path)
    assert [(e.number, e.kind) for e in table.entries] == [(3, "EFI system"), (200, "Linux")]


def test_backup(image):
    """Where the first GPT is damaged the backup is used, and that is said."""
    path = image(arguments=("-n", "1:0:+8M", "-c", "1:one"))
    data = bytearray(path.read_bytes())
    good = same_as_sfdisk(path)
    last = len(data) - 512
    for at, text in (
        (512 + 20, "the first GPT: its header's checksum is wrong"),
        (512, "the first GPT: there is none at sector 1"),
        (1024 + 40, "the first GPT: its entries' checksum is wrong"),
        (last + 50, "the backup GPT: its header's checksum is wrong"),
        (last, f"the backup GPT: there is none at sector {last // 512}"),
        (510, "the protective MBR is damaged"),
    ):
        data[at] ^= 0x40
        table = tables.read(Image(data))
        data[at] ^= 0x40
        assert table.entries == good.entries and table.problems == [text]
    data[512] ^= 1
    data[last] ^= 1
    table = tables.read(Image(data))
    assert table.entries == () and len(table.problems) == 2
    data[510] = 0
    assert tables.read(Image(data)) is None


def gpt(entries, sectors, first=34, last=None, step=128, count=128, sector=512):
    """A disk with a GPT of these (first, last), and no backup."""
    data = bytearray(sectors * sector)
    data[446:462] = struct.pack("<8B2I", 0, 0, 2, 0, 0xEE, 0xFF, 0xFF, 0xFF, 1, sectors - 1)
    data[510:512] = b"\x55\xaa"
    table = b"".join(
        struct.pack("<16s16s3Q", b"\1" * 16, bytes([n]) * 16, one, end, 0).ljust(step, b"\0")
        for n, (one, end) in enumerate(entries)
    ).ljust(step * count, b"\0")
    data[2 * sector : 2 * sector + len(table)] = table
    header = struct.pack(
        "<8s4I4Q16sQ3I",
        b"EFI PART",
        0x10000,
        92,
        0,
        0,
        1,
        sectors - 1,
        first,
        sectors - 34 if last is None else last,
        uuid.uuid4().bytes,
        2,
        count,
        step,
        zlib.crc32(table),
    )
    data[sector : sector + 92] = header[:16] + struct.pack("<I", zlib.crc32(header)) + header[20:]
    return data


@pytest.mark.parametrize(
    "entries, left, text",
    [
        ([(34, 40), (40, 50), (60, 70)], [3], "partitions 1 and 2 overlap"),
        ([(34, 100), (40, 41), (60, 70)], [], "partitions 1 and 3 overlap"),
        ([(34, 40), (50, 45)], [1], "partition 2 lies outside of the usable sectors"),
        ([(33, 40), (41, 41)], [2], "partition 1 lies outside of the usable sectors"),
        ([(50, 1991)], [], "partition 1 lies outside of the usable sectors"),
        ([(50, 1 << 63)], [], "partition 1 lies outside of the usable sectors"),
        ([((1 << 64) - 1, (1 << 64) - 1)], [], "partition 1 lies outside of the usable sectors"),
    ],
)
def test_entries_left_out(entries, left, text):
    """Entries outside of the disk, or that share a sector, are left out, with the reason."""
    table = tables.read(Image(gpt(entries, 2024)))
    assert [e.number for e in table.entries] == left
    assert text in table.problems


def test_large_sectors():
    """On a disk with sectors of 4 KiB all numbers are of those."""
    disk = Image(gpt([(34, 40), (100, 1900)], 2024, sector=4096), 4096)
    assert [(e.start, e.size) for e in tables.read(disk).entries] == [
        (34 * 4096, 7 * 4096),
        (100 * 4096, 1801 * 4096),
    ]
    disk = Image(mbr([(0x83, 1, 2)], bytearray(100 * 4096)), 4096)
    assert tables.read(disk).entries[0][2:4] == (4096, 8192)


@pytest.mark.parametrize(
    "options, text",
    [
        ({"last": 2024}, "it is made for a larger disk"),
        ({"first": 1 << 63}, "it is made for a larger disk"),
        ({"step": 136 - 4, "count": 10}, "it has 10 entries of 132 bytes"),
        ({"step": 64, "count": 10}, "it has 10 entries of 64 bytes"),
        ({"count": 0}, "it has 0 entries of 128 bytes"),
    ],
)
def test_impossible_header(options, text):
    """A header with right checksums that says what cannot be is refused."""
    table = tables.read(Image(gpt([], 2024, **options)))
    assert table.entries == () and table.problems[0] == f"the first GPT: {text}"


def mbr(rows, data=None, at=0):
    data = bytearray(2024 * 512) if data is None else data
    for index, (kind, start, count) in enumerate(rows):
        place = at * 512 + 446 + 16 * index
        data[place : place + 16] = struct.pack("<8B2I", 0, 0, 0, 0, kind, 0, 0, 0, start, count)
    data[at * 512 + 510 : at * 512 + 512] = b"\x55\xaa"
    return data


def test_chain():
    """A chain that goes in a circle, leaves its partition or breaks off ends."""
    data = mbr([(0x83, 1, 99), (5, 100, 1000)])
    mbr([(0x83, 1, 10), (5, 200, 100)], data, 100)
    mbr([(0x83, 1, 10), (5, 100, 100)], data, 300)
    mbr([(0x83, 1, 10), (5, 200, 100)], data, 200)
    table = tables.read(Image(data))
    assert [e.number for e in table.entries] == [1, 5, 6, 7]
    assert table.problems == ["the chain of logical partitions does not end"]
    mbr([(0x83, 1, 10), (5, 1000, 100)], data, 300)
    problems = tables.read(Image(data)).problems
    assert problems == ["the chain of logical partitions leaves their partition"]
    mbr([(0x83, 1, 10), (5, 400, 100)], data, 300)
    problems = tables.read(Image(data)).problems
    assert problems == ["the chain of logical partitions is broken at sector 500"]
    mbr([(0x83, 0, 10), (0, 0, 0)], data, 300)
    table = tables.read(Image(data))
    assert len(table.entries) == 3
    mbr([(0x83, 900, 1000), (0, 0, 0)], data, 300)
    table = tables.read(Image(data))
    assert table.problems == ["partition 6 lies outside of the extended one"]


def test_boot_sector_is_no_table(tmp_path):
    """A FAT on a whole disk is no partition table, whatever lies where its entries would."""
    path = tmp_path / "fat"
    with open(path, "wb") as file:
        file.truncate(8 * MIB)
    command("/usr/sbin/mkfs.fat", path)
    data = bytearray(path.read_bytes())
    assert tables.read(Image(data)) is None
    assert tables.read(Image(mbr([(0x65, 0x20746F62, 0x6C696166)], data)), True) is None
    assert tables.read(Image(mbr([(0x0C, 64, 1000)], data)), True).entries


def test_damaged(image):
    """Tables damaged at random are read or not; nothing outside is asked for, all ends soon."""
    chance = random.Random(7)
    scripts = (
        "label: gpt\n" + "size=1MiB\n" * 8,
        "label: dos\nsize=1MiB\nsize=1MiB\nsize=1MiB\ntype=5\n" + "size=1MiB\n" * 9,
    )
    for script in scripts:
        data = bytearray(image(script).read_bytes())
        places = [at for at in range(0, len(data), 512) if any(data[at : at + 512])]
        whole = {at: data[at : at + 512] for at in places}
        used = 0
        for _ in range(1000):
            for _ in range(chance.randint(1, 6)):
                at = chance.choice(places)
                at += chance.choice([chance.randrange(512), 446 + chance.randrange(66)])
                data[at] = chance.choice([0, 0xFF, chance.randrange(256)])
            if chance.random() < 0.3:
                # A header that has a right checksum all the same.
                at = chance.choice([512, len(data) - 512])
                data[at + 16 : at + 20] = bytes(4)
                crc = zlib.crc32(data[at : at + 92])
                data[at + 16 : at + 20] = struct.pack("<I", crc)
            disk = Image(data)
            table = tables.read(disk)
            assert disk.reads < 400
            end = 0
            for entry in sorted(table.entries if table else (), key=lambda e: e.start):
                assert end <= entry.start < entry.start + entry.size <= disk.size
                end = entry.start + entry.size
                used += 1
            for at, sector in whole.items():
                data[at : at + 512] = sector
        assert used > 1000
