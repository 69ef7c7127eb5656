"""Real boot loaders start the kernel, and what they say of memory reaches Python unchanged."""

import ast
import re
import subprocess
import sys
import time
import uuid

import pytest
import ringzero_vm
from images import ROOT, pack
from ringzero_vm import PANIC

MIB = 1 << 20
GIB = 1 << 30
USABLE = 1

# GRUB's words for the kinds of memory.
GRUB_KINDS = {
    "available RAM": 1,
    "reserved RAM": 2,
    "ACPI reclaimable RAM": 3,
    "ACPI non-volatile storage RAM": 4,
    "faulty RAM (BadRAM)": 5,
    "persistent RAM": 7,
}
SEABIOS = "/usr/share/seabios/bios-microvm.bin"
OPTIONS = 'word="two words" other=1'

PVH = [
    *((board, memory) for board in ("q35", "pc") for memory in ("16M", "256M", "5G")),
    *(("microvm", memory) for memory in ("4M", "64M", "5G")),
]
GRUB = [
    *((board, "bios", kind, "256M") for board in ("q35", "pc") for kind in ("cd", "disk", "usb")),
    *((board, "bios", "disk", memory) for board in ("q35", "pc") for memory in ("32M", "5G")),
    *(("q35", "uefi", kind, "256M") for kind in ("cd", "disk", "usb", "iso on usb")),
    ("q35", "bios", "iso on usb", "64M"),
    ("q35", "uefi", "disk", "5G"),
    ("pc", "uefi", "disk", "128M"),
    ("q35", "bios", "net", "256M"),
    ("q35", "uefi", "net", "256M"),
]


@pytest.fixture(scope="session")
def image(kernel, tmp_path_factory):
    """Makes an image of a kind, once; before the kernel GRUB shows its memory map."""
    folder = tmp_path_factory.mktemp("images")

    def image(kind, app=None):
        path = folder / f"{app.stem if app else 'plain'}.{kind}"
        if not path.exists():
            arguments = ["--append", OPTIONS, "--grub-command", "lsmmap"]
            pack(kind, kernel, path, *arguments, *(["--app", app] if app else []))
        return path

    return image


@pytest.fixture
def boot_image(boot, image):
    """Boots an image: a kind of it or a medium with one, and the firmware to boot it with."""

    def boot_image(kind, firmware, app=None, **options):
        file, medium = {
            "cd": ("iso", "cd"),
            "disk": ("disk", "disk"),
            "usb": ("disk", "usb"),
            "iso on usb": ("iso", "usb"),
            "net": ("net", None),
        }[kind]
        launcher = ["--image", image(file, app), "--firmware", firmware]
        launcher += ["--medium", medium] if medium else []
        return boot(launcher=launcher, wait=100, **options).boot()

    return boot_image


def merged(ranges):
    """Sorted (start, end) ranges with those that touch made one."""
    result = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1]:
            result[-1][1] = max(end, result[-1][1])
        else:
            result.append([start, end])
    return [tuple(one) for one in result]


def usable(regions):
    return merged((start, start + size) for start, size, kind in regions if kind == USABLE)


def size_of(ranges):
    return sum(end - start for start, end in ranges)


def ram_of(vm):
    """The machine's RAM as QEMU has it."""
    text = vm.qmp.command("human-monitor-command", command_line="info mtree -f")
    # One flat view each for memory, I/O and the like; the devices' are as the CPU's or less.
    view = next(part for part in text.split("FlatView #") if '"memory"' in part)
    found = re.findall(r"([0-9a-f]{16})-([0-9a-f]{16}) \(prio -?\d+, ram\): \S*\.ram\b", view)
    return merged((int(start, 16), int(end, 16) + 1) for start, end in found)


def raw_of(vm):
    return ast.literal_eval(vm.exec("import memmap; print(memmap.raw())"))


