"""machine.Console: streams to the host through virtio's consoles."""

import random
import socket
import threading
import time

import pytest

BUSES = {
    "q35": "-device virtio-serial-pci",
    "pc": "-device virtio-serial-pci,vectors=0",
    "microvm": "-device virtio-serial-device",
}
PORT = "-device virtserialport,chardev={0},name={0}"


@pytest.fixture
def machine(boot, folder):
    """A guest with ports of these names, and the host's end of each: machine(board, names)."""
    ends = []

    def make(board, names, port=PORT, **options):
        extra = BUSES[board].split()
        for name in names:
            path = folder / name
            extra += f"-chardev socket,id={name},path={path},server=on,wait=off".split()
            extra += port.format(name).split()
        vm = boot(board=board, extra=extra, **options).boot()
        for name in names:
            end = socket.socket(socket.AF_UNIX)
            ends.append(end)
            end.settimeout(30)
            end.connect(str(folder / name))
        vm.exec("import machine")
        return vm, ends

    yield make
    for end in ends:
        end.close()


def receive(end, size):
    got = bytearray()
    while len(got) < size:
        part = end.recv(size - len(got))
        assert part
        got += part
    return bytes(got)


@pytest.mark.parametrize("board", BUSES)
def test_bytes(machine, board):
    """What goes in on one side comes out on the other: little, and more than there is room for."""
    vm, (one, two) = machine(board, ("one", "org.ringzero.two"))
    vm.exec("a = machine.Console(0); b = machine.Console('org.ringzero.two', timeout=5000)")
    assert vm.eval("str(b)") == "Console(1, timeout=5000, name='org.ringzero.two')"
    vm.exec("a.write(b'to one'); b.write(b'to two')")
    assert receive(one, 6) + receive(two, 6) == b"to oneto two"
    assert vm.eval("(a.read(1), a.readinto(bytearray(0)))") == (None, 0)
    two.sendall(b"a line\nand")
    assert vm.eval("(b.readline(), b.read(3))") == (b"a line\n", b"and")
    data = random.Random(1).randbytes(3 << 20)
    sender = threading.Thread(target=two.sendall, args=(data,))
    sender.start()
    vm.exec(f"data = bytearray({len(data)}); n = b.readinto(data)")
    sender.join()
    assert vm.eval("n") == len(data)
    answer = []
    receiver = threading.Thread(target=lambda: answer.append(receive(two, len(data))))
    receiver.start()
    # Whoever has it flushed has it sent.
    vm.exec("b.write(data); b.flush()")
    receiver.join()
    assert answer == [data]


def test_waits(machine):
    """select and asyncio wait for it, it is a terminal, a write that waits can be left."""
    vm, (end,) = machine("q35", ("one",), smp=2)
    # Another CPU does not look for it.
    vm.exec(
        "import cpus\n"
        "try: cpus.all()[1].run('import machine; machine.Console()').result(); said = ''\n"
        "except ValueError as error: said = str(error)"
    )
    assert vm.eval("said") == "there is no console 0 that CPU 0 has found"
    vm.exec("import select, os, time; c = machine.Console(); p = select.poll(); p.register(c)")
    assert vm.eval("[kind for _, kind in p.poll(0)]") == [4]
    end.sendall(b"x")
    assert vm.eval("[kind & 1 for _, kind in (p.modify(c, 1) or p).poll(5000)]") == [1]
    assert vm.eval("c.read(9)") == b"x"
    end.sendall(b"a line\n")
    vm.exec(
        "import asyncio\n"
        "async def main():\n    return await asyncio.StreamReader(c).readline()\n"
        "line = asyncio.run(main())"
    )
    assert vm.eval("line") == b"a line\n"
    # Another CPU has it, too.
    vm.exec(
        "def send(text):\n    import machine\n    return machine.Console().write(text)\n"
        "assert cpus.all()[1].run(send, b'cpu 1').result() == 5"
    )
    assert receive(end, 5) == b"cpu 1"
    vm.exec("old = os.dupterm(c); print('on both'); os.dupterm(None)")
    assert receive(end, 9) == b"on both\r\n"
    # Nobody reads: Ctrl-C ends what waits.
    vm.repl.send("c.write(bytes(5 << 20))\r")
    time.sleep(1)
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")


def test_errors(machine):
    """What is not there, and where nothing may wait."""
    vm, (end,) = machine("microvm", ("one",), port="-device virtconsole,chardev={0}")
    assert vm.eval("machine.Console(0).write(b'abc')") == 3
    assert receive(end, 3) == b"abc"
    for arguments in ("1", "-1", "1 << 70", "'two'", "0, timeout=-1", "0, timeout=1 << 40"):
        vm.exec(
            f"try: machine.Console({arguments}); taken = True\n"
            "except (ValueError, OverflowError): taken = False"
        )
        assert vm.eval("taken") is False, arguments
    vm.exec(
        "import uctypes\n"
        "try: machine.Console().write(uctypes.bytearray_at(0x700000000000, 512)); got = 0\n"
        "except OSError as error: got = error.errno"
    )
    assert vm.eval("got") == 14
    vm.soft_reset()
    vm.exec("import machine; machine.Console().write(b'again')")
    assert receive(end, 5) == b"again"


def test_none(boot):
    vm = boot(board="microvm").boot()
    vm.exec(
        "import machine\n"
        "try: machine.Console(); taken = True\n"
        "except ValueError as error: taken = str(error)"
    )
    assert vm.eval("taken") == "there is no console 0"
