#!/usr/bin/env python3
"""Makes an image that starts the kernel through GRUB, on BIOS and on UEFI.

iso   for a CD, and for a USB stick as it is
disk  for a disk or a USB stick: a FAT partition, so that /boot/grub/grub.cfg on it, the kernel
      and the program can be changed afterwards; with --data a second one, which is kept as it is
      when the image is made anew
net   for a TFTP server: a folder, in which DHCP names bios.0 or uefi.efi as the file to boot
elf   the kernel alone, with a program in it: --freeze

The same files give the same bytes. Nothing here takes root.
"""

import argparse
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import embed
import run

ROOT = Path(__file__).resolve().parent.parent
KERNEL = ROOT / "build" / "kernel" / "ringzero.elf"
GRUB = Path("/usr/lib/grub")
NAME = "image.py" if run.IN_TREE else "ringzero image"
MISSING = "'scripts/setup.sh image' installs it" if run.IN_TREE else run.MISSING

SECTOR = 512
MIB = 1 << 20
# Where the disk's partition begins. GRUB's core lies between the first sector and here.
PARTITION_START = 2048  # sectors
DISK_LEAST = 16 * MIB  # below that mformat would choose FAT12, which not all firmware reads
DISK_SLACK = 4 * MIB  # for whoever adds files
BOOT_LEAST = 64 * MIB  # where data lie behind it: there is room for larger kernels
DATA_LEAST = MIB
DISK_MOST = 1 << 40  # bytes: sectors' numbers have 32 bits
# What our images have in their first sector, and where: the disk's signature, the partitions.
SIGNATURE = 0x474E4952
SIGNATURE_AT = 440
ENTRIES_AT = 446
DATA_TYPE = 0x0C  # FAT, by sector

# What GRUB needs to find its configuration, and to do what that says.
MODULES = ["normal", "multiboot2", "serial", "terminal", "echo", "lsmmap", "part_msdos", "fat"]
MODULES_BIOS = [*MODULES, "biosdisk"]
MODULES_EFI = [*MODULES, "efi_gop", "efi_uga"]
MODULES_ISO = ["iso9660", "search_fs_file"]
MODULES_NET = ["tftp"]


class Error(Exception):
    """What keeps an image from being made."""


def tool(*command, **options):
    try:
        done = subprocess.run(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **options,
        )
    except FileNotFoundError:
        raise Error(f"{command[0]} not found: {MISSING}") from None
    if done.returncode:
        raise Error(f"{shlex.join(str(word) for word in command)}:\n{done.stdout.strip()}")


def grub_words(command_line):
    """The options for GRUB's shell. Double quotes keep spaces, as in modules/cmdline.py."""
    lexer = shlex.shlex(command_line, posix=True)
    lexer.whitespace_split = True
    lexer.quotes = '"'
    lexer.escape = lexer.commenters = ""
    try:
        words = list(lexer)
    except ValueError:
        raise Error(f"--append {command_line}: a quote is not closed") from None
    for word in words:
        # GRUB itself would put a backslash before these.
        if re.search(r"[\\'\"]", word):
            raise Error(f"--append {word}: GRUB passes neither quotes nor backslashes on")
    return " ".join(f"'{word}'" for word in words)


def grub_config(place, command_line, modules, commands):
    """GRUB's menu with its only entry, which starts at once what is in that folder."""
    lines = [
        "set timeout=0",
        # Without a serial port the screen alone has to do.
        "if serial --unit=0 --speed=115200; then",
        "    terminal_input console serial",
        "    terminal_output console serial",
        "fi",
        "menuentry Ringzero {",
        *(f"    {command}" for command in commands),
        f"    multiboot2 {place}/ringzero.elf {grub_words(command_line)}".rstrip(),
        *(f"    module2 {place}/{name}" for name in modules),
        "}",
    ]
    return "".join(f"{line}\n" for line in lines)