def check_against_machine(vm, memory, most_lost):
    """All usable memory is RAM of the machine's, and nearly all of that is usable."""
    ram = ram_of(vm)
    size = int(memory[:-1]) * (MIB if memory.endswith("M") else GIB)
    assert size - 384 * 1024 <= size_of(ram) <= size + 512 * 1024
    found = usable(raw_of(vm))
    for start, end in found:
        assert any(low <= start and end <= high for low, high in ram), f"{start:#x} to {end:#x}"
    assert size_of(ram) - size_of(found) <= most_lost
    assert vm.eval("memmap.total()") == size_of(found)


@pytest.mark.parametrize("board, memory", PVH)
def test_pvh(vm, memory):
    """QEMU's own loader: the map is that of QEMU's RAM, less what the firmware keeps."""
    assert vm.eval("__import__('bootinfo').protocol") == "pvh"
    check_against_machine(vm, memory, MIB)


@pytest.mark.parametrize("memory", ["8M", "5G"])
def test_pvh_seabios(boot, memory):
    """A microvm's other firmware, which starts the kernel by an option ROM."""
    vm = boot(board="microvm", memory=memory, extra=["-bios", SEABIOS]).boot()
    assert vm.eval("__import__('bootinfo').protocol") == "pvh"
    check_against_machine(vm, memory, MIB)


@pytest.mark.timeout(200)
@pytest.mark.parametrize("board, firmware, kind, memory", GRUB)
def test_grub(boot_image, board, firmware, kind, memory):
    """GRUB, from any medium: the map is the one that GRUB itself shows, and fits QEMU's RAM."""
    vm = boot_image(kind, firmware, board=board, memory=memory)
    assert vm.eval("__import__('bootinfo').protocol") == "multiboot2"
    vm.exec("import bootinfo, cmdline")
    assert vm.eval("cmdline.parse(bootinfo.cmdline)") == {"word": "two words", "other": "1"}
    assert vm.eval("__import__('memmap').rsdp") is not None
    listed = re.findall(
        r"base_addr = 0x([0-9a-f]+), length = 0x([0-9a-f]+), ((?:(?!base_addr)[^\r\n])+)",
        vm.transcript(),
    )
    shown = [
        (int(addr, 16), int(size, 16), GRUB_KINDS.get(kind, 2)) for addr, size, kind in listed
    ]
    raw = raw_of(vm)
    if firmware == "bios":
        assert list(raw) == shown
    else:
        # There is the firmware's own map besides, and on the serial port GRUB's console as well.
        assert usable(shown) == usable(raw)
    # What the network's boot ROM has it keeps.
    most_lost = 16 * MIB if firmware == "uefi" else 2 * MIB if kind == "net" else MIB
    check_against_machine(vm, memory, most_lost)
    vm.exec("import frames; frames.check()")


PROGRAM = """
import bootinfo, cmdline, other, sys
options = cmdline.parse(bootinfo.cmdline)
print('the program runs:', other.VALUE, len(bootinfo.modules), options['word'], options['main'])
sys.exit(9)
"""


@pytest.mark.timeout(200)
@pytest.mark.parametrize("firmware, kind", [("bios", "iso"), ("uefi", "disk")])
def test_program_in_the_image(launch, image, folder, firmware, kind):
    """A program that is in the image runs instead of the prompt, what it imports is there, and the
    machine ends with its status."""
    app = folder / "app"
    app.mkdir()
    (app / "main.py").write_text(PROGRAM)
    (app / "other.py").write_text("VALUE = 6 * 7\n")
    arguments = ["--image", image(kind, app), "--firmware", firmware, "--timeout", 90]
    done = launch(*arguments, timeout=120)
    assert done.returncode == 9
    assert "the program runs: 42 1 two words /rom/main.py\n" in done.stdout
    assert ">>> " not in done.stdout


# ---- input


IMAGES = [("bios", "iso"), ("bios", "disk"), ("uefi", "disk")]


