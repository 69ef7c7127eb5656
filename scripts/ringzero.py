#!/usr/bin/env python3
"""MicroPython as a kernel: its prompt, programs on it, images, boot tests.

  ringzero                            the prompt, on this terminal; Ctrl-A X leaves
  ringzero run PROGRAM [OPTION ...]   a .py file, or a folder with a main.py; its exit status
  ringzero image PROGRAM -o FILE      an image that boots on BIOS and UEFI, or a kernel's file
  ringzero test [ARGUMENT ...]        boot tests: pytest with the plugin
  ringzero new FOLDER                 a folder with a conftest.py and three tests that pass
  ringzero doctor                     what is missing on this machine, and what installs it

run, image and test have a --help of their own. The reference of its Python, the kernel's options
and the plugin are described in these files:

  {}
"""

import argparse
import os
import shutil
import sys
from importlib import metadata
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent
ROOT = SCRIPTS.parent
TEMPLATE = ROOT / "tests" / "kit" / "new"
TEXTS = ["modules/README.md", "board/README.md", "tests/kit/README.md"]

# What for, a command or a file, and Debian's package.
NEEDS = [
    ("run", "qemu-system-x86_64", "qemu-system-x86"),
    ("run --firmware uefi", "/usr/share/OVMF/OVMF_CODE_4M.fd", "ovmf"),
    ("image", "grub-mkimage", "grub-common"),
    ("image: BIOS", "/usr/lib/grub/i386-pc/boot.img", "grub-pc-bin"),
    ("image: UEFI", "/usr/lib/grub/x86_64-efi/multiboot2.mod", "grub-efi-amd64-bin"),
    ("image", "mformat", "mtools"),
    ("image: .iso", "xorriso", "xorriso"),
]


def run_python(*arguments):
    """Go on as this Python with these arguments."""
    if sys.stdout:  # it is open
        sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *map(str, arguments)])


def image(arguments):
    parser = argparse.ArgumentParser(prog="ringzero image", allow_abbrev=False)
    add = parser.add_argument
    add("program", type=Path, nargs="?", help="instead of the prompt: a .py file, or a folder")
    add(
        "-o",
        "--output",
        required=True,
        metavar="FILE",
        help=".iso for a CD or a USB stick; .img for a disk; .elf for the kernel with the program"
        " in it, for QEMU's -kernel; FOLDER/ for a TFTP server, to boot from the network",
    )
    add("--freeze", action="store_true", help="compile its modules, into the kernel's file")
    add("--append", default="", metavar="CMDLINE", help="the kernel's options")
    options = parser.parse_args(arguments)
    kinds = {".iso": "iso", ".img": "disk", ".elf": "elf"}
    output = options.output
    kind = "net" if output.endswith("/") else kinds.get(Path(output).suffix)
    if not kind:
        parser.error(f"{output}: an image is an .iso, an .img, an .elf or a FOLDER/")
    command = [SCRIPTS / "image.py", kind, "--output", output]
    command += ["--append", options.append] if options.append else []
    command += ["--app", options.program] if options.program else []
    # In the kernel's own file it can be no other way.
    freeze = options.freeze or kind == "elf"
    run_python(*command, *(["--freeze"] if freeze else []))


def new(arguments):
    parser = argparse.ArgumentParser(prog="ringzero new", allow_abbrev=False)
    parser.add_argument("folder", type=Path, help="where there is nothing yet")
    folder = parser.parse_args(arguments).folder
    if folder.exists():
        parser.error(f"{folder} is there already")
    try:
        shutil.copytree(TEMPLATE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    except OSError as error:
        sys.exit(f"ringzero new: {error}")
    print(f"{folder}: 'ringzero test {folder}' runs the tests in it")


def doctor(arguments):
    argparse.ArgumentParser(prog="ringzero doctor").parse_args(arguments)
    missing = []
    for use, wanted, package in NEEDS:
        there = os.path.exists(wanted) or shutil.which(wanted)
        print(f"{'ok' if there else 'missing':8} {use:20} {wanted}")
        if not there:
            missing.append(package)
    if not missing:
        return 0
    names = " ".join(missing)
    if shutil.which("apt-get"):
        sudo = "" if os.geteuid() == 0 else "sudo "
        print(f"\n{sudo}apt-get install --no-install-recommends {names}")
    else:
        print(f"\nInstall what Debian calls {names}")
    return 1


def main():
    arguments = sys.argv[1:]
    command, rest = (arguments[0], arguments[1:]) if arguments else ("run", [])
    if command == "run":
        run_python(SCRIPTS / "run.py", *rest)
    if command == "test":
        run_python("-m", "pytest", *rest)
    if command in ("-h", "--help"):
        print(__doc__.strip().format("\n  ".join(str(ROOT / name) for name in TEXTS)))
        return 0
    if command == "--version":
        print(metadata.version("ringzero"))
        return 0
    commands = {"image": image, "new": new, "doctor": doctor}
    if command not in commands:
        print(
            f"ringzero: no command {command}; 'ringzero --help' lists them, and 'ringzero run'"
            " takes programs and options",
            file=sys.stderr,
        )
        return 2
    return commands[command](rest)


if __name__ == "__main__":
    sys.exit(main())