def pack(options):
    """The program as a ROMFS, in bytes."""
    with tempfile.TemporaryDirectory() as folder:
        return run.pack(options.app, Path(folder), options.freeze).read_bytes()


def fill(folder, place, options):
    """Kernel and program into the folder that GRUB knows as `place`; GRUB's configuration."""
    kernel = embed.stripped(options.kernel.read_bytes())
    modules = []
    command_line = options.append
    if options.app:
        rom = pack(options)
        if options.freeze:
            kernel = embed.embed(kernel, rom, embed.place_of(options.kernel))
        else:
            (folder / "app.romfs").write_bytes(rom)
            modules.append("app.romfs")
        # As the launcher does it: the program instead of the prompt.
        command_line = f"{command_line} main=/rom/main.py".lstrip()
    (folder / "ringzero.elf").write_bytes(kernel)
    return grub_config(place, command_line, modules, options.grub_command)


def fill_tree(tree, options):
    """What GRUB reads once it runs: its configuration, the kernel, the program."""
    grub = tree / "boot" / "grub"
    grub.mkdir(parents=True)
    (grub / "grub.cfg").write_text(fill(tree / "boot", "/boot", options))


def make_grub(output, target, prefix, modules, config=None):
    command = ["grub-mkimage", "-O", target, "-o", output, "-p", prefix]
    if config:
        file = output.with_suffix(".cfg")
        file.write_text(config)
        command += ["-c", file]
    tool(*command, *modules)
    if config:
        file.unlink()


