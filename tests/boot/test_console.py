"""The console from Python: other terminals beside it, waiting for it, asyncio on it."""

import pytest

TERMINAL = """
import io, os
class Terminal(io.IOBase):
    def __init__(self):
        self.out = bytearray()
        self.keys = bytearray()
    def write(self, buf):
        self.out += buf
        return len(buf)
    def readinto(self, buf):
        if not self.keys:
            return None  # nothing for the moment
        buf[0] = self.keys[0]
        self.keys = self.keys[1:]
        return 1
    def ioctl(self, request, flags):
        # 3 is to poll: 4 is for room, 1 for input.
        return flags & (5 if self.keys else 4) if request == 3 else 0
terminal = Terminal()
"""


def terminal_out(vm):
    """What the terminal has got since it was last asked; it is not the console's while it is."""
    vm.run("was = os.dupterm(None)")
    got = vm.eval("bytes(terminal.out)").decode()
    vm.exec("terminal.out[:] = b''")
    return got


def test_dupterm(vm):
    """A stream made in Python gets what the prompt shows, and types into it, until taken away."""
    vm.exec(TERMINAL)
    assert vm.run("os.dupterm(terminal)") == ""
    assert vm.run("6 * 7") == "42\r\n"
    vm.run("terminal.keys += b'print(6 * 9)\\r'")
    vm.repl.expect_exact("54\r\n>>> ")
    out = terminal_out(vm)
    assert out.startswith(">>> 6 * 7\r\n42\r\n>>> ")
    assert ">>> print(6 * 9)\r\n54\r\n>>> was" in out
    assert vm.eval("was is terminal")
    assert vm.run("print('alone')") == "alone\r\n"
    assert terminal_out(vm) == ""
    assert vm.eval("was") is None


def test_dupterm_ctrl_c(vm):
    """Ctrl-C from such a stream raises where Python waits for input, as from the console."""
    vm.exec(TERMINAL)
    vm.run("os.dupterm(terminal)")
    vm.repl.sendline("terminal.keys += b'\\x03'; input('name? ')")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact("\n>>> ")
    assert vm.run("1 + 1") == "2\r\n"


@pytest.mark.parametrize(
    "method, result, said",
    [
        ("write", "1 / 0", "dupterm: Exception in write() method, deactivating: Traceback"),
        ("readinto", "1 / 0", "dupterm: Exception in read() method, deactivating: Traceback"),
        ("readinto", "0", "dupterm: EOF received, deactivating"),
    ],
)
def test_dupterm_broken(vm, method, result, said):
    """A stream that raises or ends is taken away with a message, and the prompt goes on."""
    vm.exec(TERMINAL)
    vm.exec(f"class Broken(Terminal):\n def {method}(self, buf): return {result}\n")
    vm.repl.sendline("os.dupterm(Broken())")
    vm.repl.expect_exact(said)
    vm.repl.sendline("print(os.dupterm(None))")
    vm.repl.expect_exact("\r\nNone\r\n>>> ")


@pytest.mark.parametrize(
    "arguments, error",
    [
        ("", "TypeError"),
        ("3", "OSError: stream operation not supported"),
        ("object()", "OSError: stream operation not supported"),
        ("None, 1", "ValueError: invalid dupterm index"),
        ("None, -1", "ValueError: invalid dupterm index"),
    ],
)
def test_dupterm_refusals(vm, arguments, error):
    """What is no stream, and a place that there is not, raise; the stream that was there stays."""
    vm.exec(TERMINAL)
    vm.run("os.dupterm(terminal)")
    assert error in vm.run(f"os.dupterm({arguments})")
    assert vm.run("os.dupterm(None) is terminal") == "True\r\n"


def test_dupterm_soft_reset(vm):
    """A soft reset takes the stream away."""
    vm.exec(TERMINAL)
    vm.run("os.dupterm(terminal)")
    vm.soft_reset()
    assert vm.run("import os; print(os.dupterm(None))") == "None\r\n"


def test_poll(vm):
    """select.poll tells when there is input, wakes for it, and counts its time-out."""
    vm.exec("""
        import select, sys, time
        poll = select.poll()
        poll.register(sys.stdin, select.POLLIN)
        def wait(ms):
            print('go')
            start = time.ticks_ms()
            ready = poll.poll(ms)
            took = time.ticks_diff(time.ticks_ms(), start)
            return [(s is sys.stdin, f == select.POLLIN) for s, f in ready], took
    """)
    assert vm.eval("poll.poll(0)") == []
    assert vm.run("wait(0)[0]") == "go\r\n[]\r\n"
    assert vm.run("w = wait(100); w[0], 100 <= w[1]") == "go\r\n([], True)\r\n"
    vm.repl.sendline("wait(60000)[0], sys.stdin.read(1), poll.poll(0)")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("k")
    vm.repl.expect_exact("([(True, True)], 'k', [])\r\n>>> ")
    # Standard output always has room; what is taken away is not asked any more.
    vm.run("poll.register(sys.stdout, select.POLLOUT)")
    assert vm.run("[(s is sys.stdout, f) for s, f in poll.poll(0)]") == "[(True, 4)]\r\n"
    vm.run("poll.unregister(sys.stdin); poll.unregister(sys.stdout)")
    vm.run("ready = poll.poll(0); ready")
    assert vm.eval("ready") == []


ECHO = """
import asyncio, sys
async def tick(writer):
    while True:
        writer.write('.')
        await writer.drain()
        await asyncio.sleep_ms(5)
async def echo():
    reader = asyncio.StreamReader(sys.stdin)
    writer = asyncio.StreamWriter(sys.stdout, {})
    ticker = asyncio.create_task(tick(writer))
    while (char := await reader.read(1)) != 'q':
        writer.write('<%s>' % char)
        await writer.drain()
    ticker.cancel()
    return (await reader.readline(), await reader.readexactly(3))
"""


def test_asyncio(vm):
    """A program echoes what is typed, through asyncio's streams, while another task runs."""
    vm.exec(ECHO)
    vm.repl.sendline("asyncio.run(echo())")
    for char in "abc":
        vm.repl.expect_exact("...")
        vm.repl.send(char)
        vm.repl.expect_exact(f"<{char}>")
    vm.repl.expect_exact("...")
    vm.repl.send("qrest of it\rend")
    vm.repl.expect_exact("(b'rest of it\\n', b'end')\r\n>>> ")
    assert vm.run("1 + 1") == "2\r\n"


FULL = """
import machine, sys
port = machine.port8
while port[0x3fd] & 0x20:
    port[0x3f8] = ord(".")
for byte in b"the end":
    port[0x3f8] = byte
machine.mem32[0x4000000] = 0x656e6f64
"""


@pytest.mark.parametrize("end", ["sys.exit(3)", "machine.deepsleep()"])
def test_end_is_read(boot, app, end):
    """A machine that ends has sent what is still in its serial port when nobody reads it."""
    vm = boot(app=app(FULL + end))
    while vm.memory(0x4000000, 4) != b"done":
        assert vm.launcher.poll() is None
    assert vm.wait_exit() == (3 if "exit" in end else 0)
    assert vm.transcript().endswith(".the end")
