"""Disks by virtio, NVMe and AHCI: every byte where it belongs, and an error where there is one."""

import subprocess
import sys
import time

import pytest
from images import ROOT, pack

SIZE = 8 << 20
SETUP = """
import _ahci, _block, _nvme, _virtio_blk, random, time
def find():
    return [disk for driver in (_virtio_blk, _nvme, _ahci) for disk in driver.find()]
def attempt(function, *args):
    try:
        return function(*args)
    except OSError as error:
        return error.errno
"""
# Any bytes to any place, by any buffer, against a model in memory.
MODEL = """
def check(number, steps=150, seed=1):
    disk = _block.Block(number)
    random.seed(seed)
    model = bytearray(150 * 512)
    disk.writeblocks(0, model)
    memory = bytearray(80000)
    for _ in range(steps):
        at = random.randrange(len(model))
        size = min(random.randrange(1, 1 << random.randrange(1, 17)), len(model) - at, 70000)
        start = random.choice((0, 0, 1, 2, 4, 64, 4095, random.randrange(4096)))
        part = memoryview(memory)[start : start + size]
        if random.randrange(2):
            part[:] = bytes([random.getrandbits(8)]) * size
            model[at : at + size] = part
            disk.writeblocks(at // 512, part, at % 512)
        else:
            disk.readblocks(at // 512, part, at % 512)
            assert part == model[at : at + size], (at, size, start)
    disk.ioctl(3, 0)
    disk.readblocks(0, memoryview(memory)[: len(model)])
    assert memory[: len(model)] == model
    return disk.size
"""
DEVICES = {
    "virtio": "-device virtio-blk-pci,drive={id},serial={id}",
    "nvme": "-device nvme,drive={id},serial={id}",
    "ahci": "-device ahci,id=sata{id} -device ide-hd,drive={id},bus=sata{id}.0,serial={id}",
    "old mmio": "-device virtio-blk-device,drive={id},serial={id}",
}
DEVICES["mmio"] = "-global virtio-mmio.force-legacy=false " + DEVICES["old mmio"]
PCI = ("virtio", "nvme", "ahci")
EIO, ENODEV, EFAULT, EINVAL, EROFS, ETIMEDOUT = 5, 19, 14, 22, 30, 110


@pytest.fixture
def machine(boot, folder):
    """A guest with a disk by each of the buses: machine(buses, options of the drives, ...)."""

    def make(buses=PCI, drive="", **options):
        extra = []
        for number, bus in enumerate(buses):
            path = folder / f"disk{number}.img"
            if not path.exists():
                with open(path, "wb") as file:
                    file.truncate(SIZE)
            name = f"d{number}"
            extra += f"-drive if=none,id={name},format=raw,{drive.format(path)}".split()
            extra += DEVICES[bus].format(id=name).split()
        vm = boot(extra=extra, **options).boot()
        vm.exec(SETUP)
        return vm

    return make


FILE = "file={}"


@pytest.mark.parametrize(
    ("board", "buses"),
    [("q35", PCI), ("pc", PCI), ("microvm", ("mmio",)), ("microvm", ("old mmio",))],
)
def test_bytes(machine, folder, board, buses):
    """What is written lies in the image where it should, and is read as it was."""
    vm = machine(buses, FILE, board=board)
    found = vm.eval("find()")
    assert [disk[0] for disk in found] == list(range(len(buses)))
    assert [disk[1] for disk in found] == [
        bus.replace("old ", "").replace("mmio", "virtio") for bus in buses
    ]
    assert [disk[4] for disk in found] == [f"d{number}" for number in range(len(buses))]
    # Asked again, they are the same.
    assert vm.eval("find()") == found
    vm.exec(MODEL)
    for number in range(len(buses)):
        assert vm.eval(f"check({number})", timeout=60) == SIZE
        # At the end, in one piece that no request holds.
        vm.exec(
            f"disk = _block.Block({number}); data = bytes(range(251)) * 16700\n"
            "disk.writeblocks(disk.size // 512 - 8191, data)\n"
            "disk.writeblocks(disk.size // 512 - 1, b'the end', 505); disk.ioctl(3, 0)"
        )
        image = (folder / f"disk{number}.img").read_bytes()
        data = bytes(range(251)) * 16700
        assert image[-8191 * 512 :][: len(data) - 1000] == data[:-1000]
        assert image.endswith(b"the end") and len(image) == SIZE


