"""Network interfaces by virtio, e1000 and e1000e, with the test at the other end of each cable."""

import contextlib

import pytest
from ringzero_vm import Wire

SETUP = """
import _nic, _nics, time
_nics.start()
def echo(nic, count):
    # Sends back what comes, with the addresses exchanged.
    while count:
        frame = _nic.take(nic)
        if frame is None:
            time.sleep_ms(0)
            continue
        frame = frame[6:12] + frame[:6] + frame[12:]
        while not _nic.send(nic, frame):
            pass
        count -= 1
def spin(nic):
    # Computes, without a wait and without an allocation.
    global seen
    print("go")
    number = 0
    try:
        while True:
            number = number * 5 + 1 & 0xFFFF
    except KeyboardInterrupt:
        seen = _nic.stats(nic)[0]
def taken(nic):
    found = []
    while frame := _nic.take(nic):
        found.append((frame[:6], frame[12] << 8 | frame[13], len(frame), sum(frame)))
    return found
def attempt(function, *args):
    try:
        return function(*args)
    except (OSError, ValueError, OverflowError) as error:
        return type(error).__name__
"""
US = b"\x52\x54\x00\x99\x99\x99"
MODELS = {"virtio": "virtio", "e1000": "e1000", "e1000e": "e1000"}
BURST = 500
RINGS = 256


@pytest.fixture
def machine(boot):
    """A guest with an interface of each model, and the other ends of their cables."""
    with contextlib.ExitStack() as stack:

        def make(models, listen=True, **options):
            wires = [stack.enter_context(contextlib.closing(Wire())) for _ in models]
            nets = [f"{wire},model={one}" for wire, one in zip(wires, models, strict=True)]
            vm = boot(nets=nets, **options).boot()
            vm.exec(SETUP)
            if listen:
                vm.exec(f"for nic in range({len(models)}): _nic.listen(nic, True)")
            return vm, [wire.end() for wire in wires]

        yield make


def frame_to(mac, size, number=0):
    """A frame of that size, each with other bytes."""
    data = mac + US + number.to_bytes(2, "big")
    return (data + bytes((number + i * 7) % 256 for i in range(size)))[:size]


def received(end):
    """The frames that have come, of which there is no further one."""
    end.settimeout(0.2)
    frames = []
    with contextlib.suppress(TimeoutError):
        while True:
            frames.append(end.recv(4096))
    end.settimeout(30)
    return frames


def check_sizes(vm, end, nic, mac):
    """Frames of all sizes come, whole and in order, and go."""
    sizes = [*range(14, 1515)]
    vm.repl.sendline(f"echo({nic}, {len(sizes)})")
    window = 8
    for start in range(0, len(sizes), window):
        part = sizes[start : start + window]
        for size in part:
            end.send(frame_to(mac, size, size))
        for size in part:
            sent, got = frame_to(mac, size, size), end.recv(4096)
            # The shortest are padded on the way (IEEE 802.3, 4.2.8).
            expected = US + mac + sent[12:]
            assert got[:size] == expected and len(got) <= max(size, 60)
            assert not any(got[size:])
    vm.repl.expect_exact(">>> ")


def check_burst(vm, end, nic, mac):
    """Nothing is lost while Python computes, and what has come waits in order."""
    before = vm.eval(f"_nic.stats({nic})")
    vm.repl.sendline(f"spin({nic})")
    vm.repl.expect_exact("go\r\n")
    frames = [frame_to(mac, 60 + number, number) for number in range(BURST)]
    for frame in frames:
        end.send(frame)
    vm.repl.send("\x03")
    vm.repl.expect_exact(">>> ")
    # The cable holds a few more, the device's ring not all.
    assert vm.eval("seen") - before[0] > RINGS + 100
    expected = [(mac, i, len(frame), sum(frame)) for i, frame in enumerate(frames)]
    assert vm.eval(f"taken({nic})") == expected
    now = vm.eval(f"_nic.stats({nic})")
    assert (now[0] - before[0], now[2] - before[2]) == (BURST, sum(map(len, frames)))
    assert now[4:] == before[4:]


