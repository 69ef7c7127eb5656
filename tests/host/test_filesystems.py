"""File systems of other tools are read here and the other way, and damaged ones do no harm."""

import subprocess

import pytest
from littlefs import LittleFS

from tests.host.conftest import HOST

MIB = 1 << 20
DATA = bytes(range(256)) * 100


def command(*words, status=(0,)):
    done = subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, timeout=30
    )
    assert done.returncode in status, done.stdout + done.stderr
    return done.stdout


def empty(path, size):
    with open(path, "wb") as file:
        file.truncate(size)
    return path


@pytest.fixture
def port(large_unix_port):
    """The unix port with disks in it, of which there is none."""
    large_unix_port.exec(f"""
import sys
if {str(HOST / "disk")!r} != sys.path[0]:
    sys.path.insert(0, {str(HOST / "disk")!r})
import _block, disks, os, vfs
for fs, path in vfs.mount():
    if path != "/":
        vfs.umount(path)
_block.devices.clear()
disks._disks.clear()
""")
    return large_unix_port


@pytest.mark.parametrize("bits, size", [(12, 2), (16, 8), (32, 34)])
def test_fat(port, tmp_path, bits, size):
    """FAT of mkfs.fat's is read and written, to fsck's content, and mtools find what is new."""
    path = empty(tmp_path / "image", size * MIB)
    command("/usr/sbin/mkfs.fat", "-F", bits, "-s", 1, "-n", "SOME DATA", path)
    (tmp_path / "data").write_bytes(DATA)
    command("mmd", "-i", path, "::/folder")
    command("mcopy", "-i", path, tmp_path / "data", "::/folder/a long name.bin")
    port.exec(f"_block.Device({str(path)!r})\ndisk = disks.find('LABEL=SOME DATA')")
    assert port.eval("disk.name, disk.filesystem()") == ["disk0", [f"fat{bits}", "SOME DATA"]]
    port.exec("""
path = disks.mount(disk)
with open(path + "/folder/a long name.bin", "rb") as file:
    data = file.read()
os.mkdir(path + "/new")
with open(path + "/new/an even longer name", "wb") as file:
    file.write(bytes(reversed(data)))
vfs.umount(path)
disk.ioctl(3, 0)
""")
    assert port.eval(f"data == {DATA!r}")
    command("/usr/sbin/fsck.fat", "-n", path)
    command("mcopy", "-i", path, "::/new/an even longer name", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == DATA[::-1]


@pytest.mark.parametrize("size, kind", [(2, "fat12"), (12, "fat16")])
def test_format_fat(port, tmp_path, size, kind):
    """A FAT made here, in a partition, is in order to fsck.fat."""
    path = empty(tmp_path / "image", (size + 2) * MIB)
    command("/usr/sbin/sgdisk", "-n", "1:2048:+%dM" % size, "-c", "1:data", path)
    port.exec(f"_block.Device({str(path)!r})\ndisks.find('data').format('fat')")
    port.exec("path = disks.mount('data')\nwith open(path + '/file', 'w') as f: f.write('text')")
    port.exec("vfs.umount(path)\n_block.Block(0).ioctl(3, 0)")
    assert port.eval("disks.find('data').filesystem()[0]") == kind
    part = tmp_path / "part"
    with open(path, "rb") as file:
        file.seek(MIB)
        part.write_bytes(file.read(size * MIB))
    command("/usr/sbin/fsck.fat", "-n", part)


@pytest.mark.parametrize("block_size, count", [(512, 300), (4096, 64), (65536, 8)])
def test_littlefs(port, tmp_path, block_size, count):
    """LittleFS goes both ways, with its own block size and size."""
    path = tmp_path / "image"
    there = LittleFS(block_size=block_size, block_count=count)
    there.mkdir("/folder")
    with there.open("/folder/data", "wb") as file:
        file.write(DATA)
    path.write_bytes(bytes(there.context.buffer) + bytes(8192))
    port.exec(f"_block.Device({str(path)!r})\npath = disks.mount('disk0')")
    port.exec("""
with open(path + "/folder/data", "rb") as file:
    data = file.read()
with open(path + "/new", "wb") as file:
    file.write(bytes(reversed(data)))
vfs.umount(path)
disks.find("disk0").ioctl(3, 0)
""")
    assert port.eval(f"data == {DATA!r}")
    there.context.buffer[:] = path.read_bytes()[: block_size * count]
    there = LittleFS(context=there.context, block_size=block_size, block_count=count, mount=False)
    there.mount()
    with there.open("/new", "rb") as file:
        assert file.read() == DATA[::-1]
    assert path.read_bytes()[block_size * count :] == bytes(8192)


def test_format_littlefs(port, tmp_path):
    """A LittleFS made here is one to littlefs-python, and reaches to the end of its partition."""
    path = empty(tmp_path / "image", 4 * MIB)
    port.exec(f"_block.Device({str(path)!r})\ndisk = disks.find('disk0')")
    for block_size in (4096, 512, 16384):
        port.exec(f"disk.format('littlefs', {block_size})\npath = disks.mount(disk)")
        port.exec("with open(path + '/file', 'w') as file: file.write('text')")
        port.exec("vfs.umount(path)\ndisk.ioctl(3, 0)")
        there = LittleFS(block_size=block_size, block_count=4 * MIB // block_size, mount=False)
        there.context.buffer[:] = path.read_bytes()
        there.mount()
        with there.open("/file", "r") as file:
            assert file.read() == "text"
    for size in (0, 100, 1000, 256, 3072, 1 << 22, 1 << 70):
        with pytest.raises(port.Failed) as info:
            port.exec(f"disk.format('littlefs', {size})")
        assert info.value.kind == "OSError"


@pytest.mark.parametrize("block_size", [512, 4096])
def test_old_littlefs(port, tmp_path, block_size):
    """One that has been written so often that its superblock lies elsewhere is known, too."""
    path = empty(tmp_path / "image", 64 * block_size)
    port.exec(f"""
_block.Device({str(path)!r})
disk = disks.find("disk0")
disk.format("littlefs", {block_size})
disks.mount(disk)
known = 0
for turn in range(800):
    with open("/disk0/file%d" % (turn % 7), "w") as file:
        file.write("text" * (turn % 50))
    known += disk.filesystem() == ("littlefs", "")
""")
    assert port.eval("known") == 800


def test_nothing_is_written(port, tmp_path):
    """Looking, mounting read-only and what is refused writes nothing to a disk."""
    path = empty(tmp_path / "image", 8 * MIB)
    command("/usr/sbin/mkfs.fat", path)
    whole = path.read_bytes()
    port.exec(f"_block.Device({str(path)!r}, readonly=True)\ndisk = disks.find('disk0')")
    for what in ("disk.format('fat')", "open('/disk0/new', 'w')", "os.mkdir('/disk0/new')"):
        if what.startswith("open"):
            port.exec("disks.mount(disk)")
        with pytest.raises(port.Failed, match="30"):
            port.exec(what)
    assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "head, text",
    [
        (b"\xeb\x76\x90EXFAT   ", "disk0: exFAT is not built in; FAT32 is"),
        (b"", "disk0: there is no file system on it"),
        (b"\0" * 8 + b"littlefs", "disk0: LittleFS in blocks of 0 bytes"),
        (
            b"\xd2\xcd1\xff\xff\x7f",
            "disk0: the romfs on it has 2097157 bytes, and it itself 1048576",
        ),
        (b"\xd2\xcd1\x04\x05\x02\x05\x01", "disk0: the ROMFS on it is damaged"),
    ],
)
def test_refused(port, tmp_path, head, text):
    """What cannot be mounted is an OSError that says why."""
    path = empty(tmp_path / "image", MIB)
    data = bytearray(path.read_bytes())
    data[: len(head)] = head
    data[510:512] = b"\x55\xaa"
    path.write_bytes(data)
    port.exec(f"_block.Device({str(path)!r})")
    with pytest.raises(port.Failed) as info:
        port.exec("disks.mount('disk0')")
    assert info.value.kind == "OSError" and text in info.value.message


def test_two_at_once(port, tmp_path):
    """What is mounted is neither mounted again nor formatted, unless both only read."""
    path = empty(tmp_path / "image", MIB)
    port.exec(f"_block.Device({str(path)!r})\ndisk = disks.find('disk0')\ndisk.format('littlefs')")
    port.exec("disks.mount(disk)")
    for what in ("disks.mount(disk, '/b')", "disks.mount(disk, '/b', True)", "disk.format('fat')"):
        with pytest.raises(port.Failed, match="disk0 is mounted"):
            port.exec(what)
    port.exec("vfs.umount('/disk0')\ndisks.mount(disk, '/b', readonly=True)")
    port.exec("disks.mount('disk0', '/c', True)")
    port.exec("vfs.umount('/b')\nvfs.umount('/c')\ndisk.format('fat')")


def test_find(port, tmp_path):
    """A name, GUID or label finds its part; one of several or of nobody is an error that tells."""
    path = empty(tmp_path / "image", 8 * MIB)
    arguments = ["-n", "1:0:+1M", "-c", "1:one", "-n", "2:0:+1M", "-c", "2:two", "-n", "3:0:+1M"]
    command("/usr/sbin/sgdisk", *arguments, "-c", "3:two", path)
    port.exec(f"_block.Device({str(path)!r})\ndisks.find('disk0p3').format('fat')")
    guid = port.eval("disks.find('disk0p1').guid")
    for name in ("one", "PARTLABEL=one", guid, guid.upper(), f"PARTUUID={guid}", "disk0p1"):
        assert port.eval(f"disks.find({name!r}).name") == "disk0p1"
    with pytest.raises(port.Failed, match="'two' is disk0p2 and disk0p3"):
        port.exec("disks.find('two')")
    there = "there is disk0p1 'one' with nothing known, disk0p2 'two' with nothing known"
    there += ", disk0p3 'two' fat12"
    for name in ("three", "LABEL=one", "PARTUUID=", "", "disk1", "disk0p4", "NO NAME"):
        with pytest.raises(port.Failed) as info:
            port.exec(f"disks.find({name!r})")
        assert info.value.message == f"there is no {name!r}; {there}"
    with pytest.raises(port.Failed, match="disk0 has partitions"):
        port.exec("disks.mount('disk0')")


def record(kind, payload):
    length = len(payload)
    return bytes([kind, 0x80 | length >> 14, 0x80 | length >> 7 & 0x7F, length & 0x7F]) + payload


def test_damaged_romfs(port):
    """A ROMFS is let through only if every record, name and pointer in it lies inside."""

    def check(data, size):
        return port.eval(f"_romfs.check({bytes(data)!r}, {size})")

    port.exec("import _romfs")
    name = b"\4name"
    inner = record(5, name + record(2, b"text")) + record(1, b"pad")
    folder = record(4, name + inner + record(5, name + record(3, b"\4\5")))
    image = b"\xd2\xcd1" + record(0, folder)[1:]
    assert check(image, len(image))
    outside = 0
    for at in range(3, len(image)):
        for value in (0, 1, 5, 0x20, 0x7F, 0xFF):
            data = bytearray(image)
            data[at] = value
            outside += not check(data, len(data))
    assert outside > 50
    for size in range(len(image)):
        assert not check(image[:size], size)
    for bad in (record(3, b"\x7f\0"), record(3, b"\0\xff\x7f"), b"\2\x7f", record(2, b"")[:2]):
        image = b"\xd2\xcd1" + record(0, record(5, name + bad))[1:]
        assert not check(image, len(image))
    assert not check(b"\xd2\xcd1\x03\x05\x01\x09", 7)


def test_fat_power_cuts(port):
    """A cut leaves what was closed on a FAT and left alone; what is written may be damaged."""
    port.exec("import fat_cuts")
    kept, bad = port.eval("fat_cuts.run(1, 60)")
    assert kept > 100 and bad == 0
    kept, bad = port.eval("fat_cuts.run(1, 20, True)")
    assert bad > 0


@pytest.mark.parametrize("kind", ["fat12", "littlefs512", "littlefs4096"])
def test_damaged(port, tmp_path, kind):
    """An image damaged at random is used or an OSError, with an end in either case."""
    path = tmp_path / "image"
    data = tmp_path / "data"
    data.write_bytes(DATA)
    if kind.startswith("fat"):
        empty(path, MIB)
        command("/usr/sbin/mkfs.fat", "-F", kind[3:], "-s", 1, path)
        command("mmd", "-i", path, "::/a folder", "::/a folder/another")
        for name in ("::/short", "::/a long name", "::/a folder/one", "::/a folder/another/one"):
            command("mcopy", "-i", path, data, name)
    else:
        size = int(kind.removeprefix("littlefs"))
        there = LittleFS(block_size=size, block_count=MIB // 2 // size)
        there.makedirs("/folder/another")
        for name in ("/short", "/folder/one", "/folder/another/one"):
            for length in (10, len(DATA)):
                with there.open(f"{name}{length}", "wb") as file:
                    file.write(DATA[:length])
        path.write_bytes(there.context.buffer)
    port.exec("import damage")
    refused, used = port.eval(f"damage.run({str(path)!r}, 1, 60)")
    assert refused > 0 and used > 0


def test_block_device(port, tmp_path):
    """What upstream's vfs makes of a disk by itself, and a class of somebody's over it."""
    path = empty(tmp_path / "image", MIB)
    port.exec(f"_block.Device({str(path)!r})\ndisk = disks.find('disk0')")
    port.exec("""
for kind in (vfs.VfsFat, vfs.VfsLfs2):
    kind.mkfs(disk)
    for what in (disk, kind(disk)):
        vfs.mount(what, "/by hand")
        with open("/by hand/file", "w") as file:
            file.write("text")
        vfs.umount("/by hand")
    path = disks.mount(disk)
    assert open(path + "/file").read() == "text"
    vfs.umount(path)
""")
