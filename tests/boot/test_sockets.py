"""socket on this kernel: what goes to the machine itself, limits, and who may have one."""

import pytest

pytestmark = pytest.mark.board("microvm")

STREAMS = """
import gc, socket
def pair():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 8000))
    listener.listen(5)
    one = socket.socket()
    one.connect(("127.0.0.1", 8000))
    other = listener.accept()[0]
    listener.close()
    return one, other
def read(stream, size):
    got = b""
    while len(got) < size:
        part = stream.recv(size - len(got))
        assert part
        got += part
    return got
"""


def test_streams(vm):
    """Bytes arrive whole and in order, more than fit into a window, both ways; the end is seen."""
    vm.exec(STREAMS)
    vm.exec(
        """
import _thread
one, other = pair()
data = bytes(i * i >> 3 & 255 for i in range(300000))
_thread.start_new_thread(one.sendall, (data,))
same = read(other, len(data)) == data
_thread.start_new_thread(other.write, (data,))
back = read(one, len(data)) == data
one.close()
end = other.recv(1)
other.close()
"""
    )
    assert vm.eval("(same, back, end)") == (True, True, b"")


def test_before_accept(vm):
    """What has come before a connection was accepted is there at once."""
    vm.exec(STREAMS)
    vm.exec(
        """
import time
listener = socket.socket()
listener.bind(("127.0.0.1", 8000))
listener.listen(5)
one = socket.socket()
one.connect(("127.0.0.1", 8000))
one.send(b"early")
time.sleep_ms(20)
other = listener.accept()[0]
other.setblocking(False)
"""
    )
    assert vm.eval("other.recv(5)") == b"early"


def test_datagrams(vm):
    """Not one is lost of those that come before the program has looked, up to 256."""
    vm.exec(
        """
import socket
to = ("127.0.0.1", 9000)
reader = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
reader.bind(to)
writer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(250):
    writer.sendto(b"%d" % i * 40, to)
reader.setblocking(False)
got = [reader.recv(200) for i in range(250)]
try:
    reader.recv(1)
except OSError as error:
    end = error.errno
for i in range(5000):
    writer.sendto(b"x", to)
reader.close()
writer.close()
"""
    )
    assert vm.eval("got") == [b"%d" % i * 40 for i in range(250)]
    assert vm.eval("end") == 11


def test_many(vm):
    """More connections at once than listen() has places for: all are served, in their turn."""
    vm.exec(
        """
import asyncio, socket
async def serve(r, w):
    while data := await r.read(100):
        w.write(data)
        await w.drain()
    w.close()
    await w.wait_closed()
async def ask(i):
    r, w = await asyncio.open_connection("127.0.0.1", 8000)
    w.write(b"%d" % i)
    await w.drain()
    data = await r.read(100)
    w.close()
    await w.wait_closed()
    return data == b"%d" % i
async def main(backlog, count):
    server = await asyncio.start_server(serve, "127.0.0.1", 8000, backlog=backlog)
    good = sum(await asyncio.gather(*(ask(i) for i in range(count))))
    server.close()
    await server.wait_closed()
    return good
some = asyncio.run(main(5, 20))
many = asyncio.run(main(1000, 250))
queues = []
for backlog in 0, 1, 255, 256, 257, 1 << 20, -5:
    s = socket.socket()
    s.bind(("127.0.0.1", 8002))
    s.setblocking(False)
    s.listen(backlog)
    try:
        s.accept()
    except OSError as error:
        queues.append(error.errno)
    s.close()
""",
        timeout=60,
    )
    assert vm.eval("(some, many)") == (20, 250)
    assert vm.eval("queues") == [11] * 7


def test_memory(vm):
    """Connections that come and go, closed or forgotten, leave no memory behind."""
    vm.exec(STREAMS)
    vm.exec(
        """
import frames, time
def some(close):
    for i in range(40):
        one, other = pair()
        one.send(b"x" * 5000)
        if close:
            one.close()
            other.close()
    one = other = None
    gc.collect()
def free():
    gc.collect()
    time.sleep_ms(700)
    gc.collect()
    return frames.stats().free
some(True)
before = free()
some(True)
some(False)
after = free()
"""
    )
    before, after = vm.eval("(before, after)")
    assert after >= before - 12, (before, after)


def test_listen(vm):
    """Who waits for accept() is told when the listener ends; listening again loses nobody, and
    without memory for it nothing has changed."""
    vm.exec(STREAMS)
    vm.exec(
        """
import micropython
def listen(backlog):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 8001))
    listener.listen(backlog)
    return listener
def connect():
    one = socket.socket()
    one.settimeout(5)
    one.connect(("127.0.0.1", 8001))
    return one
def end(backlog, way):
    listener = listen(backlog)
    some = [connect() for _ in range(max(backlog, 1))]
    if way == "close":
        listener.close()
    listener = None
    gc.collect()
    rubbish = [bytes([255]) * 64 for _ in range(5000)]
    errors = set()
    for one in some:
        try:
            errors.add(one.recv(1))
        except OSError as error:
            errors.add(error.errno)
        one.close()
    return errors
ends = [end(backlog, way) for backlog in (-1, 0, 1, 2, 5) for way in ("close", "forget")]
listener = listen(5)
both = connect(), connect()
listener.listen(2)
for one in both:
    one.send(b"hello")
again = [read(listener.accept()[0], 5) for _ in both]
listener.close()
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", 8001))
micropython.heap_lock()
try:
    listener.listen(200)
    refused = False
except MemoryError:
    refused = True
micropython.heap_unlock()
listener.listen(2)
one = connect()
one.send(b"hello")
last = read(listener.accept()[0], 5)
"""
    )
    assert vm.eval("ends") == [{104}] * 10
    assert vm.eval("(again, refused, last)") == ([b"hello"] * 2, True, b"hello")