def check_errors(vm, end, nic, mac, model):
    """What is too long, or for others, is counted and nothing else."""
    before = vm.eval(f"_nic.stats({nic})")
    end.send(frame_to(mac, 1518))
    end.send(frame_to(b"\x52\x54\x00\x01\x02\x03", 100))
    end.send(frame_to(b"\x33\x33\x00\x00\x00\x01", 100))
    end.send(frame_to(b"\xff" * 6, 100))
    vm.exec(f"while _nic.stats({nic})[0] < {before[0] + 2}: time.sleep_ms(1)")
    assert vm.eval(f"[_nic.take({nic})[:2] for _ in range(2)]") == [b"\x33\x33", b"\xff\xff"]
    now = vm.eval(f"_nic.stats({nic})")
    # The e1000s have let no frame of others through.
    assert (now[0] - before[0], now[5] - before[5]) == (2, 1)
    assert now[4] - before[4] == (model == "virtio")
    for size, expected in ((13, "OSError"), (1515, "OSError"), (14, True), (1514, True)):
        assert vm.eval(f"attempt(_nic.send, {nic}, bytes({size}))") == expected
    assert [len(end.recv(4096)) for _ in range(2)] in ([14, 1514], [60, 1514])
    assert vm.eval(f"attempt(_nic.send, {nic}, __import__('uctypes').bytearray_at(1 << 46, 60))")


@pytest.mark.parametrize(
    ("board", "models", "options"),
    [
        ("q35", ("virtio", "e1000", "e1000e"), {}),
        ("pc", ("e1000", "virtio"), {}),
        ("microvm", ("virtio",), {}),
        ("microvm", ("virtio",), {"extra": ["-global", "virtio-mmio.force-legacy=false"]}),
    ],
)
def test_frames(machine, board, models, options):
    """Every frame comes and goes once, whole and in order, by every device on every board."""
    vm, ends = machine(models, board=board, **options)
    texts = vm.eval("_nic._all()")
    assert [text.split("\x01")[0] for _, text in texts] == [MODELS[model] for model in models]
    # Asked again, they are the same.
    vm.exec("_nics.start()")
    assert vm.eval("_nic._all()") == texts
    for nic, (end, model) in enumerate(zip(ends, models, strict=True)):
        mac = vm.eval(f"_nic.mac({nic})")
        assert mac[:3] == b"\x52\x54\x00"
        vm.exec(f"while not _nic.link({nic}): time.sleep_ms(1)")
        check_sizes(vm, end, nic, mac)
        check_burst(vm, end, nic, mac)
        check_errors(vm, end, nic, mac, model)


