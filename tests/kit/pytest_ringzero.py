"""A pytest plugin that boots a Ringzero kernel on QEMU.

Fixtures: `kernel`, the ELF, built once per run; `vm`, a guest at its prompt; `boot`, which makes
guests of any other kind. Each test may say what machine it wants, with one value or with several,
which makes one test of each:

    @pytest.mark.board("q35", "microvm")
    @pytest.mark.memory("64M")
    def test_sum(vm):
        assert vm.eval("1 + 1") == 2

The marker disk(size="64M", bus="virtio", file=None) gives the machine of `vm` a disk, empty or
with a copy of a file; the fixture `disk` is its image's path. Several markers give several disks,
from the last one up, and `disks` has all paths.

The marker screen gives it a VGA: vm.screen() and vm.screen_text().

The marker net(*ports, model="virtio") gives it a network interface, on a network of QEMU's own;
vm.port(80) is the host's port that leads to the guest's, where 80 is among the ports. The fixture
`wire` is a cable, for `nets` of two guests of `boot`, or of one and the test itself.

The markers board, memory, smp and accel also are fixtures of those names, so that
`pytest.mark.parametrize("board, memory", [...])` works as well. The marker timeout is
pytest-timeout's; here it also bounds the waits.

For a kernel of another kind the project's configuration says what it is,

    [tool.pytest.ini_options]
    guest_kernel = "build/kernel.elf"
    guest_prompt = "^# "
    guest_panics = "^BUG: "
    guest_exit_device = "isa-debug-exit,iobase=0xf4,iosize=4"

or for single tests the marker guest(kernel=, prompt=, panics=, exit_device=).

--console=PLACE runs the tests on one machine that is there already, whose console is a serial
device or HOST:PORT; with --lg-env it is that of labgrid's target (ringzero_labgrid.py). Tests that
take what only QEMU can do have the marker qemu, and are skipped there like those that want `boot`,
and those that ask for more or less of memory or CPUs than --memory and --smp say that it has.
"""

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ringzero_vm import ROOT, VM, Guest, Wire, launcher_module

AXES = {"board": "q35", "memory": "256M", "smp": 1, "accel": "tcg"}
GUEST = {
    "kernel": "the kernel that is booted, an ELF",
    "prompt": "a pattern for its prompt",
    "panics": "a pattern for what it says first when it panics",
    "exit_device": "QEMU's device by which it ends the machine, with a status",
}
WAIT = 30.0  # seconds
WAIT_ELSEWHERE = 120.0  # for a machine that may be much slower, or starts from its switch on
GUESTS = pytest.StashKey()  # an item's
PROBLEM = pytest.StashKey()  # of the session's build, in words
LINES = 60  # of a console that are shown when a test fails


def pytest_addoption(parser):
    group = parser.getgroup("ringzero", "boot tests on QEMU")
    group.addoption(
        "--kernel",
        metavar="ELF",
        help="boot this kernel and build none (write --kernel=ELF: pytest takes a "
        "path that stands alone for one to tests)",
    )
    for axis, default in AXES.items():
        text = f"what tests get that ask for no {axis} (default {default})"
        group.addoption(f"--{axis}", default=default, type=type(default), help=text)
    for name, text in GUEST.items():
        parser.addini(f"guest_{name}", f"{text}; without it, Ringzero's")
    group.addoption(
        "--console",
        metavar="PLACE",
        help="run the tests at the prompt there: a serial device, or HOST:PORT",
    )
    group.addoption(
        "--lg-places",
        metavar="NAME,...",
        help="labgrid's places for --lg-env, one for each of pytest-xdist's processes",
    )
    group.addoption(
        "--gdb", action="store_true", help="stop each guest before its first instruction"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    places = config.option.lg_places
    if places:
        # labgrid's own plugin then reads its environment, which names the place by this.
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])
        names = places.split(",")
        os.environ["LG_PLACE"] = names[worker % len(names)]
    for axis in AXES:
        text = f"{axis}(value, ...): the {axis} of the test's machine, one test for each"
        config.addinivalue_line("markers", text)
    text = "qemu: the test takes what only QEMU can do: memory, its protocol, an NMI, a machine"
    config.addinivalue_line("markers", text)
    text = "disk(size='64M', bus='virtio', file=None): a disk, empty or with a copy of a file"
    config.addinivalue_line("markers", text)
    text = "net(port, ..., model='virtio'): a network interface, ports of the host that lead there"
    config.addinivalue_line("markers", text)
    config.addinivalue_line("markers", "screen: a VGA, for screen() and screen_text()")
    text = "guest(kernel=, prompt=, panics=, exit_device=): a kernel of another kind"
    config.addinivalue_line("markers", text)