@pytest.mark.timeout(200)
@pytest.mark.parametrize("firmware, kind", IMAGES)
def test_piped(launch, image, firmware, kind):
    """What is piped in arrives at the prompt, not at the loader's, and its end is a good end."""
    text = "print('one', 6 * 7)\nfor i in range(3):\n    print('i', i)\n"
    arguments = ["--image", image(kind), "--firmware", firmware, "--timeout", 90]
    done = launch(*arguments, typed=text.encode(), timeout=120)
    assert done.returncode == 0, done.stderr
    assert ">>> print('one', 6 * 7)\none 42\n>>> for" in done.stdout
    assert done.stdout.endswith("i 0\ni 1\ni 2\n>>> \n")
    assert done.stderr == ""


@pytest.mark.timeout(200)
def test_piped_exit(launch, image):
    """sys.exit() in what is piped in gives the status, whatever the image's command line says."""
    text = b"import sys\nsys.exit(5)\nprint('too', 'far')\n"
    done = launch("--image", image("iso"), "--timeout", 90, typed=text, timeout=120)
    assert done.returncode == 5
    assert "too far" not in done.stdout and "soft reboot" not in done.stdout


@pytest.mark.timeout(200)
def test_piped_into_a_program(launch, image, app):
    """A program in the image reads what is piped in, and its end as well."""
    program = app(
        "total = 0\n"
        "try:\n"
        "    while True:\n"
        "        total += int(input())\n"
        "except EOFError:\n"
        "    print('total', total)\n"
    )
    text = "".join(f"{i}\n" for i in range(1000))
    arguments = ["--image", image("iso", program), "--timeout", 90]
    done = launch(*arguments, typed=text.encode(), timeout=120)
    assert done.returncode == 0
    assert "\ntotal 499500\n" in done.stdout


# ---- the screen

MARK = "print('\\x1b[2J\\x1b[H|_X')"


def check_mark(is_on):
    """The mark in the first row: a bar's columns on end, then an underline's row."""
    bar = [x for x in range(8) if all(is_on(x, y) for y in range(14))]
    assert bar and not is_on(bar[0] - 1, 4) and not is_on(bar[-1] + 1, 4)
    assert all(is_on(x, 15) for x in range(8, 16)) and not any(is_on(x, 4) for x in range(8, 16))


@pytest.mark.timeout(200)
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_screen_of_grub(boot_image, folder, firmware):
    """The framebuffer that GRUB sets up shows text."""
    vm = boot_image("disk", firmware, extra=["-device", "VGA"])
    vm.exec(MARK)
    file = folder / "screen.ppm"
    vm.qmp.command("screendump", filename=str(file))
    kind, width, height, _, pixels = file.read_bytes().split(maxsplit=4)
    assert (kind, width, height) == (b"P6", b"1024", b"768")
    check_mark(lambda x, y: pixels[3 * (1024 * y + x)] == 255)


@pytest.mark.board("q35", "pc")
def test_screen_of_vga(boot, board):
    """With a VGA and no framebuffer the console is in VGA's memory, too, and scrolls."""
    vm = boot(board=board, extra=["-device", "VGA"]).boot()
    assert "MicroPython v" in vm.screen_text()
    vm.exec("for i in range(60): print('line', i)")
    rows = vm.screen_text().split("\n")
    at = rows.index("line 59")
    assert at > 20 and rows[at - 20 : at] == [f"line {i}" for i in range(39, 59)]


def test_panic_on_the_screen(boot, folder):
    """Without a serial port a panic can still be read."""
    arguments = (ROOT / "board/q35/qemu.args").read_text()
    board = folder / "board"
    board.mkdir()
    # So that the machine stays.
    (board / "qemu.args").write_text(re.sub(r"(?m)^-device isa-debug-exit.*", "", arguments))
    vm = boot(board=board, append="console=nonsense", extra=["-device", "VGA"])
    vm.repl.expect_exact("The machine has stopped.")
    text = vm.screen_text()
    assert "console=nonsense is not one of" in text
    assert "panic: _boot.py failed" in text