def test_contexts(machine):
    """What may not ask is refused; who does not listen gets nothing; a soft reset ends all."""
    models = ("virtio", "e1000", "e1000e")
    vm, ends = machine(models, listen=False, smp=2)
    macs = [vm.eval(f"_nic.mac({nic})") for nic in range(3)]
    vm.exec("while not all(_nic.link(nic) for nic in range(3)): time.sleep_ms(1)")
    for number in ("-1", "3", "1 << 63", "1 << 64"):
        for call in ("mac", "link", "take", "stats"):
            error = vm.eval(f"attempt(_nic.{call}, {number})")
            assert error in ("OSError", "ValueError", "OverflowError")
    assert vm.eval("attempt(_nic._add, 2, bytes(96), '')") == "ValueError"
    assert vm.eval("attempt(_nic._add, 0, bytes(95), '')") == "ValueError"
    assert vm.eval(r"attempt(_nic._add, 1, b'\xff' * 96, '')") == "ValueError"
    vm.exec("import cpus; other = cpus.all()[1]")
    said = vm.exec(
        "try: other.run(eval, '__import__(\"_nic\").stats(0)').result()\n"
        "except RuntimeError as error: print(error)"
    )
    assert "CPU 0's" in said
    # Nobody listens, then somebody does, and then no more.
    for end, mac in zip(ends, macs, strict=True):
        end.send(frame_to(mac, 100))
    vm.exec("while [_nic.stats(nic)[4] for nic in range(3)] != [1] * 3: time.sleep_ms(1)")
    vm.exec("for nic in range(3): _nic.listen(nic, True)")
    for end, mac in zip(ends, macs, strict=True):
        for number in range(1100):
            end.send(frame_to(mac, 100, number))
    vm.exec("while [_nic.stats(nic)[4] for nic in range(3)] != [77] * 3: time.sleep_ms(1)")
    for nic in range(3):
        assert vm.eval(f"_nic.take({nic})[12:14]") == b"\0\0"
        vm.exec(f"_nic.listen({nic}, False)")
        assert vm.eval(f"(_nic.take({nic}), _nic.stats({nic})[4])") == (None, 1100)
        vm.exec(f"_nic.listen({nic}, True)")
    # In the middle of what comes.
    for end, mac in zip(ends, macs, strict=True):
        for number in range(100):
            end.send(frame_to(mac, 100, number))
    vm.soft_reset()
    for end, mac in zip(ends, macs, strict=True):
        end.send(frame_to(mac, 100))
    vm.exec("import frames; before = frames.stats()")
    vm.exec(SETUP + "for nic in range(3): _nic.listen(nic, True)")
    vm.exec("while not all(_nic.link(nic) for nic in range(3)): time.sleep_ms(1)")
    for nic, (end, mac) in enumerate(zip(ends, macs, strict=True)):
        received(end)
        vm.exec(f"while _nic.take({nic}): pass")
        check_burst(vm, end, nic, mac)
    assert vm.eval("frames.check()") is True


def test_pulled(boot):
    """A cable that is pulled is no link; a device that is gone is none, and others go on."""
    with contextlib.closing(Wire()) as wire:
        extra = []
        for nic, model in enumerate(("virtio-net-pci", "e1000e")):
            extra += f"-device pcie-root-port,id=r{nic},chassis={nic},slot={nic}".split()
            extra += f"-device {model},netdev=n{nic},bus=r{nic},id=d{nic},romfile=".split()
            extra += ["-netdev", f"user,restrict=on,id=n{nic}"]
        vm = boot(nets=[f"{wire},model=e1000"], extra=extra).boot()
        end = wire.end()
        vm.exec(SETUP + "for nic in range(3): _nic.listen(nic, True)")
        kinds = [text.split("\x01")[0] for _, text in vm.eval("_nic._all()")]
        assert kinds == ["e1000", "virtio", "e1000"]
        vm.exec("while not all(_nic.link(nic) for nic in range(3)): time.sleep_ms(1)")
        for up in (False, True):
            for nic, name in enumerate(("net0", "d0", "d1")):
                vm.qmp.command("set_link", name=name, up=up)
                vm.exec(f"while _nic.link({nic}) != {up}: time.sleep_ms(1)")
        vm.exec("import pci")
        for nic, name in ((1, "d0"), (2, "d1")):
            vm.qmp.command("device_del", id=name)
            # PCI Express 7.5.3.10: the slot's power goes off, as the button asked for.
            vm.exec(
                "for port in pci.scan():\n"
                "    at = port.capability(0x10)\n"
                "    if at and port.is_bridge():\n"
                "        port.write16(at + 0x18, port.read16(at + 0x18) | 0x700)\n"
                f"while _nic.link({nic}): time.sleep_ms(1)\n"
                f"for _ in range(300): _nic.send({nic}, bytes(60))"
            )
            assert vm.eval(f"(_nic.send({nic}, bytes(60)), _nic.take({nic}))") == (False, None)
        assert [number for number, _ in vm.eval("_nic._all()")] == [0]
        check_burst(vm, end, 0, vm.eval("_nic.mac(0)"))
