"""The rooms of port/: what each may include."""

import re
from pathlib import Path

import pytest

PORT = Path(__file__).resolve().parents[2] / "port"

# Which rooms each room may include from, besides its own. "port" is port/ itself.
MAY_INCLUDE = {
    "boot": set(),
    "cpu": {"boot"},
    "firmware": {"boot", "cpu"},
    "frames": set(),
    "memory": {"boot", "cpu", "frames"},
    "devices": {"boot", "cpu", "firmware", "frames", "memory"},
    "net": {"boot", "cpu", "firmware", "frames", "memory", "devices"},
}
MAY_INCLUDE["mpy"] = MAY_INCLUDE["port"] = {*MAY_INCLUDE, "mpy", "port"}
# A leaf that everybody may call, and a font, which is data only.
LEAVES = {"panic.h", "extmod/font_petme128_8x8.h"}
# The module's Python face, in a room that knows nothing of Python otherwise.
PYTHON_FACES = {"frames/modframes.c", "frames/modframes.h"}
# Headers of MicroPython's and Mbed TLS's, of the build's and of the board's.
UPSTREAM = {"py", "extmod", "shared", "lib", "genhdr", "mbedtls"}
OTHERS = {"mpconfigboard.h"}
# Of lwIP's, for the room that is about it and what is above.
LWIP = {"lwip", "netif"}

INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def room_of(path):
    return path.parts[0] if len(path.parts) > 1 else "port"


def read_includes(port):
    """For each source of the port the headers that it names, as paths inside the port where they
    are the port's own."""
    includes = {}
    for path in sorted(port.rglob("*.[chS]")):
        name = path.relative_to(port)
        found = set()
        for target in INCLUDE.findall(path.read_text()):
            beside = name.parent / target
            found.add(beside.as_posix() if (port / beside).is_file() else target)
        includes[name.as_posix()] = found
    return includes


def wrong_arrows(port, includes):
    """Every include from a lower room to a higher one."""
    wrong = []
    for name, targets in includes.items():
        room = room_of(Path(name))
        for target in targets - LEAVES:
            if (port / target).is_file():
                other = room_of(Path(target))
                allowed = other == room or other in MAY_INCLUDE[room]
            else:
                upstream = Path(target).parts[0] in UPSTREAM or target in OTHERS
                allowed = upstream and (room in ("mpy", "port") or name in PYTHON_FACES)
                allowed |= Path(target).parts[0] in LWIP and room in ("net", "mpy")
            if not allowed:
                wrong.append(f"{name} includes {target}")
    return wrong


def find_circle(includes):
    """Headers that include each other, as a list that ends with its first; or None."""
    done = set()

    def visit(name, path):
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return None
        for target in sorted(includes.get(name, ())):
            circle = visit(target, [*path, name])
            if circle:
                return circle
        done.add(name)
        return None

    for name in includes:
        circle = visit(name, [])
        if circle:
            return circle
    return None


def test_every_folder_is_a_room():
    """A folder of sources in port/ that this test does not know is none of the rooms."""
    assert {room_of(Path(name)) for name in read_includes(PORT)} == set(MAY_INCLUDE)


def test_no_arrow_points_up():
    """No file includes a header from a higher room, nor MicroPython's where they are not known."""
    assert wrong_arrows(PORT, read_includes(PORT)) == []


def test_no_circle():
    """No header includes itself by way of others."""
    assert find_circle(read_includes(PORT)) is None


@pytest.fixture
def planted(tmp_path):
    """A port with one good arrow, to which a test adds a bad one."""

    def plant(**files):
        files = {"boot/entry.h": "", "cpu/io.h": '#include "boot/entry.h"\n', **files}
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    return plant


@pytest.mark.parametrize(
    "name, text",
    [
        ("boot/handoff.c", '#include "cpu/io.h"\n'),
        ("cpu/trap.c", '#include "../boot/entry.h"\n  # include "mpy/fault.h"\n'),
        ("devices/vga.c", '#include "py/obj.h"\n'),
        ("frames/frames.c", '#include "cpu/io.h"\n'),
        ("memory/space.c", '#include "devices/uart.h"\n'),
    ],
)
def test_planted_arrow_is_found(planted, name, text):
    """Each kind of arrow upwards is seen."""
    port = planted(**{name: text, "mpy/fault.h": "", "devices/uart.h": ""})
    assert len(wrong_arrows(port, read_includes(port))) >= 1


def test_planted_circle_is_found(planted):
    """A circle of three headers is seen, also where they name each other without a folder."""
    port = planted(
        **{
            "cpu/a.h": '#include "b.h"\n',
            "cpu/b.h": '#include "cpu/c.h"\n',
            "cpu/c.h": '#include "cpu/a.h"\n',
        }
    )
    assert wrong_arrows(port, read_includes(port)) == []
    assert find_circle(read_includes(port)) == ["cpu/a.h", "cpu/b.h", "cpu/c.h", "cpu/a.h"]
