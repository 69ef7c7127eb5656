"""machine.UART: the console's port, and a second one where the machine has one."""

import hashlib
import random
import socket
import threading

import pytest
import ringzero_vm

BOARDS = ("q35", "pc")


@pytest.fixture
def second(boot, board):
    """A guest with a second serial port, and the other end of that."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        host, port = listener.getsockname()
        vm = boot(board=board, extra=("-serial", f"tcp:{host}:{port}")).boot()
        line = listener.accept()[0]
        line.settimeout(30)
        with line:
            vm.exec(
                "import machine, time\nuart = machine.UART(1, timeout=2000, timeout_char=2000)"
            )
            yield vm, line


def receive(line, size):
    data = b""
    while len(data) < size:
        part = line.recv(size - len(data))
        assert part
        data += part
    return data


@pytest.mark.board(*BOARDS)
def test_both_ways(second):
    """Bytes go both ways, and time-outs last what they should."""
    vm, line = second
    vm.exec("uart.write(b'ping'); uart.flush()")
    assert receive(line, 4) == b"ping"
    line.sendall(b"pong")
    assert vm.eval("uart.read(4)") == b"pong"
    vm.exec("uart.init(timeout=50)")
    start, value, end = vm.eval("(time.ticks_ms(), uart.read(1), time.ticks_ms())")
    assert value is None
    assert 50 <= end - start < 5000
    line.sendall(b"a line\nand more")
    assert vm.eval("uart.readline()") == b"a line\n"
    assert vm.eval("uart.read(8)") == b"and more"
    assert vm.eval("(uart.any(), uart.txdone(), uart.read())") == (0, True, None)


@pytest.mark.board(*BOARDS)
def test_much(second):
    """100 kB each way arrive intact, through a small buffer and a reader that starts late."""
    vm, line = second
    data = random.Random(1).randbytes(100000)
    vm.exec("""
        import hashlib
        uart.init(rxbuf=64, timeout=10000, timeout_char=10000)
        def read(count):
            sha = hashlib.sha256()
            while count:
                part = uart.read(min(count, 1000))
                sha.update(part)
                count -= len(part)
            return sha.digest()
        def write(count):
            sha = hashlib.sha256()
            for i in range(count // 1000):
                part = bytes((i * 7 + j * 11) & 255 for j in range(1000))
                sha.update(part)
                assert uart.write(part) == 1000
            return sha.digest()
    """)
    sender = threading.Thread(target=line.sendall, args=(data,))
    sender.start()
    vm.exec("while uart.any() < 64: pass")
    assert vm.eval("read(100000)") == hashlib.sha256(data).digest()
    sender.join()
    got = []
    receiver = threading.Thread(target=lambda: got.append(receive(line, 100000)))
    receiver.start()
    digest = vm.eval("write(100000)")
    receiver.join()
    assert hashlib.sha256(got[0]).digest() == digest


def test_handlers(second):
    """Handlers run for bytes and for the silence after them, hard ones with the heap locked."""
    vm, line = second
    vm.exec("""
        flags = []
        seen = bytearray(2)
        def soft(u):
            flags.append(u.irq().flags())
        def hard(u):
            seen[0] += 1
            try:
                bytearray(100)
            except MemoryError:
                seen[1] += 1
        handler = uart.irq(soft, uart.IRQ_RX | uart.IRQ_RXIDLE)
    """)
    line.sendall(b"abc")
    vm.exec("while not flags or flags[-1] != uart.IRQ_RXIDLE: time.sleep_ms(1)")
    assert vm.eval("uart.read(3)") == b"abc"
    vm.exec("handler = uart.irq(hard, uart.IRQ_RX, hard=True)")
    line.sendall(b"d")
    vm.exec("while not seen[0]: time.sleep_ms(1)")
    assert vm.eval("(seen[0] == seen[1], uart.read(1))") == (True, b"d")
    vm.exec("uart.irq(None, 0)")
    line.sendall(b"e")
    assert vm.eval("(uart.read(1), seen[0] == seen[1])") == (b"e", True)


def test_poll(second):
    """select.poll and asyncio wait for the port."""
    vm, line = second
    vm.exec("""
        import asyncio, select
        poll = select.poll()
        poll.register(uart, select.POLLIN)
        assert poll.poll(10) == []
    """)
    line.sendall(b"x")
    assert vm.eval("(len(poll.poll(10000)), uart.read(1))") == (1, b"x")
    line.sendall(b"hello\n")
    vm.exec("""
        async def main():
            return await asyncio.StreamReader(uart).readline()
        assert asyncio.run(main()) == b'hello\\n'
    """)


def test_soft_reset_closes(second):
    """A soft reset closes the port: nothing is left of its handler and its buffer."""
    vm, line = second
    vm.exec("handler = uart.irq(lambda u: print('late'), uart.IRQ_RX)")
    vm.soft_reset()
    line.sendall(b"late")
    assert vm.exec("import time\ntime.sleep_ms(50)") == ""
    vm.exec("import gc, machine\ngc.collect()")
    vm.exec("uart = machine.UART(1, 9600, timeout=2000, timeout_char=2000)")
    line.sendall(b"again")
    assert vm.eval("uart.read(5)") == b"again"


def test_closed(second):
    """A port that deinit() has closed can be looked at, refuses to read and write, and can be
    opened again, as the same object or as a new one."""
    vm, line = second
    vm.exec("uart.deinit()\nuart.deinit()")
    assert vm.eval("repr(uart)").startswith("UART(1, baudrate=115200, ")
    assert vm.eval("(uart.any(), uart.txdone())") == (0, True)
    vm.exec("uart.sendbreak(); uart.flush()")
    for code in "uart.read(1)", "uart.write(b'lost')", "uart.readline()":
        with pytest.raises(ringzero_vm.GuestError, match="EBADF"):
            vm.exec(code)
    line.sendall(b"lost")
    vm.exec("time.sleep_ms(50)\nuart.init(57600, timeout=2000, timeout_char=2000)")
    assert vm.eval("repr(uart)").startswith("UART(1, baudrate=57600, ")
    vm.exec("uart.write(b'ping'); uart.flush()")
    assert receive(line, 4) == b"ping"
    line.sendall(b"pong")
    assert vm.eval("uart.read(4)") == b"pong"
    vm.exec("uart.deinit()\nother = machine.UART(1)")
    assert vm.eval("(other is uart, repr(uart)[:24])") == (True, "UART(1, baudrate=115200,")


def expect(line, end):
    """What comes until `end`."""
    data = b""
    while not data.endswith(end):
        data += receive(line, 1)
    return data


def test_prompt(second):
    """os.dupterm puts the prompt on the port as well, and Ctrl-C from there gets through to
    whatever runs; afterwards it is a byte like others again."""
    vm, line = second
    vm.run("import os")
    vm.run("uart.init(timeout=0); os.dupterm(uart)")
    expect(line, b">>> ")
    line.sendall(b"6 * 7\r")
    expect(line, b"6 * 7\r\n42\r\n>>> ")
    for busy in "exec('while True: pass')", "time.sleep(1000)", "input()":
        line.sendall(f"print('g' + 'o'); {busy}\r".encode())
        vm.repl.expect_exact("\r\ngo\r\n")
        line.sendall(b"\x03")
        vm.repl.expect_exact("KeyboardInterrupt: \r\n>>> ")
        expect(line, b"KeyboardInterrupt: \r\n>>> ")
    vm.repl.sendline("os.dupterm(None) is uart")
    vm.repl.expect_exact("True\r\n>>> ")
    expect(line, b"os.dupterm(None) is uart\r\n")
    line.sendall(b"a\x03b")
    vm.exec("uart.init(timeout=2000)")
    assert vm.eval("uart.read(3)") == b"a\x03b"


def test_prompt_on_a_closed_port(second):
    """Closing the port that has the prompt as well takes that away, with a word of it."""
    vm, line = second
    vm.run("import os")
    vm.run("uart.init(timeout=0); os.dupterm(uart)")
    vm.repl.sendline("uart.deinit()")
    vm.repl.expect_exact("dupterm: Exception in write() method, deactivating: ")
    vm.repl.expect_exact("EBADF")
    vm.repl.sendline("print(os.dupterm(None))")
    vm.repl.expect_exact("\r\nNone\r\n>>> ")


def test_settings(vm):
    """The console's port shows and takes settings; those that cannot be had change nothing."""
    vm.exec("import machine\nuart = machine.UART(0)")
    shown = vm.eval("repr(uart)")
    assert shown.startswith("UART(0, baudrate=115200, bits=8, parity=None, stop=1, ")
    for bad in "7", "bits=9", "stop=3", "parity='x'", "parity=5", "bits=4":
        assert (
            vm.exec(f"""
            try:
                uart.init({bad})
                print('taken')
            except (ValueError, TypeError):
                pass
        """)
            == ""
        )
        assert vm.eval("repr(uart)") == shown
    vm.exec("uart.init(9600, bits=7, parity=0, stop=2, timeout=5, timeout_char=7)")
    assert vm.eval("repr(uart)").startswith(
        "UART(0, baudrate=9600, bits=7, parity=0, stop=2, timeout=5, timeout_char=7, "
    )
    vm.exec("uart.deinit()")
    assert vm.exec("print('still here')") == "still here\n"


def test_same_settings(boot, folder):
    """To ask for the settings that a port has does not touch its line, on which bytes may come."""
    log = folder / "writes.log"
    vm = boot(extra=["-trace", "enable=serial_write", "-D", str(log)]).boot()
    vm.exec("import machine")
    before = log.read_text()
    assert "addr 0x03 val 0x80" in before  # the divisor's latch
    vm.exec("for _ in range(100): machine.UART(0), machine.UART(0, 115200, 8, None, 1).deinit()")
    assert "addr 0x03" not in log.read_text()[len(before) :]
    vm.exec("machine.UART(0, bits=7); machine.UART(0).init(bits=8)")
    assert log.read_text()[len(before) :].count("addr 0x03 val 0x80") == 2


@pytest.mark.board("q35", "microvm")
def test_absent(vm):
    """A port that the machine does not have raises ValueError."""
    vm.exec("import machine")
    for number in 1, 2, -1:
        assert (
            vm.exec(f"""
            try:
                machine.UART({number})
            except ValueError as error:
                print(error)
        """)
            == f"UART({number}) doesn't exist\n"
        )


@pytest.mark.parametrize("typed", [200, 5000])
def test_ctrl_c_from_a_full_terminal(second, typed):
    """Ctrl-C from os.dupterm's port is seen behind more characters than its ring has room for."""
    vm, line = second
    vm.exec("import os\nuart.init(rxbuf=64, timeout=0)\nwas = os.dupterm(uart)")
    vm.repl.sendline("print('go'); exec('while True: pass')")
    vm.repl.expect_exact("go\r\n")
    line.sendall(b"x" * typed + b"\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")


def test_new_ring(second):
    """A port whose ring was full goes on with a new one."""
    vm, line = second
    vm.exec("uart.init(rxbuf=64)")
    line.sendall(b"x" * 1000)
    vm.exec("while uart.any() < 64: pass")
    vm.exec("uart.init(rxbuf=128)")
    assert vm.eval("uart.read(128)") == b"x" * 128
