"""The file systems: the RAM disk at /, images made on the host, and disks of a program's own."""

import subprocess

import pytest
from littlefs import LittleFS
from python_disk import PYTHON_DISK
from ringzero_vm import GuestError, Panic

pytestmark = pytest.mark.board("microvm")


@pytest.mark.board("q35", "pc", "microvm")
def test_disk(vm):
    """There is a LittleFS at /, and what a program wrote to it is there after a soft reset."""
    assert vm.eval("[path for fs, path in __import__('vfs').mount()]") == ["/"]
    assert "VfsLfs2" in vm.exec("import vfs; print(vfs.mount())")
    data = bytes(range(256)) * 400
    vm.exec("import os; os.mkdir('folder'); f = open('folder/data', 'wb')")
    vm.exec("f.write(bytes(range(256)) * 400); f.close()")
    vm.soft_reset()
    assert vm.eval("open('/folder/data', 'rb').read()") == data
    assert vm.eval("__import__('os').listdir()") == ["folder"]


def test_disk_is_in_frames(vm):
    """Its bytes are in frames that nobody else gets, before soft resets and after them."""
    vm.exec("open('f', 'w').write('a pattern to be ' 'found in memory')")
    vm.soft_reset()
    start, end = vm.eval("__import__('_handoff').kept(0)")
    assert end - start == 4 << 20
    assert b"a pattern to be found in memory" in vm.memory(start, end - start)
    counts = vm.eval("__import__('frames').stats().free")
    taken = vm.exec("""
        import frames
        bad = 0
        addrs = []
        start, end = __import__('_handoff').kept(0)
        try:
            while True:
                addrs.append(frames.alloc())
                bad += start <= addrs[-1] < end
        except MemoryError:
            pass
        print(bad)
        for addr in addrs:
            frames.free(addr)
    """)
    assert taken == "0\n"
    for _ in range(3):
        vm.soft_reset()
        assert vm.eval("__import__('frames').stats().free") == counts
    assert vm.eval("open('f').read()") == "a pattern to be found in memory"


@pytest.mark.parametrize("option, size", [("disk=128K", 128 << 10), ("disk=16M", 16 << 20)])
def test_size(boot, option, size):
    """disk= sets its size."""
    vm = boot(board="microvm", append=option).boot()
    block, _, count = vm.eval("__import__('os').statvfs('/')[:3]")
    assert block * count == size


def test_no_disk(boot):
    """disk=0 leaves / empty."""
    vm = boot(board="microvm", append="disk=0").boot()
    assert vm.eval("__import__('vfs').mount()") == []


def test_bad_size(boot):
    """A size that is none ends the start with a message."""
    vm = boot(board="microvm", append="disk=big")
    with pytest.raises(Panic):
        vm.boot()
    assert "disk=big is not a size" in vm.transcript()


def test_little_memory(boot):
    """In 8 MiB there still is a disk, a smaller one."""
    vm = boot(board="microvm", memory="8M").boot()
    vm.exec("open('file', 'w').write('text')")
    vm.soft_reset()
    assert vm.eval("open('file').read()") == "text"


