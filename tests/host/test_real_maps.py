"""Memory maps of real machines, where there are any, from the loader's bytes to the frames."""

import json
from pathlib import Path

import pytest

from tests.host.test_bootinfo import END, MULTIBOOT2, PVH, Arena, Pvh, map_tag, tags

CORPUS = Path(__file__).resolve().parents[2].parent / "shared/corpus/memory-maps.json"
FRAME = 4096
VIDEO = range(0xA0000, 0x100000)  # No map is believed that calls it usable.
REACH = 1 << 46
STRICTER = {1: 0, 7: 1, 3: 2, 4: 3, 2: 4, 5: 5}


@pytest.fixture(scope="module")
def maps():
    if not CORPUS.exists():
        pytest.skip(f"no {CORPUS}")
    return json.loads(CORPUS.read_text())


@pytest.fixture(scope="module")
def arena(unix_port):
    made = Arena(unix_port)
    unix_port.exec("import frames")
    return made


def usable(regions, in_use):
    """The whole frames that a map gives, without what is in use: (first, end) in frames."""
    regions = [(start, size, kind) for start, size, kind in regions if size]
    ends = {e for start, size, _ in regions for e in (start, start + size)}
    ends |= {e for used in in_use for e in used} | {FRAME, VIDEO.start, VIDEO.stop, REACH}
    runs = []
    ends = sorted(ends)
    for start, end in zip(ends, ends[1:], strict=False):
        kinds = {k if k in STRICTER else 2 for s, size, k in regions if s <= start < s + size}
        good = kinds and max(kinds, key=STRICTER.get) == 1 and FRAME <= start < REACH
        if good and start not in VIDEO and not any(a <= start < b for a, b in in_use):
            if runs and runs[-1][1] == start:
                runs[-1][1] = end
            else:
                runs.append([start, end])
    whole = [(-(-start // FRAME), end // FRAME) for start, end in runs]
    return [(first, end) for first, end in whole if first < end]


def test_every_map(arena, maps):
    """As PVH and as Multiboot2: exactly the usable frames of the map can be had, and go back."""
    port = arena.port
    for machine in maps:
        # What the loader hands over lies in memory, too.
        regions = [(start, end - start, kind) for start, end, kind in machine["regions"]]
        regions.append(arena.region)
        for loader, content in (
            (PVH, Pvh(arena, regions).content),
            (MULTIBOOT2, tags(map_tag(regions), END)),
        ):
            record = arena.take(loader, content)
            want = usable(regions, record["in_use"])
            port.exec("frames.deinit()\nranges = memmap.free_ranges(bootinfo.in_use)")
            if not want:  # There is a map with one page, at 0.
                with pytest.raises(port.Failed, match="no range has room"):
                    port.exec("frames.init(ranges)")
                continue
            port.exec("frames.init(ranges)\nassert frames.check()\nbefore = frames.stats()")
            total, taken, free = port.eval("(before.total, before.metadata_frames, before.free)")
            assert total == free, machine["label"]
            assert total + taken == sum(end - first for first, end in want), machine["label"]
            # The first and the last frame of each piece, one at a time and then all the rest.
            port.exec(
                """
from array import array
got = array("Q", bytes(8 * min(before.free, 3000)))
frames.fill(got)
big = []
try:
    while len(big) < 300:
        big.append(frames.alloc(512, 2 << 20))
except MemoryError:
    pass
frames.check()
"""
            )
            for addr in port.eval("list(got)[::97]"):
                assert any(f <= addr // FRAME < e for f, e in want), (machine["label"], hex(addr))
            for addr in port.eval("big"):
                first = addr // FRAME
                assert any(f <= first and first + 512 <= e for f, e in want), machine["label"]
            port.exec("frames.drain(got)\nfor a in big: frames.free(a, 512)")
            for first, end in want:
                for frame in (first - 1, end):
                    port.exec(
                        f"try: frames.free({frame * FRAME})\nexcept ValueError: pass\nelse: x"
                    )
            port.exec("assert frames.stats() == before and frames.check()")
    port.exec("frames.deinit()")