@pytest.mark.parametrize("console", ["screen", "none"])
def test_console(boot, console):
    """console= says where output goes."""
    vm = boot(append=f"console={console}", extra=["-device", "VGA"])
    # Input comes from the serial port in any case; what comes before the prompt may be lost.
    addr = 64 * MIB
    deadline = time.monotonic() + 30
    while vm.memory(addr, 4) != b"done" and time.monotonic() < deadline:
        vm.repl.sendline(f"import machine; machine.mem32[{addr:#x}] = 0x656e6f64")
    assert vm.memory(addr, 4) == b"done"
    assert vm.transcript() == ""
    assert (">>> import machine" in vm.screen_text()) == (console == "screen")


def test_screen_from_interrupts(boot):
    """Hard callbacks that print while the main program does leave one cursor."""
    vm = boot(extra=["-device", "VGA"]).boot()
    vm.exec("""
        import machine
        def say(timer):
            global count
            count += 1
            print()
        def run():
            global count
            count = 0
            timer = machine.Timer(-1, period=1, hard=True, callback=say)
            while count < 15:
                print("|" * 70, end="\\r")
            timer.deinit()
    """)
    for _ in range(20):
        vm.exec("run()")
        attributes = vm.memory(0xB8000, 80 * 25 * 2)[1::2]
        assert attributes.count(0x70) <= 1 and set(attributes) <= {0x07, 0x70}


@pytest.mark.parametrize("kind", ["iso", "disk", "net", "elf"])
def test_no_kernel(kind, tmp_path):
    """What is no kernel makes no image."""
    command = [sys.executable, ROOT / "scripts/image.py", kind, "--kernel", __file__]
    command += ["--freeze", "--app", __file__, "--output", tmp_path / "image"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stderr == f"image.py: {__file__} is no kernel: it is no ELF of 64 bits\n"
    assert done.returncode == 1 and not list(tmp_path.iterdir())


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_too_little_memory(boot, board):
    """Where memory ends before the kernel does, it says so instead of failing somewhere."""
    vm = boot(board=board, memory="4M", extra=("-m", "2M"))
    assert vm.wait_exit() == PANIC
    assert "needs more memory: 4 MiB at least" in vm.transcript()


@pytest.mark.parametrize("machine", ["q35", "pc", "microvm"])
def test_too_little_memory_without_the_launcher(kernel, machine):
    """So it does with all that firmware does in a machine as QEMU has it by itself."""
    command = ["qemu-system-x86_64", "-machine", machine, "-m", "2M", "-kernel", kernel]
    command += ["-serial", "stdio", "-display", "none"]
    command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=False, timeout=60
    )
    assert done.returncode == 0x70 << 1 | 1  # The status that the launcher calls PANIC.
    assert b"panic: this kernel needs more memory: 4 MiB at least\r\n" in done.stdout


def test_unique_id_under_uefi(boot_image):
    """The machine's UUID is found in the tables that UEFI's system table leads to."""
    number = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
    vm = boot_image("cd", "uefi", extra=("-uuid", number))
    found = vm.eval("__import__('machine').unique_id()")
    assert uuid.UUID(bytes_le=found) == uuid.UUID(number)
    # In Python, too, where there is nothing in the BIOS's memory.
    vm.exec("import smbios; table = smbios.table()")
    assert vm.eval("table.problem") is None
    assert vm.eval("smbios.structures(1)[0]['UUID']") == number
    vm.exec("import bootinfo; bootinfo.efi = None")
    with pytest.raises(ringzero_vm.GuestError, match="SMBIOS: no entry point"):
        vm.exec("smbios.table()")


@pytest.mark.parametrize("kind, firmware", [("cd", "bios"), ("disk", "uefi")])
def test_cpus_after_grub(boot_image, kind, firmware):
    """The other CPUs come up where firmware has had them before."""
    vm = boot_image(kind, firmware, smp=4)
    vm.exec("import cpus, frames")
    assert vm.eval("[cpu.apic_id for cpu in cpus.all()]") == [0, 1, 2, 3]
    assert vm.eval("cpus.each(cpus.here)") == [0, 1, 2, 3]
    assert vm.eval("frames.check()")