def pytest_generate_tests(metafunc):
    for axis in AXES:
        marker = metafunc.definition.get_closest_marker(axis)
        if marker and axis in metafunc.fixturenames:
            metafunc.parametrize(axis, values_of(axis, marker.args, metafunc.config))


def values_of(axis, values, config):
    """Those that make a test each; where a machine is there already, it is what it is."""
    if not elsewhere(config):
        return values
    if axis in ("memory", "smp"):
        return [one for one in values if one == config.getoption(axis)]
    return values[:1]


def elsewhere(config):
    """Whether the machine is one that is there already."""
    return bool(config.option.console or getattr(config.option, "lg_env", None))


def pytest_collection_modifyitems(config, items):
    if elsewhere(config):
        why = pytest.mark.skip(reason="only QEMU, started here, can do this")
        for item in items:
            ours = any(item.get_closest_marker(one) for one in ("qemu", "disk", "net", "screen"))
            if ours or "boot" in getattr(item, "fixturenames", ()):
                item.add_marker(why)
    if config.option.gdb:
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)


def axis_fixture(axis):
    def value(request):
        return request.config.getoption(axis)

    value.__doc__ = f"The {axis} of the test's machine."
    return pytest.fixture(name=axis)(value)


board, memory, smp, accel = (axis_fixture(axis) for axis in AXES)


@pytest.fixture(scope="session")
def kernel(request):
    """The kernel's ELF, built once per run, however many processes share the run."""
    given = other_kernel(request.config)
    if given:
        return Path(given).resolve()
    problem = request.config.stash[PROBLEM]
    if problem:
        pytest.fail("the kernel does not build:\n" + problem[-4000:], pytrace=False)
    return ROOT / "build" / "kernel" / "ringzero.elf"


def other_kernel(config):
    """The kernel that is given, and not to be built."""
    configured = config.getini("guest_kernel")
    return config.option.kernel or configured and config.rootpath / configured


def guest_options(item):
    """What VM is told of a kernel of another kind."""
    options = {name: item.config.getini(f"guest_{name}") for name in GUEST if name != "kernel"}
    marker = item.get_closest_marker("guest")
    if marker and marker.args:
        pytest.fail("the marker guest takes keywords alone: guest(kernel=...)", pytrace=False)
    return {name: value for name, value in options.items() if value} | (
        marker.kwargs if marker else {}
    )


def pytest_collection_finish(session):
    """Build the kernel where a test wants it, before the clock of the first test runs."""
    config = session.config
    config.stash[PROBLEM] = ""
    # `vm` asks for it only when it runs.
    wanted = any({"kernel", "vm"} & {*getattr(item, "fixturenames", ())} for item in session.items)
    in_tree = (ROOT / "Makefile").is_file()
    if not wanted or not in_tree or other_kernel(config) or config.option.collectonly:
        return
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    lock = ROOT / "build" / "tests" / "kernel.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        done, _, problem = file.read().partition("\n")
        if not run or done != run:
            problem = build()
            file.truncate(0)
            file.write(f"{run}\n{problem}")
        config.stash[PROBLEM] = problem