@pytest.mark.parametrize("name", ["boot.py", "main.py"])
def test_start_files_left_out(vm, name):
    """A start file that ends Python each time is left out after Ctrl-C, whenever typed."""
    vm.exec(f"with open('{name}', 'w') as f: f.write('import sys\\nsys.exit()')")
    vm.repl.send("\x04")
    for _ in range(3):
        vm.repl.expect_exact("soft reboot\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("\n>>> ")
    assert vm.eval("40 + 2") == 42


@pytest.mark.parametrize("line", ["", "micropython.kbd_intr(-1)"])
def test_start_file_that_ends_unanswered(vm, line):
    """Ctrl-C in a start file that ends Python before it is raised is not lost."""
    program = f"""
import micropython, sys
{line}
print('go')
x = 7 ** 60000
sys.exit()
"""
    vm.exec(f"with open('boot.py', 'w') as f: f.write({program!r})")
    vm.repl.send("\x04")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("\n>>> ")


def test_typed_ahead(vm):
    """What is typed while Python starts anew is the first line."""
    vm.repl.send("\x0440 + 2\r")
    vm.repl.expect_exact(">>> 40 + 2\r\n42\r\n>>> ")


@pytest.mark.parametrize("name", ["boot.py", "main.py"])
@pytest.mark.parametrize("end", ["machine.soft_reset()", "sys.exit()"])
def test_start_files_that_end(vm, name, end):
    """A start file that ends Python starts it anew, as on other ports, with no prompt between."""
    program = f"""
import machine, os, sys
if 'done' not in os.listdir('/'):
    open('/done', 'w').close()
    left = 1
    {end}
"""
    vm.exec(f"with open('{name}', 'w') as f: f.write({program!r})")
    vm.repl.send("\x04")
    vm.repl.expect_exact("soft reboot\r\n")
    vm.repl.expect_exact("soft reboot\r\n")
    vm.repl.expect_exact("\n>>> ")
    assert vm.eval("'left' in globals()") is False


def test_start_files(vm):
    """boot.py and then main.py of / run at each start; imports look in / and /lib."""
    vm.exec("open('boot.py', 'w').write('print(\"boot.py\", __name__)\\nwho = 1')")
    vm.exec("open('main.py', 'w').write('print(\"main.py\", who)')")
    vm.repl.send("\x04")
    vm.repl.expect_exact("soft reboot\r\n")
    vm.repl.expect_exact("boot.py __main__\r\nmain.py 1\r\n")
    vm.repl.expect_exact(">>> ")
    vm.exec("with open('/flat.py', 'w') as f: f.write('x = 1')")
    vm.exec("import os; os.mkdir('/lib')\nwith open('/lib/deep.py', 'w') as f: f.write('x = 2')")
    assert vm.eval("__import__('flat').x") == 1
    assert vm.eval("__import__('deep').x") == 2


def test_broken_disk(vm):
    """A disk whose content was destroyed is made anew, and the start says so."""
    vm.exec("""
        import os, _handoff, ramdisk
        os.mkdir("/folder")  # It is made when it is first used.
        start, end = _handoff.kept(0)
        d = ramdisk.RAMDisk(end - start, addr=start)
        for block in range(2):
            d.writeblocks(block, bytes(4096))
    """)
    vm.soft_reset()
    assert "The RAM disk is broken" in vm.transcript()
    assert vm.eval("__import__('os').listdir()") == []


def test_first_use_beside_callbacks(vm):
    """A callback that comes while / is made waits for it, and both have the same file system."""
    result = vm.exec("""
        import _files, frames, micropython, os, time
        real = _files._format
        def make(disk):
            micropython.schedule(callback, 0)
            for i in range(1000):
                pass
            return real(disk)
        _files._format = make
        def callback(_):
            with open("/callback", "w") as file:
                file.write("text")
        before = frames.stats().free
        with open("/program", "w") as file:
            file.write("text")
        time.sleep_ms(1)
        print(sorted(os.listdir("/")), before - frames.stats().free == os.statvfs("/")[2])
    """)
    assert result == "['callback', 'program'] True\n"


def test_first_use_in_a_hard_callback(vm):
    """A hard callback does not make /, but is refused as it is by every file system."""
    result = vm.exec("""
        import frames, machine, os, time
        steps = [lambda: os.stat("/x"), lambda: os.listdir("x"), lambda: open("x", "w")]
        refused = done = 0
        def callback(timer):
            global refused, done
            try:
                steps[done]()
            except RuntimeError:
                refused += 1
            done += 1
        before = frames.stats().free
        for step in steps:
            count = done
            machine.Timer(mode=0, period=1, hard=True, callback=callback)
            while done == count:
                time.sleep_ms(1)
        print(refused, before == frames.stats().free, os.listdir("/"))
    """)
    assert result == "3 True []\n"


def test_first_use_that_fails(vm):
    """What stands in the way of making / leaves nothing behind: the next use makes it."""
    result = vm.exec("""
        import _files, frames, os, vfs
        real = _files._format
        def fail(disk):
            raise MemoryError("no memory")
        _files._format = fail
        lazy = vfs.mount()[0][0]
        before = frames.stats().free
        for i in range(3):
            try:
                os.mkdir("/folder")
            except MemoryError as error:
                print(error, before == frames.stats().free)
        _files._format = real
        os.mkdir("/folder")
        print(os.listdir("/"), lazy.statvfs("/") == os.statvfs("/"))
        print(before - frames.stats().free == os.statvfs("/")[2])
    """)
    assert result == "no memory True\n" * 3 + "['folder'] True\nTrue\n"


def test_first_use_that_was_interrupted(vm):
    """Ctrl-C between keeping the disk and its first use: the disk that is kept is used."""
    vm.exec("""
        import frames, os, ramdisk
        ramdisk.RAMDisk(1 << 20)._keep()
        free = frames.stats().free
        os.mkdir("/folder")
    """)
    assert vm.eval("(os.statvfs('/')[2], frames.stats().free == free)") == (256, True)


def lfs_image(path):
    image = LittleFS(block_size=4096, block_count=64)
    with image.open("from_host.txt", "w") as file:
        file.write("LittleFS")
    path.write_bytes(image.context.buffer)


def fat_image(path):
    def run(*command):
        subprocess.run(
            command, check=True, env={"MTOOLS_SKIP_CHECK": "1", "PATH": "/usr/bin:/bin"}
        )

    text = path.with_name("from_host.txt")
    text.write_text("FAT")
    run("mformat", "-C", "-f", "1440", "-i", path, "::")
    run("mcopy", "-i", path, text, "::FROM_H~1.TXT")
    run("mren", "-i", path, "::FROM_H~1.TXT", "::from_host.txt")


@pytest.mark.parametrize("make, kind", [(lfs_image, "LittleFS"), (fat_image, "FAT")])
def test_host_image(boot, tmp_path, make, kind):
    """An image that the host's tools made is /, can be written, and stays so over a soft reset."""
    path = tmp_path / "image"
    make(path)
    vm = boot(board="microvm", initrd=path).boot()
    assert vm.eval("[path for fs, path in __import__('vfs').mount()]") == ["/"]
    assert vm.eval("open('/from_host.txt').read()") == kind
    vm.exec("with open('/from_guest.txt', 'w') as f: f.write('guest')")
    vm.soft_reset()
    assert vm.eval("open('/from_guest.txt').read()") == "guest"
    assert vm.eval("open('/from_host.txt').read()") == kind


SECTOR = bytes(510) + b"\x55\xaa"
LITTLEFS = bytes(8) + b"littlefs" + bytes(8)


@pytest.mark.parametrize(
    "content",
    [
        SECTOR,
        SECTOR + bytes(100_000),
        b"MZ" + bytes([255]) * 508 + b"\x55\xaa" + bytes([255]) * 9999,
        LITTLEFS + bytes(99_999),
        LITTLEFS + b"\xff\xff\xff\xff" + bytes(99_999),
        LITTLEFS + b"\x00\x10\x00\x00" + bytes(99_999),
    ],
    ids=["sector", "disk", "program", "no block size", "large block size", "no block"],
)
def test_image_of_something_else(boot, tmp_path, content):
    """A module that only looks like a file system is left alone, and the start says so."""
    path = tmp_path / "image"
    path.write_bytes(content)
    vm = boot(board="microvm", initrd=path).boot()
    (start, end, _) = vm.eval("__import__('bootinfo').modules[0]")
    assert f"module at {start:#x}: no file system in it: " in vm.transcript()
    assert vm.memory(start, end - start) == content
    vm.exec("with open('/new', 'w') as f: f.write('new')")
    assert vm.eval("open('/new').read()") == "new"


def test_disk_that_fails_at_the_start(boot, tmp_path):
    """What looking for the programs of a broken disk raises is printed: the prompt comes, or 1."""
    path = tmp_path / "image"
    fat_image(path)
    path.write_bytes(path.read_bytes()[:512])
    for vm in (boot(board="microvm", initrd=path).boot(), boot(initrd=path).boot()):
        for name in ("boot.py", "main.py"):
            assert f"\n{name}: OSError: [Errno 22] EINVAL\n" in vm.transcript()
        assert "Ctrl-C" not in vm.transcript()
        vm.soft_reset()
        assert vm.eval("1 + 1") == 2
    vm = boot(board="microvm", initrd=path, append="main=/x.py")
    assert vm.wait_exit() == 1
    assert "\n/x.py: OSError: [Errno 22] EINVAL\n" in vm.transcript()
    assert "Ctrl-C" not in vm.transcript()


@pytest.mark.parametrize("kind, block", [("VfsFat", 512), ("VfsLfs1", 512), ("VfsLfs2", 4096)])
def test_own_disk(vm, kind, block):
    """A program makes disks of its own, in frames that close() gives back."""
    vm.eval("__import__('os').listdir('/')")  # / takes its frames now, if ever.
    free = vm.eval("__import__('frames').stats().free")
    vm.exec(f"""
        import os, vfs
        from ramdisk import RAMDisk
        disk = RAMDisk(300_000, {block})
        vfs.{kind}.mkfs(disk)
        vfs.mount(vfs.{kind}(disk), "/own")
        with open("/own/file", "wb") as f:
            f.write(b"0123456789abcdef" * 4000)
        assert open("/own/file", "rb").read() == b"0123456789abcdef" * 4000
    """)
    assert vm.eval("disk.size") == 74 * 4096
    assert vm.eval("sorted(os.listdir('/'))") == ["own"]
    assert vm.eval("__import__('frames').stats().free") == free - 74
    vm.exec("vfs.umount('/own'); disk.close(); disk.close()")
    assert vm.eval("__import__('frames').stats().free") == free


def test_disk_limits(vm):
    """A block device refuses what is outside it, and changes nothing then."""
    result = vm.exec("""
        from ramdisk import RAMDisk
        d = RAMDisk(8192)
        buf = bytearray(4096)
        for args in (
            (2, buf), (-1, buf), (1 << 64, buf),
            (1, bytearray(4097)), (1, buf, 1), (0, buf, 1 << 62),
        ):
            for call in (d.readblocks, d.writeblocks):
                try:
                    call(*args)
                    print("taken", args)
                except OSError as e:
                    print(e.errno, end=" ")
        for args in ((0,), (-1,), (8192, 100), (8192, 384)):
            try:
                RAMDisk(*args)
                print("taken", args)
            except ValueError:
                print("V", end=" ")
        d.writeblocks(1, b"end", 4093)
        d.close()
        try:
            d.readblocks(0, buf)
        except OSError:
            print("closed")
    """)
    assert result == "22 " * 12 + "V " * 4 + "closed\n"


def test_ram_disk_needs_no_heap(vm):
    """Reading and writing files on the RAM disk leaves no garbage for each of its blocks."""
    result = vm.exec("""
        import gc
        file = open("/file", "w+b")
        data = bytes(1000)
        gc.disable()
        before = gc.mem_alloc()
        for i in range(200):
            file.write(data)
            file.flush()
        file.seek(0)
        while file.readinto(bytearray(50)):
            file.seek(950, 1)
        print(gc.mem_alloc() - before < 100000)
    """)
    assert result == "True\n"


@pytest.mark.memory("16M")
def test_more_dropped_files_than_memory(vm):
    """What closing files leaves behind is collected between them: all are written."""
    vm.exec(PYTHON_DISK)
    # What drop() takes without a collection, and next to nothing more, whatever the kernel takes.
    vm.exec("import frames\nheld = [frames.alloc() for _ in range(frames.stats().free - 1370)]")
    vm.exec("""
        disk = Disk(256 * 4096)
        vfs.VfsFat.mkfs(disk)
        vfs.mount(vfs.VfsFat(disk), "/m")
        os.mkdir("/m/d")
        gc.disable()
        def drop():
            for i in range(100):
                open("/m/d/f%d" % i, "w").write("text%d" % i)
        drop()
        gc.enable()
        for i in range(50):
            gc.collect()
    """)
    # In another program: what lies on that one's stack may keep one of them as long as it runs.
    result = vm.exec("""
        gc.collect()
        def read(i):
            with open("/m/d/f%d" % i) as file:
                return file.read()
        print([i for i in range(100) if read(i) != "text%d" % i])
    """)
    assert result == "[]\n"


@pytest.mark.parametrize("kind", ["VfsLfs1", "VfsLfs2", "VfsFat"])
def test_files_that_are_dropped(vm, kind):
    """Files that nobody has closed are written, whatever their disk is doing at a collection."""
    vm.exec(PYTHON_DISK)
    result = vm.exec(f"""
        disk = Disk(64 * 4096)
        vfs.{kind}.mkfs(disk)
        vfs.mount(vfs.{kind}(disk), '/m')
        gc.threshold(3000)
        for i in range(200):
            open('/m/f%d' % (i % 5), 'w').write(str(i) + 'x' * 300)
            [bytes(100) for _ in range(20)]
        gc.threshold(-1)
        gc.collect()
        gc.collect()
        for i in range(5):
            with open('/m/f%d' % i) as file:
                text = file.read()
            # One that is still on the stack is not written yet.
            assert text in ('', str(195 + i) + 'x' * 300) or int(text[:-300]) % 5 == i, text
        print(sorted(os.listdir('/m')))
    """)
    assert result == "['f0', 'f1', 'f2', 'f3', 'f4']\n"


@pytest.mark.parametrize("kind", ["VfsLfs1", "VfsLfs2", "VfsFat"])
def test_disks_that_raise(vm, kind):
    """What a disk raises arrives, and the file system goes on with what it has."""
    vm.exec(PYTHON_DISK)
    result = vm.exec(f"""
        import random
        random.seed(1)
        class Broken(Disk):
            count = 0
            raised = {{}}
            def access(self):
                self.count += 1
                if broken and random.randrange(20) == 0:
                    error = random.choice((OSError, ZeroDivisionError, KeyboardInterrupt))(5)
                    self.raised[type(error)] = self.raised.get(type(error), 0) + 1
                    raise error
            def readblocks(self, block, buf, offset=0):
                self.access()
                super().readblocks(block, buf, offset)
            def writeblocks(self, block, buf, offset=0):
                self.access()
                super().writeblocks(block, buf, offset)
        broken, seen = False, {{}}
        disk = Broken(64 * 4096)
        vfs.{kind}.mkfs(disk)
        fs = vfs.{kind}(disk)
        def step(kind, name):
            if kind == 0:
                files.append(fs.open(name, random.choice(('w', 'r', 'a', 'r+', 'wb'))))
            elif kind == 1:
                random.choice(files).write(b'x' * random.randrange(700))
            elif kind == 2:
                random.choice(files).read()
            elif kind == 3:
                files.pop(random.randrange(len(files))).close()
            elif kind == 4:
                fs.remove(name)
            elif kind == 5:
                list(fs.ilistdir('/'))
            elif kind == 6:
                files.pop()
                gc.collect()
            elif kind == 7:
                fs.rename(name, '/f%d' % random.randrange(4))
        for _ in range(5):
            files, broken = [], True
            for _ in range(200):
                try:
                    step(random.randrange(8), '/f%d' % random.randrange(4))
                except (OSError, ZeroDivisionError, KeyboardInterrupt) as error:
                    assert not isinstance(error, FaultError), error
                    seen[type(error)] = seen.get(type(error), 0) + 1
                except (IndexError, TypeError, ValueError):
                    pass
            broken = False
            files.clear()
            gc.collect()
        for error in ZeroDivisionError, KeyboardInterrupt:
            # Those of finalisers are printed.
            assert 0 < seen[error] <= disk.raised[error], (seen, disk.raised)
        print('still here')
    """)
    assert result.endswith("still here\n")
    vm.exec("import frames; frames.check()")


@pytest.mark.parametrize("kind", ["VfsLfs1", "VfsLfs2", "VfsFat"])
def test_callbacks_in_the_middle_of_a_disk(vm, kind):
    """A callback in the middle of a file system cannot enter it, but any other one."""
    vm.exec(PYTHON_DISK)
    result = vm.exec(f"""
        import errno
        inner = 0
        class Nesting(Disk):
            def writeblocks(self, block, buf, offset=0):
                global inner
                if nested:
                    try:
                        open('/m/inner', 'w')
                        print('taken')
                    except OSError as error:
                        assert error.errno == errno.EBUSY
                    with open('/log', 'a') as log:
                        log.write('x')
                    inner += 1
                super().writeblocks(block, buf, offset)
        nested = False
        disk = Nesting(64 * 4096)
        vfs.{kind}.mkfs(disk)
        vfs.mount(vfs.{kind}(disk), '/m')
        nested = True
        for i in range(20):
            with open('/m/f%d' % (i % 5), 'w') as file:
                file.write(str(i) * 300)
        nested = False
        for i in range(15, 20):
            assert open('/m/f%d' % (i % 5)).read() == str(i) * 300
        assert inner > 0 and len(open('/log').read()) == inner
        print(sorted(os.listdir('/m')))
    """)
    assert result == "['f0', 'f1', 'f2', 'f3', 'f4']\n"


def test_file_without_its_file_system(vm):
    """A file keeps what it lies on, although upstream's points into the middle of that."""
    vm.exec(PYTHON_DISK)
    vm.exec("""
        files = []
        for i in range(20):
            disk = Disk(64 * 4096)
            vfs.VfsFat.mkfs(disk)
            vfs.mount(disk, '/m')
            files.append(open('/m/file', 'w'))
            files[-1].write(str(i))
            vfs.umount('/m')
        del disk
        gc.collect()
        junk = [[i] * 20 for i in range(20000)]
        del junk
        gc.collect()
        for file in files:
            file.write('x' * 5000)
            file.close()
    """)


def test_hard_callbacks_and_files(vm):
    """A hard callback that asks for a file is refused, and harms none of the program's."""
    vm.exec("""
        import machine, os
        kept = open('/kept', 'w')
        refused = 0
        steps = (lambda: kept.flush(), lambda: kept.tell(), lambda: __import__('nope'))
        def callback(timer):
            global refused
            for step in steps:
                try:
                    step()
                except RuntimeError:
                    refused += 1
                except (ImportError, OSError):
                    pass
        timer = machine.Timer(-1, period=1, callback=callback, hard=True)
        for i in range(300):
            with open('/t%d' % (i % 9), 'w') as file:
                file.write('x' * 100)
            with open('/t%d' % (i % 9)) as file:
                assert file.read() == 'x' * 100
        timer.deinit()
        assert refused > 10
        kept.close()
    """)
    assert vm.eval("sorted(os.listdir('/'))") == ["kept", *(f"t{i}" for i in range(9))]


@pytest.mark.parametrize("step", ["os.stat('keep')", "import heapq", "os.remove('keep')"])
def test_relative_names_in_hard_callbacks(vm, step):
    """The program's calls are of the names it has given, whatever a hard callback asks for."""
    result = vm.exec(f"""
        import machine, os, time
        with open("keep", "w") as file:
            file.write("kept")
        calls = 0
        def callback(timer):
            global calls
            calls += 1
            try:
                {step}
            except RuntimeError:
                pass
        timer = machine.Timer(tick_hz=1000000, period=200, hard=True, callback=callback)
        end = time.ticks_add(time.ticks_ms(), 10000)
        while calls < 4000 and time.ticks_diff(end, time.ticks_ms()) > 0:
            for name in ("f0", "f1", "f2"):
                with open(name, "w") as file:
                    file.write("text")
            for name in ("f0", "f1", "f2"):
                os.stat(name)
                os.rename(name, "other")
                os.remove("other")
            assert os.listdir() == ["keep"], os.listdir()
        timer.deinit()
        print(calls > 100, open("keep").read())
    """)
    assert result == "True kept\n"


@pytest.mark.parametrize("kind", ["VfsLfs1", "VfsLfs2"])
def test_relative_names_beside_callbacks(vm, kind):
    """The program's call goes on with its name when a callback comes while the disk is asked."""
    vm.exec(PYTHON_DISK)
    result = vm.exec(f"""
        import micropython
        class Slow(Disk):
            called = busy = 0
            def readblocks(self, block, buf, offset=0):
                super().readblocks(block, buf, offset)
                if Slow.called < 0:
                    micropython.schedule(callback, 0)
                    for i in range(10):
                        pass
        def callback(_):
            Slow.called -= 1
            try:
                os.stat("keep")
            except OSError:
                Slow.busy += 1
        disk = Slow(64 * 4096)
        vfs.{kind}.mkfs(disk)
        vfs.mount(vfs.{kind}(disk), "/m")
        os.chdir("/m")
        for name in ("keep", "gone", "from"):
            open(name, "w").close()
        Slow.called = -1
        os.remove("gone")
        os.rename("from", "to")
        os.mkdir("folder")
        open("new", "w").close()
        calls, Slow.called = Slow.called, 0
        print(sorted(os.listdir()), calls < -4, Slow.busy > 4)
    """)
    assert result == "['folder', 'keep', 'new', 'to'] True True\n"


def test_file_systems_stay_in_hard_callbacks(vm):
    """Mounting, unmounting and changing the folder is refused there, and does nothing."""
    result = vm.exec("""
        import machine, os, time, vfs
        os.mkdir("/folder")
        os.chdir("/folder")
        steps = [
            lambda: vfs.umount("/"), lambda: os.umount("/"), lambda: os.chdir("/"),
            lambda: os.chdir("/rom"), lambda: vfs.mount(None, "/x"), lambda: os.mount(None, "/x"),
        ]
        before = len(vfs.mount())
        done = refused = 0
        def callback(timer):
            global done, refused
            try:
                steps[done]()
            except RuntimeError:
                refused += 1
            done += 1
        for step in steps:
            count = done
            machine.Timer(mode=0, period=1, hard=True, callback=callback)
            while done == count:
                time.sleep_ms(1)
        print(refused, os.getcwd(), len(vfs.mount()) == before, os.listdir("/"))
    """)
    assert result == "6 /folder True ['folder']\n"


def test_first_file_without_frames(vm):
    """Where all frames are taken the first file is a MemoryError that says why."""
    with pytest.raises(GuestError, match="MemoryError: no memory is free for the RAM disk"):
        vm.exec("""
            import frames
            taken = []
            try:
                while True:
                    taken.append(frames.alloc())
            except MemoryError:
                pass
            open('/file', 'w')
        """)


def test_no_frames(vm):
    """A disk that does not fit is a MemoryError."""
    with pytest.raises(GuestError, match="MemoryError"):
        vm.exec("from ramdisk import RAMDisk; RAMDisk(1 << 30)")


def test_errors_have_names(vm):
    """Every file system says ENOENT where nothing is, and not its own number for it."""
    said = vm.exec("""
        import errno, os, ramdisk, vfs
        for kind in vfs.VfsFat, vfs.VfsLfs1, vfs.VfsLfs2:
            disk = ramdisk.RAMDisk(1 << 18)
            kind.mkfs(disk)
            vfs.mount(kind(disk), "/disk")
            open("/disk/file", "w").close()
            for call in os.chdir, os.stat, os.listdir, os.remove, os.rmdir, open:
                for path in "/disk/nope", "/disk/nope/nope":
                    try:
                        call(path)
                        print(kind, call, path)
                    except OSError as error:
                        if error.errno != errno.ENOENT:
                            print(kind, call, path, error)
            try:
                os.chdir("/disk/file")
            except OSError as error:
                if error.errno not in errno.errorcode:
                    print(kind, error)
            vfs.umount("/disk")
    """)
    assert said == ""


def test_sync(vm):
    """os.sync() writes LittleFS's open files, then each disk; others are left alone."""
    result = vm.exec("""
        import os, ramdisk, vfs
        class Disk(ramdisk.RAMDisk):
            synced = 0
            def ioctl(self, op, arg):
                self.synced += op == 3
                return super().ioctl(op, arg)
        disks = [Disk(256 << 10, 512), Disk(256 << 10), Disk(256 << 10)]
        for disk, kind, path in zip(disks, (vfs.VfsFat, vfs.VfsLfs1, vfs.VfsLfs2), "abc"):
            kind.mkfs(disk)
            vfs.mount(kind(disk), "/" + path)
        vfs.mount(vfs.VfsRom(b"\\xd2\\xcd1\\x00"), "/r")
        kept = [open("/c/" + name, "wb") for name in ("small", "large")]
        kept[0].write(b"text")
        kept[1].write(bytes(range(256)) * 40)
        before = [disk.synced for disk in disks]
        os.sync()
        print([disk.synced > one for disk, one in zip(disks, before)])
        copy = ramdisk.RAMDisk(256 << 10)
        copy.writeblocks(0, disks[2])
        vfs.mount(vfs.VfsLfs2(copy), "/d")
        print(open("/d/small").read(), open("/d/large", "rb").read() == bytes(range(256)) * 40)
        kept[0].write(b" more")
        kept[0].close()
        print(open("/c/small").read())
    """)
    assert result == "[True, True, True]\ntext True\ntext more\n"


def test_sync_that_fails(vm):
    """What a disk says to os.sync() comes out of it, and the disk is asked again the next time."""
    vm.exec(PYTHON_DISK)
    result = vm.exec("""
        class Failing(Disk):
            bad = False
            def ioctl(self, op, arg):
                if op == 3 and self.bad:
                    raise ValueError("no more")
                return super().ioctl(op, arg)
        for kind in (vfs.VfsFat, vfs.VfsLfs2):
            disk = Failing(256 << 10)
            kind.mkfs(disk)
            vfs.mount(kind(disk), "/x")
            file = open("/x/file", "w")
            file.write("text" * 3000)
            disk.bad = True
            for i in range(2):
                try:
                    os.sync()
                except ValueError as error:
                    print(error)
            disk.bad = False
            os.sync()
            vfs.umount("/x")
    """)
    assert result == "no more\n" * 4


# One of each kind, in its own folder, with a folder that has a folder and a file in it.
THREE_KINDS = """
import os, ramdisk, vfs
os.listdir("/")
def mount(kind):
    disk = ramdisk.RAMDisk(1 << 20, 512)
    getattr(vfs, kind).mkfs(disk)
    vfs.mount(getattr(vfs, kind)(disk), "/m")
    os.chdir("/m")
    os.mkdir("dd")
    os.mkdir("dd/sub")
    with open("dd/f", "w") as file:
        file.write("abcdefgh")
def try_(function, *arguments):
    try:
        return function(*arguments)
    except OSError as error:
        return error.errno
"""


@pytest.mark.parametrize("kind", ["VfsLfs1", "VfsLfs2", "VfsFat"])
def test_folder_into_itself(vm, kind):
    """A folder is not moved into itself, however that is written, which would lose all in it."""
    vm.exec(THREE_KINDS + f"mount({kind!r})\nos.mkdir('a long folder name')")
    bad = [("dd", "dd/x"), ("/m/dd", "dd/x"), ("dd", "/m/dd/sub/../y"), ("./dd/", "dd//sub/x")]
    bad += [("dd/../dd", "dd/x"), ("a long folder name", "a long folder name/x")]
    if kind == "VfsFat":
        bad += [("DD", "dd/x"), ("ALONGF~1", "a long folder name/x")]
    for old, new in bad:
        assert vm.eval(f"try_(os.rename, {old!r}, {new!r})") == 22, (old, new)
    vm.exec("os.chdir('dd/sub')")
    for old in "../../dd", "/m/dd", "..":
        assert vm.eval(f"try_(os.rename, {old!r}, 'x')") == 22, old
    vm.exec("os.chdir('/m')")
    assert vm.eval("try_(os.rename, 'none', 'none/x')") == 2
    # Names that only begin alike, and a file.
    for old, new in ("dd/sub", "dd/sub2"), ("dd", "dda"), ("dda/f", "dda/sub2/f"), ("dda", "dd"):
        assert vm.eval(f"try_(os.rename, {old!r}, {new!r})") is None, (old, new)
    assert vm.eval("(os.listdir('dd'), open('dd/sub2/f').read())") == (["sub2"], "abcdefgh")


@pytest.mark.parametrize("kind", ["VfsLfs1", "VfsLfs2", "VfsFat"])
def test_places_in_a_file(vm, kind):
    """seek() goes where it is told, or says EINVAL and stays: nothing is cut to 32 bits."""
    vm.exec(THREE_KINDS + f"mount({kind!r})\nfile = open('dd/f', 'r+b')")
    place = 0
    steps = [(0,), (3,), (-1,), (1 << 32,), ((1 << 40) + 3,), (-5, 1), (2, 1), (-2, 1), (8,)]
    steps += [((1 << 32) - 1, 1), (-3, 2), (-100, 2), (0, 2), (1 << 62,), (0, 3), (0, -1)]
    steps += [((1 << 62) - 1, 1), ((1 << 62) - 1, 2), (-(1 << 62), 1), (-(1 << 62), 2), (1,)]
    for step in steps:
        whence = step[1] if len(step) == 2 else 0
        target = step[0] + {0: 0, 1: place, 2: 8}.get(whence, -1 << 80)
        fits = 0 <= target < 1 << 31
        place = target if fits else place
        assert vm.eval(f"try_(file.seek, *{step})") == (place if fits else 22), step
        assert vm.eval("file.tell()") == place, step
    vm.exec("file.close()")
    assert vm.eval("open('dd/f').read()") == "abcdefgh"
    # Beyond the end, where there is room for that and where there is none.
    vm.exec("file = open('dd/f', 'r+b'); free = os.statvfs('/m')[3]")
    assert vm.eval("try_(file.seek, 1 << 31)") == (28 if kind == "VfsFat" else 22)
    assert vm.eval("(file.tell(), os.statvfs('/m')[3] == free)") == (0, True)
    assert vm.eval("file.read()") == b"abcdefgh"
    assert vm.eval("(file.seek(1000), file.write(b'x'), file.close())") == (1000, 1, None)
    assert vm.eval("(os.stat('dd/f')[6], open('dd/f', 'rb').read()[-1:])") == (1001, b"x")


def test_seek_of_something_else(vm):
    """What is no file has no places."""
    vm.exec("open('f', 'w').close()")
    with pytest.raises(GuestError, match="TypeError"):
        vm.exec("type(open('f')).seek(5, 1)")