def test_arguments(machine):
    """Nothing outside of a disk, or of a part of it, is reached, whatever is asked for."""
    vm = machine(("virtio",), FILE)
    vm.exec(
        "find(); import uctypes; disk = _block.Block(0); part = _block.Block(0, 4096, 8192, 4096)"
    )
    assert vm.eval("(part.size, part.block_size, part.ioctl(4, 0), part.ioctl(5, 0))") == (
        8192,
        4096,
        2,
        4096,
    )
    for call in (
        f"disk.readblocks, {SIZE // 512}, bytearray(1)",
        f"disk.readblocks, {SIZE // 512 - 1}, bytearray(513)",
        "disk.readblocks, -1, bytearray(1)",
        "disk.readblocks, 1 << 64, bytearray(1)",
        "disk.readblocks, 0, bytearray(1), 1 << 63",
        "disk.writeblocks, 0, b'', -1",
        "part.writeblocks, 2, b'a'",
        "part.writeblocks, 1, b'a', 4096",
        "part.readblocks, 1, bytearray(2), 4095",
    ):
        assert vm.eval(f"attempt({call})") == EINVAL
    # Memory that is not there, and the kernel's own code.
    assert (
        vm.eval("attempt(disk.writeblocks, 0, uctypes.bytearray_at(0x700000000000, 512))")
        == EFAULT
    )
    assert vm.eval("attempt(disk.readblocks, 0, uctypes.bytearray_at(0x100000, 512))") == EFAULT
    for arguments in (
        "1",
        "0, 1",
        "0, 512, 8388608",
        "0, 1 << 63, 1 << 63",
        "0, 0, 512, 1000",
        "0, 0, 512, 0",
    ):
        vm.exec(f"try: _block.Block({arguments}); taken = True\nexcept ValueError: taken = False")
        assert vm.eval("taken") is False, arguments


def test_contexts(machine):
    """From callbacks, with interrupts off, and after a soft reset in the middle."""
    vm = machine(PCI, FILE, smp=3)
    vm.exec("find(); import machine; buf = bytearray(512); disk = _block.Block(0)")
    vm.exec(
        "state = machine.disable_irq(); got = attempt(disk.readblocks, 0, buf)\n"
        "machine.enable_irq(state)"
    )
    assert vm.eval("got") == 0
    # A hard callback is refused, a soft one is served.
    said = vm.exec(
        "served = []\n"
        "def callback(timer):\n    disk.readblocks(1, buf); served.append(1)\n"
        "timer = machine.Timer(period=1, hard=True, callback=callback)\n"
        "for i in range(100): disk.readblocks(i, bytearray(4096))\n"
        "time.sleep_ms(5); timer.deinit(); print(len(served))\n"
        "timer = machine.Timer(period=1, hard=False, callback=callback)\n"
        "while len(served) < 5: disk.readblocks(3, bytearray(4096))\n"
        "timer.deinit()"
    )
    assert "in a hard callback" in said and "\r\n0\r\n" in said.replace("\n", "\r\n").replace(
        "\r\r", "\r"
    ), said
    vm.exec(
        "import cpus\n"
        "def work(number, cpu, count):\n"
        "    import _block\n"
        "    disk = _block.Block(number)\n"
        "    for i in range(count):\n"
        "        data = bytes((cpu, i)) * 256 * (1 + i % 16)\n"
        "        place = cpu * 4096 + i % 30 * 64\n"
        "        disk.writeblocks(place, data)\n"
        "        got = bytearray(len(data))\n"
        "        disk.readblocks(place, got)\n"
        "        assert got == data\n"
        "    return count"
    )
    for number in range(3):
        assert vm.eval(
            f"(lambda calls: (work({number}, 0, 40), [call.result() for call in calls]))"
            f"([cpu.run(work, {number}, i + 1, 40) for i, cpu in enumerate(cpus.all()[1:])])",
            timeout=60,
        ) == (40, [40, 40])
    assert vm.eval("cpus.all()[1].run(eval, '__import__(\"_nvme\").find()').result()") == vm.eval(
        "_nvme.find()"
    )
    vm.exec("calls = [cpu.run(work, i, i + 1, 10 ** 6) for i, cpu in enumerate(cpus.all()[1:])]")
    vm.soft_reset()
    vm.exec(SETUP + MODEL)
    assert len(vm.eval("find()")) == 3
    for number in range(3):
        assert vm.eval(f"check({number}, 30)", timeout=60) == SIZE
    assert vm.eval("__import__('frames').check()") is True