def build():
    """What make said if it failed, else nothing."""
    # Not the variables of a make that may have called us.
    environment = {name: os.environ[name] for name in os.environ if "MAKE" not in name}
    done = subprocess.run(
        ["make", "-C", str(ROOT), "kernel"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return f"status {done.returncode}: {done.stdout}" if done.returncode else ""


def folder_name(nodeid):
    """That of the test's own folder, another one for each test."""
    name = re.sub(r"[^\w.=,+\[\]-]+", "-", nodeid)
    if re.fullmatch(r"[\w./=,+]+(::\w+)*(\[[\w.=,+-]*\])?", nodeid) and len(name) <= 200:
        return name
    # Others may differ only in what became a "-", or was cut off.
    return f"{name[-190:]}-{hashlib.sha256(nodeid.encode()).hexdigest()[:8]}"


@pytest.fixture
def folder(request):
    """The test's own folder, build/tests/<test>, empty at its start and kept after its end."""
    path = request.config.rootpath / "build" / "tests" / folder_name(request.node.nodeid)
    try:
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(parents=True)
    except OSError as error:
        pytest.fail(f"no folder for what this test leaves: {error}", pytrace=False)
    return path


@pytest.fixture
def boot(request, kernel, folder):
    """A function that boots a guest, with what VM takes; it does not wait for a prompt."""
    marker = request.node.get_closest_marker("timeout")
    machine = {"kernel": kernel, "gdb": request.config.option.gdb, "wait": WAIT}
    machine |= guest_options(request.node)
    limit = [*marker.args, marker.kwargs.get("timeout")][0] if marker else None
    if limit:
        # A little before the test's own end, so that it is the wait that fails, and says why.
        machine.update(wait=None, deadline=time.monotonic() + 0.9 * limit)
    guests = request.node.stash.setdefault(GUESTS, [])
    with contextlib.ExitStack() as stack:

        def boot(**options):
            guest = VM(folder=folder, **{**machine, **options})
            stack.callback(guest.close)
            guests.append(guest)
            if guest.gdb:
                announce(request.config, guest)
            return guest

        yield boot
        for guest in guests:
            guest.check()


@pytest.fixture(scope="session")
def console(request):
    """A file descriptor, the line to the machine that is there already, and what switches that off
    and on, or None."""
    place = request.config.option.console
    if not place:
        from ringzero_labgrid import line

        kernel = request.getfixturevalue("kernel")
        yield from line(request.getfixturevalue("target"), kernel)
    elif ":" in place:
        host, _, port = place.rpartition(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.setblocking(True)
            yield connection.fileno(), None
    else:
        from serial import Serial

        with Serial(place, 115200) as port:
            os.set_blocking(port.fileno(), True)
            yield port.fileno(), None


@pytest.fixture
def disks(request, tmp_path):
    """The paths of the images of the disks that the test's markers ask for."""
    return [
        disk_image(tmp_path / f"disk{number}.img", *disk_options(marker)[::2])
        for number, marker in enumerate(request.node.iter_markers("disk"))
    ]


def disk_options(marker):
    """(size, bus, file) that a marker disk names."""

    def options(size="64M", bus="virtio", file=None):
        return size, bus, file

    return options(*marker.args, **marker.kwargs)


def disk_image(path, size, file):
    with open(path, "xb") as image:
        image.write(Path(file).read_bytes() if file else b"")
        least = 0 if file else launcher_module().memory_size(size, "disk's size")
        image.truncate(max(image.tell(), least))
    return path


@pytest.fixture
def disk(disks):
    """The path of the image of the test's disk."""
    return disks[0]


@pytest.fixture
def wire():
    """A cable between two guests, for `nets` of both."""
    with contextlib.closing(Wire()) as wire:
        yield wire


def user_net(*ports, model="virtio"):
    """What the launcher's --net takes for a marker."""
    return ",".join(["user", *(f"hostfwd=tcp:0:{port}" for port in ports), f"model={model}"])


@pytest.fixture
def vm(request, board, memory, smp, accel):
    """A guest at its prompt."""
    if not elsewhere(request.config):
        boot = request.getfixturevalue("boot")
        buses = [disk_options(one)[1] for one in request.node.iter_markers("disk")]
        paths = request.getfixturevalue("disks") if buses else []
        given = [f"{path},bus={bus}" for path, bus in zip(paths, buses, strict=True)]
        machine = {"board": board, "memory": memory, "smp": smp, "accel": accel}
        nets = [user_net(*one.args, **one.kwargs) for one in request.node.iter_markers("net")]
        extra = ["-device", "VGA"] if request.node.get_closest_marker("screen") else []
        yield boot(**machine, disks=given, nets=nets, extra=extra).boot()
        return
    kernel, folder = request.getfixturevalue("kernel"), request.getfixturevalue("folder")
    options = guest_options(request.node)
    options.pop("exit_device", None)
    with Guest(kernel, folder, wait=WAIT_ELSEWHERE, **options) as guest:
        request.node.stash.setdefault(GUESTS, []).append(guest)
        fd, restart = request.getfixturevalue("console")
        yield guest.attach(fd).start_over()
        guest.check()
    if restart and (guest.status is not None or guest.panic):
        restart()


def announce(config, guest):
    guest.qmp.command("query-status")  # answered when gdb's socket is there
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled() if capture else contextlib.nullcontext():
        print(f"\nwaiting for: {guest.gdb_command}", file=sys.stderr, flush=True)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if not report.failed:
        return
    for guest in item.stash.get(GUESTS, []):
        lines = guest.before_panic.splitlines()
        shown = "\n".join(lines[-LINES:])
        title = f"console, {min(LINES, len(lines))} of {len(lines)} lines, {guest.console_log}"
        report.sections.append((title, shown))
        # Where a wait has failed of it, it is the failure's own text.
        if guest.panic and guest.panic.splitlines()[0] not in str(report.longrepr):
            report.sections.append(("panic", guest.panic))
        with contextlib.suppress(AttributeError, OSError):  # of another machine's there is none
            report.sections.append(("QEMU's command", guest.command_file.read_text()))
            said = guest.launcher_log.read_text(errors="replace").strip()
            if said:
                report.sections.append(("launcher", said))
