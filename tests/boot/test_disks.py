"""Disks from Python: partitions and file systems of other tools', root=, and what is damaged."""

import subprocess

import pytest
from littlefs import LittleFS
from ringzero_vm import Panic
from run import pack

MIB = 1 << 20


def command(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def place(image, start, data):
    with open(image, "r+b") as file:
        file.seek(start * MIB)
        file.write(data)


def fat(folder, size, files):
    path = folder / "fat"
    path.write_bytes(bytes(size))
    command("/usr/sbin/mkfs.fat", "-n", "FATLABEL", path)
    for name, text in files.items():
        (folder / "text").write_text(text)
        command("mcopy", "-i", path, folder / "text", f"::/{name}")
    return path.read_bytes()


def littlefs(size, files):
    there = LittleFS(block_size=4096, block_count=size // 4096)
    for name, text in files.items():
        with there.open(name, "w") as file:
            file.write(text)
    return bytes(there.context.buffer)


def programs(who):
    return {
        "boot.py": f"import module\nprint('boot.py of {who}', module.who)\n",
        "main.py": f"print('main.py of {who}')\n",
        "module.py": f"who = '{who}'\n",
    }


@pytest.fixture
def image(folder):
    """A disk with FAT, LittleFS and ROMFS, in a GPT or an MBR, the last one a logical one."""

    def image(table="gpt"):
        path = folder / f"{table}.img"
        path.write_bytes(bytes(16 * MIB))
        script = {
            "gpt": "label: gpt\nstart=1MiB, size=4MiB, name=one\nsize=4MiB, name=two\n"
            "size=2MiB, name=three\n",
            "dos": "label: dos\nlabel-id: 0x1234abcd\nstart=1MiB, size=4MiB, type=c\n"
            "size=4MiB\nstart=9MiB, type=5\n5: start=10MiB, size=2MiB\n",
        }[table]
        subprocess.run(
            ["/usr/sbin/sfdisk", path], input=script, text=True, capture_output=True, check=True
        )
        place(path, 1, fat(folder, 4 * MIB, programs("FAT")))
        place(path, 5, littlefs(4 * MIB, programs("LittleFS")))
        source = folder / table
        source.mkdir()
        (source / "files").mkdir()
        for name, text in programs("ROMFS").items():
            (source / "files" / name).write_text(text)
        place(path, 9 if table == "gpt" else 10, pack(source / "files", source).read_bytes())
        return path

    return image


@pytest.fixture
def guest(boot):
    """A guest with this disk."""

    def guest(path, append="", drive="", device="virtio-blk-pci", board="q35", **options):
        extra = f"-drive if=none,id=d,format=raw,file={path}{drive}".split()
        extra += f"-device {device},drive=d".split()
        return boot(board=board, append=append, extra=extra, **options)

    return guest


@pytest.mark.parametrize(
    "table, root, who, drive",
    [
        ("gpt", "PARTLABEL=two", "LittleFS", ""),
        ("gpt", "LABEL=FATLABEL", "FAT", ",readonly=on"),
        ("dos", "PARTUUID=1234abcd-05", "ROMFS", ""),
    ],
    ids=["LittleFS", "FAT", "ROMFS"],
)
def test_root(image, guest, table, root, who, drive):
    """root= has its file system at / from the start: boot.py, main.py and imports come from it."""
    path = image(table)
    before = path.read_bytes()
    vm = guest(path, append=f"root={root}", drive=drive).boot()
    lines = [f"boot.py of {who} {who}", f"main.py of {who}"]
    assert all(line in vm.transcript() for line in lines)
    vm.soft_reset()
    assert [vm.transcript().count(line) for line in lines] == [2, 2]
    vm.exec("import disks, errno, os, vfs")
    assert vm.eval("[path for _, path in vfs.mount()]") == ["/"]
    assert vm.eval("sorted(os.listdir('/'))") == ["boot.py", "main.py", "module.py"]
    vm.exec("""
        def attempt(function, *args):
            try:
                return function(*args)
            except OSError as error:
                return error.errno
        def write():
            with open("/new", "w") as file:
                file.write("text")
    """)
    if who == "LittleFS":
        vm.exec("write()")
        assert vm.eval("attempt(disks.mount, 'two', '/b')") == 16  # EBUSY
        assert vm.eval("attempt(disks.find('two').format, 'fat')") == 16
        assert sorted(vm.eval("os.listdir('/')"))[-1] == "new"
        vm.soft_reset()
        assert vm.eval("open('/new').read()") == "text"
    else:
        assert vm.eval("attempt(write)") == 30  # EROFS
        assert vm.eval("attempt(disks.mount, 'disk0p1', '/b')") == "/b"
        assert path.read_bytes() == before


def test_wrong_root(boot, guest, image, folder):
    """A root= that is none ends the start with a message that says what there is."""
    vm = boot(append="root=two")
    with pytest.raises(Panic):
        vm.boot()
    assert "command line: root=two: there is no 'two'; there is no disk" in vm.transcript()
    path = image()
    for root, text in (
        ("four", "there is no 'four'; there is disk0p1 'one' fat12 'FATLABEL', disk0p2 'two'"),
        ("two disk=1M", "root= and disk= both say what / is"),
    ):
        vm = guest(path, append=f"root={root}")
        with pytest.raises(Panic):
            vm.boot()
        assert text in vm.transcript()
    blank = folder / "blank"
    blank.write_bytes(bytes(MIB))
    vm = guest(blank, append="root=disk0")
    with pytest.raises(Panic):
        vm.boot()
    assert "there is no file system on it" in vm.transcript()
    assert blank.read_bytes() == bytes(MIB)


def test_by_hand(image, guest, folder):
    """Partitions are made, mounted, filled to the end and read by hand, and it is on the disk."""
    path = image()
    vm = guest(path, device="nvme,serial=1", board="pc", smp=2).boot()
    vm.exec("import cpus, disks, os, vfs, _thread, time")
    assert vm.eval("[part.name for part in disks.all()[0].partitions()]") == [
        "disk0p1",
        "disk0p2",
        "disk0p3",
    ]
    shown = vm.exec("disks.show()")
    assert shown.startswith("disk0  nvme") and "fat12 'FATLABEL'  'one'" in shown
    assert vm.eval("disks.find('three').filesystem()") == ("romfs", "")
    vm.exec("disks.mount('three', '/c')\ntext = open('/c/boot.py').read()")
    assert vm.eval("text") == programs("ROMFS")["boot.py"]
    elsewhere = vm.exec("""
        def attempt(function, *args):
            try:
                return function(*args)
            except (OSError, RuntimeError) as error:
                return error.args[0]
        for line in ("disks.mount('two')", "disks.find('two').format('fat')"):
            print(attempt(cpus.all()[1].run("import disks; " + line).result))
        # Of several who want it at once one has it, or none.
        results = []
        def want(number):
            results.append(attempt(disks.mount, "two", "/w%d" % number))
        for number in range(4):
            _thread.start_new_thread(want, (number,))
        while len(results) < 4:
            time.sleep_ms(1)
        print(results.count(16) >= 3)
        for fs, path in vfs.mount():
            if path.startswith("/w"):
                vfs.umount(path)
    """)
    assert elsewhere == "file systems on disks are CPU 0's\n" * 2 + "True\n"
    full = """
        def fill(path):
            size = 0
            try:
                with open(path + "/full", "wb") as file:
                    for i in range(5000):
                        size += file.write(bytes([i & 255]) * 4096)
            except OSError as error:
                return error.errno
        for kind in ("littlefs", "fat"):
            part = disks.find("two")
            part.format(kind)
            path = disks.mount(part)
            print(fill(path))
            os.remove(path + "/full")
            with open(path + "/new", "wb") as file:
                file.write(b"after" * 1000)
            os.sync()
            print(open(path + "/new", "rb").read() == b"after" * 1000)
            vfs.umount(path)
    """
    assert vm.exec(full) == "28\nTrue\n28\nTrue\n"  # ENOSPC
    with open(path, "rb") as file:
        file.seek(5 * MIB)
        (folder / "part").write_bytes(file.read(4 * MIB))
        assert file.read(3) == b"\xd2\xcd1"
    command("/usr/sbin/fsck.fat", "-n", folder / "part")
    command("mcopy", "-i", folder / "part", "::/new", folder / "new")
    assert (folder / "new").read_bytes() == b"after" * 1000


def test_damaged(image, guest, folder):
    """Tables and file systems damaged at random are used or an OSError, and the kernel lives."""
    vm = guest(image()).boot()
    vm.exec("""
        import disks, os, random, vfs
        def use(path):
            for name, kind, *_ in list(os.ilistdir(path))[:50]:
                try:
                    with open(path + "/" + name, "rb") as file:
                        file.read(10000)
                except (OSError, ValueError):
                    pass
            with open(path + "/new", "w") as file:
                file.write("text" * 3000)
            os.mkdir(path + "/folder")
            os.statvfs(path)
        used = refused = 0
        disk = disks.all()[0]
        whole = bytearray(16 << 20)
        disk.readblocks(0, whole)
        random.seed(5)
        for turn in range(40):
            places = (0, 512, 1024) if turn % 8 == 0 else (1 << 20, 5 << 20, 9 << 20)
            for i in range(30):
                at = random.choice(places) + random.randrange(2048)
                disk.writeblocks(at // 512, bytes([random.randrange(256)]), at % 512)
            disk.problems()
            for part in disk.partitions():
                try:
                    path = disks.mount(part)
                except OSError:
                    refused += 1
                    continue
                try:
                    use(path)
                except (OSError, ValueError):
                    pass
                vfs.umount(path)
                used += 1
            disk.writeblocks(0, whole)
    """)
    used, refused = vm.eval("(used, refused)")
    assert used and refused


def test_pulled(image, boot):
    """A disk that goes while it is mounted is an error at each use, and can be unmounted."""
    extra = "-device pcie-root-port,id=r,chassis=1,slot=1"
    extra += f" -drive if=none,id=d,format=raw,file={image()}"
    extra += " -device virtio-blk-pci,drive=d,id=dd,bus=r"
    vm = boot(extra=extra.split()).boot()
    vm.exec("""
        import disks, os, pci, vfs
        def attempt(function, *args):
            try:
                return function(*args)
            except OSError as error:
                return error.errno
        paths = [disks.mount(name) for name in ("one", "two")]
        kept = [open(path + "/open", "w") for path in paths]
    """)
    vm.qmp.command("device_del", id="dd")
    # PCI Express 7.5.3.10: the slot's power goes off, as the button asked for.
    vm.exec("""
        for port in pci.scan():
            at = port.capability(0x10)
            if at and port.is_bridge():
                port.write16(at + 0x18, port.read16(at + 0x18) | 0x700)
        while [one for one in pci.scan() if one.class_code >> 16 == 1]:
            pass
    """)
    result = vm.exec("""
        def write(file):
            file.write("text" * 5000)
            file.flush()
        for path, file in zip(paths, kept):
            made = attempt(os.mkdir, path + "/new")
            print(attempt(write, file), made, attempt(vfs.umount, path))
        disks.show()
        print(disks.all(), attempt(os.sync))
    """)
    none = "no disk: there are drivers for virtio, NVMe and AHCI\n"
    assert result == "19 19 None\n" * 2 + none + "() None\n"  # ENODEV