def test_errors(machine, folder):
    """What the device cannot read or write is EIO, and all else goes on."""
    rules = folder / "errors.conf"
    rules.write_text(
        '[inject-error]\nevent = "read_aio"\nerrno = "5"\nsector = "100"\n'
        '[inject-error]\nevent = "write_aio"\nerrno = "5"\nsector = "200"\n'
    )
    drive = (
        f"file.driver=blkdebug,file.config={rules},file.image.driver=file,file.image.filename={{}},"
        "rerror=report,werror=report"
    )
    vm = machine(PCI, drive)
    vm.exec("find(); buf = bytearray(512); large = bytearray(65536)")
    for number in range(3):
        vm.exec(f"disk = _block.Block({number})")
        for call, expected in (
            ("disk.readblocks, 100, buf", EIO),
            ("disk.readblocks, 99, buf", 0),
            ("disk.readblocks, 64, large", EIO),
            ("disk.writeblocks, 200, buf", EIO),
            ("disk.writeblocks, 199, buf", 0),
            ("disk.readblocks, 200, buf", 0),
            ("disk.ioctl, 3, 0", 0),
        ):
            assert vm.eval(f"attempt({call})") == expected, (number, call)


def test_read_only(machine):
    vm = machine(("virtio", "nvme"), FILE + ",readonly=on")
    vm.exec("find()")
    for number in range(2):
        vm.exec(f"disk = _block.Block({number})")
        assert vm.eval("attempt(disk.readblocks, 0, bytearray(512))") == 0
        # QEMU's NVMe does not say why.
        assert vm.eval("attempt(disk.writeblocks, 0, bytearray(512))") == (EROFS, EIO)[number]
    assert vm.eval("_block.Block(0).readonly") is True


def test_pulled(boot, folder):
    """A disk that is gone is ENODEV, at once, and is found no more; what comes in its place is."""
    (folder / "a.img").write_bytes(bytes(SIZE))
    (folder / "b.img").write_bytes(bytes(SIZE))
    extra = (
        "-device pcie-root-port,id=r1,chassis=1,slot=1 -device virtio-blk-pci,drive=a,id=da,bus=r1"
        " -device pcie-root-port,id=r2,chassis=2,slot=2 -device nvme,drive=b,serial=1,id=db,bus=r2"
        f" -drive if=none,id=a,format=raw,file={folder}/a.img"
        f" -drive if=none,id=b,format=raw,file={folder}/b.img"
    ).split()
    vm = boot(extra=extra).boot()
    vm.exec(
        SETUP
        + "import pci\nfind(); buf = bytearray(512); disks = [_block.Block(i) for i in (0, 1)]"
    )
    assert vm.eval("[attempt(disk.readblocks, 0, buf) for disk in disks]") == [0, 0]
    for name in ("da", "db"):
        vm.qmp.command("device_del", id=name)
    # PCI Express 7.5.3.10: the slot's power goes off, as the button asked for.
    vm.exec(
        "for port in pci.scan():\n"
        "    at = port.capability(0x10)\n"
        "    if at and port.is_bridge(): port.write16(at + 0x18, port.read16(at + 0x18) | 0x700)"
    )
    deadline = time.monotonic() + 20
    while vm.eval("len([one for one in pci.scan() if one.class_code >> 16 == 1])"):
        assert time.monotonic() < deadline
    started = vm.eval("time.ticks_ms()")
    assert vm.eval("[attempt(disk.writeblocks, 0, buf) for disk in disks * 2]") == [ENODEV] * 4
    assert vm.eval(f"time.ticks_diff(time.ticks_ms(), {started}) < 5000")
    assert vm.eval("find()") == []


def test_too_slow(machine):
    """A device that does not answer for ten seconds is stopped, and can be started anew."""
    vm = machine(("virtio",), FILE + ",throttling.bps-total=4096")
    vm.exec("find(); disk = _block.Block(0); buf = bytearray(65536)")
    while (got := vm.eval("attempt(disk.readblocks, 0, buf)", timeout=60)) == 0:
        pass
    assert got == ETIMEDOUT
    assert vm.eval("attempt(disk.readblocks, 0, buf)") == ENODEV
    assert [disk[0] for disk in vm.eval("find()", timeout=60)] == [1]


@pytest.mark.parametrize(("board", "firmware"), [("q35", "bios"), ("pc", "bios"), ("q35", "uefi")])
def test_grub(kernel, folder, board, firmware):
    """The same after firmware and GRUB, which have had the devices before."""
    app = folder / "main.py"
    app.write_text(SETUP + MODEL + "print([check(disk[0], 30) for disk in find()])\n")
    pack("iso", kernel, folder / "drives.iso", "--app", app)
    command = [sys.executable, ROOT / "scripts/run.py", "--image", folder / "drives.iso"]
    command += ["--board", board, "--firmware", firmware, "--timeout", "90"]
    for bus in PCI:
        (folder / bus).write_bytes(bytes(SIZE))
        command += ["--disk", f"{folder / bus},bus={bus}"]
    done = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0 and str([SIZE] * 3) in done.stdout, done.stdout + done.stderr