def make_fat(output, tree, least=0, slack=0, hidden=0, label="RINGZERO"):
    """A FAT file system with all that is in `tree`."""
    size = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file())
    size = max(least, (size + slack) // MIB * MIB + MIB)
    with output.open("wb") as file:
        file.truncate(size)
    # Its serial number is otherwise the time of day.
    tool(
        *("mformat", "-i", output, "-N", "52494e47", "-v", label, "-H", hidden),
        *("-T", size // SECTOR, "-h", 255, "-s", 63, "::"),
    )
    for path in sorted(tree.iterdir()):
        tool("mcopy", "-i", output, "-s", "-m", path, "::")


def set_times(tree, epoch):
    for path in [tree, *tree.rglob("*")]:
        os.utime(path, (epoch, epoch))


def data_of(image):
    """(start, sectors) of the data partition of an image that is there, or None: it has none.

    Error where it is no image of ours, or cut short.
    """
    if not image.exists():
        return None
    with image.open("rb") as file:
        first = file.read(SECTOR)
    if len(first) < SECTOR or struct.unpack_from("<I", first, SIGNATURE_AT)[0] != SIGNATURE:
        raise Error(f"{image} is none that was made here: take the file away first")
    kind = first[ENTRIES_AT + 16 + 4]
    start, sectors = struct.unpack_from("<II", first, ENTRIES_AT + 16 + 8)
    if not kind:
        return None
    if start <= PARTITION_START or (start + sectors) * SECTOR > image.stat().st_size:
        raise Error(f"{image}: its data partition is not all there: nothing has been changed")
    return start, sectors


def check_data(options):
    """The data partition that is to be kept, or None; Error where it is not what is asked for."""
    kept = data_of(options.output)
    wanted = run.memory_size(options.data, "--data") if options.data else None
    if wanted is not None and (wanted % MIB or not DATA_LEAST <= wanted < DISK_MOST):
        raise Error(f"--data {options.data}: it is a number of whole MiB, from 1M on")
    if kept and wanted and wanted != kept[1] * SECTOR:
        raise Error(
            f"{options.output} has {kept[1] * SECTOR // MIB} MiB of data, and --data says"
            f" {wanted // MIB}: take the file away first"
        )
    return kept, wanted


def add_data(work, options, disk, kept, start, size):
    """The data partition from sector `start` on: as it was, or a new FAT file system."""
    disk.seek(start * SECTOR)
    if kept:
        with options.output.open("rb") as old:
            old.seek(kept[0] * SECTOR)
            left = size
            while left:
                part = old.read(min(left, MIB))
                disk.write(part)
                left -= len(part)
        return
    (work / "data").mkdir()
    make_fat(work / "data.img", work / "data", size, 0, start, "DATA")
    with (work / "data.img").open("rb") as new:
        shutil.copyfileobj(new, disk)


def make_disk(work, options, epoch):
    kept, wanted = check_data(options)
    tree = work / "tree"
    fill_tree(tree, options)
    efi = tree / "EFI" / "BOOT"
    efi.mkdir(parents=True)
    make_grub(efi / "BOOTX64.EFI", "x86_64-efi", "/boot/grub", MODULES_EFI)
    set_times(tree, epoch)
    # Where data are kept they begin where they did.
    least = (kept[0] - PARTITION_START) * SECTOR if kept else BOOT_LEAST if wanted else DISK_LEAST
    make_fat(work / "fat.img", tree, least, DISK_SLACK, PARTITION_START)
    if kept and (work / "fat.img").stat().st_size > least:
        raise Error(f"{options.output}: kernel and program do not fit before its data any more")

    make_grub(work / "core.img", "i386-pc", "(,msdos1)/boot/grub", MODULES_BIOS)
    core = (work / "core.img").read_bytes()
    if len(core) > (PARTITION_START - 1) * SECTOR:
        raise Error(f"GRUB has {len(core)} bytes: too many to lie before the partition")
    # GRUB's boot sector loads what follows it, and core.img's first sector the rest of core.img,
    # as both come. grub/i386/pc/boot.h: the jump at 0x66 goes past a check of the drive's number,
    # which hard disks need with some BIOSes.
    boot = bytearray((GRUB / "i386-pc" / "boot.img").read_bytes())
    boot[0x66:0x68] = b"\x90\x90"
    sectors = (work / "fat.img").stat().st_size // SECTOR
    struct.pack_into("<I", boot, SIGNATURE_AT, SIGNATURE)
    # One active partition, an EFI system partition (type 0xef; UEFI 2.10, 5.2.2), by sector only.
    no_chs = b"\xfe\xff\xff"
    entry = b"\x80" + no_chs + b"\xef" + no_chs + struct.pack("<II", PARTITION_START, sectors)
    start = kept[0] if kept else PARTITION_START + sectors
    size = kept[1] * SECTOR if kept else wanted or 0
    if size:
        entry += (
            b"\0"
            + no_chs
            + bytes([DATA_TYPE])
            + no_chs
            + struct.pack("<II", start, size // SECTOR)
        )
    boot[ENTRIES_AT:512] = entry.ljust(64, b"\0") + b"\x55\xaa"
    with (work / "image").open("wb") as disk:
        disk.write(boot)
        disk.write(core)
        disk.seek(PARTITION_START * SECTOR)
        disk.write((work / "fat.img").read_bytes())
        if size:
            add_data(work, options, disk, kept, start, size)


def make_iso(work, options, epoch):
    tree = work / "tree"
    fill_tree(tree, options)
    efi = work / "fat" / "EFI" / "BOOT"
    efi.mkdir(parents=True)
    # UEFI starts GRUB from a FAT file system of its own.
    find = "search.file /boot/ringzero.elf root\nset prefix=($root)/boot/grub\n"
    modules = [*MODULES_EFI, *MODULES_ISO, "part_gpt"]
    make_grub(efi / "BOOTX64.EFI", "x86_64-efi", "/boot/grub", modules, find)
    set_times(work / "fat", epoch)
    make_fat(work / "efi.img", work / "fat")
    bios = tree / "boot" / "grub" / "bios.img"
    make_grub(bios, "i386-pc-eltorito", "/boot/grub", [*MODULES_BIOS, *MODULES_ISO])
    shutil.copyfile(work / "efi.img", tree / "boot" / "grub" / "efi.img")
    set_times(tree, epoch)
    tool(
        *("xorriso", "-as", "mkisofs", "-R", "-V", "RINGZERO", "-o", work / "image"),
        *("-b", "boot/grub/bios.img", "-no-emul-boot", "-boot-load-size", 4),
        *("-boot-info-table", "--grub2-boot-info"),
        *("--grub2-mbr", GRUB / "i386-pc" / "boot_hybrid.img"),
        *("--efi-boot", "boot/grub/efi.img", "-efi-boot-part", "--efi-boot-image"),
        *("--protective-msdos-label", tree),
    )


def make_net(work, options, _epoch):
    folder = work / "image"
    folder.mkdir()
    (folder / "grub.cfg").write_text(fill(folder, "$prefix", options))
    # All is in the folder from which GRUB itself has come, wherever the server has that.
    config = "set prefix=$cmdpath\n"
    make_grub(folder / "bios.0", "i386-pc-pxe", "", [*MODULES, *MODULES_NET, "pxe"], config)
    modules = [*MODULES_EFI, *MODULES_NET, "efinet"]
    make_grub(folder / "uefi.efi", "x86_64-efi", "", modules, config)


def make_elf(work, options, _epoch):
    if not options.freeze or options.append:
        raise Error("an .elf has a program in it with --freeze, and no command line")
    place = embed.place_of(options.kernel)
    kernel = embed.embed(options.kernel.read_bytes(), pack(options), place)
    (work / "image").write_bytes(kernel)


def replace(image, output):
    """The old one stays until the new one is there; so does each file in a folder."""
    if image.is_dir():
        for file in sorted(image.iterdir()):
            replace(file, output / file.name)
        return
    if output.is_dir():
        raise Error(f"{output} is a folder")
    output.parent.mkdir(parents=True, exist_ok=True)
    new = output.with_name(f".{output.name}.new")
    try:
        shutil.move(image, new)
        new.replace(output)
    except BaseException:
        new.unlink(missing_ok=True)
        raise


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("kind", choices=["iso", "disk", "net", "elf"])
    parser.add_argument("--kernel", type=Path, default=KERNEL, help="the kernel's ELF")
    parser.add_argument(
        "--app",
        type=Path,
        help="run this program instead of the prompt: a file, or a folder with a main.py",
    )
    parser.add_argument(
        "--freeze",
        action="store_true",
        help="compile the program's modules and put it into the kernel's file, not beside it",
    )
    parser.add_argument("--append", default="", metavar="CMDLINE", help="the kernel's options")
    parser.add_argument(
        "--grub-command",
        action="append",
        default=[],
        metavar="COMMAND",
        help="a command for GRUB to run before it loads the kernel",
    )
    parser.add_argument(
        "--data",
        metavar="SIZE",
        help="disk: a second partition of so many MiB for data, like 64M, with an empty FAT on it",
    )
    parser.add_argument("--output", type=Path, required=True)
    options = parser.parse_args()
    # Every file's date, so that it is not the image's day of making.
    epoch = os.environ.setdefault("SOURCE_DATE_EPOCH", "315532800")
    os.environ["TZ"] = "UTC"
    make = {"iso": make_iso, "disk": make_disk, "net": make_net, "elf": make_elf}[options.kind]
    with tempfile.TemporaryDirectory(prefix="ringzero-") as folder:
        work = Path(folder)
        try:
            if not options.kernel.is_file():
                raise Error(run.no_kernel(options.kernel))
            embed.check(options.kernel)
            if options.data and options.kind != "disk":
                raise Error("--data is for disks")
            if options.freeze and not options.app:
                raise Error("--freeze: which program? A file, or a folder with a main.py")
            make(work, options, int(epoch))
            replace(work / "image", options.output)
        except (Error, embed.Error, run.Error, OSError) as error:
            sys.exit(f"{NAME}: {error}")
    made = options.output
    size = sum(one.stat().st_size for one in (made.iterdir() if made.is_dir() else [made]))
    print(f"{made}: {size} bytes")


if __name__ == "__main__":
    main()