@pytest.mark.memory("12M")
def test_no_memory(vm):
    """Connections until there is no memory for another end in exceptions, and go on afterwards."""
    vm.exec(STREAMS)
    vm.exec(
        """
import frames
def fill():
    kept = []
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", 80))
    listener.listen(50)
    try:
        while True:
            one = socket.socket()
            kept.append(one)
            one.settimeout(1)
            one.connect(("127.0.0.1", 80))
            kept.append(listener.accept()[0])
            one.send(bytes(1400))
    except (MemoryError, OSError):
        pass
    count = len(kept)
    for one in kept:
        one.close()
    listener.close()
    return count
counts = []
for _ in range(3):
    counts.append(fill())
    gc.collect()
one, other = pair()
one.send(b"still here")
""",
        timeout=120,
    )
    assert min(vm.eval("counts")) > 100
    assert vm.eval("(read(other, 10), frames.check())") == (b"still here", True)


REFUSED = """
import cpus, machine, network, socket
def fails(f, *args):
    try:
        f(*args)
    except Exception as error:
        return type(error).__name__, str(error)
elsewhere = [fails(lambda: cpus.all()[1].run(source).result()) for source in
    ("import socket; socket.socket()", "import socket; socket.getaddrinfo('a', 1)",
     "import network; network.LAN()", "import network; network.ipconfig(dns='1.2.3.4')")]
route = cpus.all()[1].run(lambda: __import__("network").route()).result()
s = socket.socket()
calls = [lambda: socket.socket(), lambda: s.bind(to), lambda: s.connect(to), lambda: network.LAN()]
in_callback = [None] * 4
to = ("127.0.0.1", 1)
def call(timer):
    for i in range(4):
        try:
            calls[i]()
        except Exception as error:
            in_callback[i] = type(error)
import time
timer = machine.Timer(period=1, mode=machine.Timer.ONE_SHOT, hard=True, callback=call)
time.sleep_ms(50)
"""


@pytest.mark.smp(2)
def test_refused(vm):
    """Sockets are CPU 0's, and not for hard callbacks."""
    vm.exec(REFUSED)
    for kind, text in vm.eval("elsewhere"):
        assert kind == "RuntimeError" and "CPU 0" in text
    assert vm.eval("route") == []
    kinds = vm.eval("[kind.__name__ for kind in in_callback]")
    assert kinds == ["MemoryError"] + ["RuntimeError"] * 3


def test_arguments(vm):
    """Sockets that are closed, times and sizes that are none: exceptions, and it goes on."""
    vm.exec(
        """
import socket
s = socket.socket()
def fails(f, *args):
    try:
        f(*args)
    except Exception as error:
        return type(error).__name__
times = [fails(s.settimeout, t) for t in (-1, float("nan"), 1e300, -1e-9)]
sizes = [fails(s.recv, n) for n in (-1, 1 << 60, 1 << 70)]
s.close()
s.close()
flag = (6, socket.TCP_NODELAY, 1)
listener = socket.socket()
listener.bind(("127.0.0.1", 8001))
listener.listen(1)
packets = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
flags = [fails(one.setsockopt, *flag) for one in (listener, packets, socket.socket())]
closed = [fails(f, *args) for f, args in (
    (s.bind, (("", 80),)), (s.listen, ()), (s.accept, ()), (s.connect, (("127.0.0.1", 80),)),
    (s.send, (b"",)), (s.recv, (1,)), (s.sendto, (b"", ("127.0.0.1", 80))),
    (s.setsockopt, (1, 4, 1)), (s.setsockopt, (6, 64, 1)))]
"""
    )
    assert vm.eval("times") == ["ValueError", "ValueError", "OverflowError", "ValueError"]
    assert None not in vm.eval("sizes")
    assert None not in vm.eval("closed")
    assert vm.eval("flags") == ["OSError", "OSError", None]
    vm.exec(
        """
listener.close()
def error(f, *args):
    try:
        return f(*args)
    except OSError as error:
        return error.errno
listener = socket.socket()
listener.bind(("127.0.0.1", 8003))
again = error(listener.bind, ("127.0.0.1", 8004))
listener.listen(3)
one = socket.socket()
one.connect(("127.0.0.1", 8003))
reads = [error(f, *args) for f, args in (
    (listener.recv, (1,)), (listener.read, (1,)), (listener.recvfrom, (1,)),
    (listener.readline, ()), (listener.readinto, (bytearray(1),)), (listener.send, (b"x",)))]
other = listener.accept()[0]
other.close()
ports = [error(f, *args) for n in (-1, 65536, 1 << 40) for f, args in (
    (socket.socket().bind, (("", n),)), (packets.bind, (("", n),)),
    (socket.socket().connect, (("127.0.0.1", n),)), (packets.connect, (("127.0.0.1", n),)),
    (packets.sendto, (b"", ("127.0.0.1", n))))]
"""
    )
    assert vm.eval("again") == 22
    assert vm.eval("reads") == [107] * 6
    assert vm.eval("set(ports)") == {22}


def test_soft_reset(vm):
    """Nothing of the network is left after a soft reset, and it begins anew."""
    vm.exec(STREAMS)
    vm.exec("one, other = pair(); one.send(b'x'); import frames; n = frames.stats().total")
    total = vm.eval("n")
    vm.soft_reset()
    vm.exec(STREAMS)
    vm.exec("one, other = pair(); one.send(b'again'); import frames")
    assert vm.eval("read(other, 5)") == b"again"
    assert vm.eval("frames.stats().total") == total
