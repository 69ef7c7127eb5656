"""Two guests on one cable: TCP and UDP by IPv4 and IPv6, names, pings, and what goes wrong."""

import pytest

UP = """
import gc, network, select, socket, struct, time
lan = network.LAN()
lan.active(True)
def wait_until(done, ms=8000):
    start = time.ticks_ms()
    while not done():
        if time.ticks_diff(time.ticks_ms(), start) > ms:
            return False
        time.sleep_ms(2)
    return True
def is_up():
    return lan.isconnected() and any(state >= 16 for _, state, _, _ in lan.ipconfig("addr6"))
up = wait_until(is_up)
link_local = lan.ipconfig("addr6")[0][0]
"""
ONE, OTHER = "10.7.0.1", "10.7.0.2"


@pytest.fixture
def guests(boot, wire):
    """Two guests that reach each other."""
    made = []
    for addr, mac in (ONE, "02:00:00:00:00:01"), (OTHER, "02:00:00:00:00:02"):
        words = f"ip={addr}::0.0.0.0:255.255.255.0"
        made.append(boot(nets=[f"{wire},mac={mac}"], board="microvm", append=words))
    for vm in made:
        vm.boot()
        vm.exec(UP)
        assert vm.eval("up")
    return made


SERVER = """
import _thread
def serve(addr):
    listener = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((addr, 7))
    listener.listen(2)
    peer, where = listener.accept()
    listener.close()
    while data := peer.recv(3000):
        peer.sendall(data)
    peer.close()
def start(addr):
    _thread.start_new_thread(serve, (addr,))
"""
CLIENT = """
def echo(addr, size=200000):
    data = bytes(i * 7 >> 3 & 255 for i in range(size))
    s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET)
    s.connect((addr, 7))
    s.setblocking(False)
    poll = select.poll()
    poll.register(s, select.POLLIN | select.POLLOUT)
    sent, got = 0, bytearray()
    while len(got) < size:
        if sent == size:
            poll.modify(s, select.POLLIN)
        for _, event in poll.ipoll(5000):
            if event & select.POLLOUT and sent < size:
                sent += s.send(memoryview(data)[sent : sent + 5000])
            if event & select.POLLIN:
                got += s.recv(5000)
    s.close()
    return got == data
"""


def test_streams(guests):
    """An echo of 200 KB comes back whole by IPv4 and by IPv6."""
    one, other = guests
    other.exec(SERVER)
    one.exec(CLIENT)
    other.exec(f"start('{OTHER}')")
    assert one.eval(f"echo('{OTHER}')")
    there = other.eval("link_local")
    other.exec("start('')")
    assert there.startswith("FE80::") and one.eval(f"echo('{there}%en1')")
    # Nobody listens: refused at once.
    one.exec(
        f"s = socket.socket()\ntry:\n s.connect(('{OTHER}', 8))\nexcept OSError as e: n = e.errno"
    )
    assert one.eval("n") in (104, 111)


def test_ports_again(guests):
    """A client that uses its port again gets through to a server that has closed first."""
    one, other = guests
    other.exec(
        """
import _thread
listener = socket.socket()
listener.bind(("", 7))
listener.listen(2)
def serve():
    while True:
        peer, _ = listener.accept()
        peer.send(b"hello")
        peer.close()
_thread.start_new_thread(serve, ())
"""
    )
    one.exec(
        f"""
got = []
for i in range(5):
    s = socket.socket()
    s.settimeout(8)
    s.bind(("", 5555))
    s.connect(("{OTHER}", 7))
    got.append((s.recv(10), s.recv(10)))
    s.close()
    time.sleep_ms(50)
"""
    )
    assert one.eval("got") == [(b"hello", b"")] * 5


def test_cable(guests):
    """A connection outlives a cable that was pulled, and what was sent meanwhile comes."""
    one, other = guests
    other.exec(SERVER)
    other.exec(f"start('{OTHER}')")
    one.exec(
        f"s = socket.socket(); s.connect(('{OTHER}', 7)); s.send(b'before'); before = s.recv(10)"
    )
    nic = one.qmp.command("query-rx-filter")[0]["name"]
    one.qmp.command("set_link", name=nic, up=False)
    assert one.eval("wait_until(lambda: not lan.isconnected())")
    assert one.eval("(lan.status(), lan.active())") == (1, True)
    one.exec("s.send(b'meanwhile')")
    one.qmp.command("set_link", name=nic, up=True)
    assert one.eval("wait_until(lan.isconnected)")
    assert one.eval("(before, s.recv(10))") == (b"before", b"meanwhile")


def test_datagrams(guests):
    """Broadcast and multicast arrive, 60 KB in fragments too; raw sockets get pings answered."""
    one, other = guests
    for vm in guests:
        vm.exec("u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('', 5000))")
        vm.exec("u.settimeout(5)")
    other.exec(f"member = bytes([239, 1, 2, 3]) + bytes([{OTHER.replace('.', ',')}])")
    other.exec("u.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)")
    one.exec("u.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)")
    one.exec(f"big = bytes(range(256)) * 234; u.sendto(big, ('{OTHER}', 5000))")
    assert other.eval("u.recvfrom(65535) == (bytes(range(256)) * 234, ('%s', 5000))" % ONE)
    for to in "10.7.0.255", "255.255.255.255", "239.1.2.3":
        one.exec(f"u.sendto(b'to {to}', ('{to}', 5000))")
        assert other.eval("u.recvfrom(100)") == (b"to " + to.encode(), (ONE, 5000))
    one.exec(
        f"""
def checksum(data):
    total = sum(struct.unpack(">%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)
raw.settimeout(5)
head = struct.pack(">BBHHH", 8, 0, 0, 0x1234, 1) + b"ping" * 8
head = head[:2] + struct.pack(">H", checksum(head)) + head[4:]
raw.sendto(head, ("{OTHER}", 0))
answer = raw.recv(200)
"""
    )
    # lwIP gives raw sockets the header of IP too.
    assert one.eval("(answer[20], answer[24:] == head[4:])") == (0, True)


NAMES = """
import _thread
d = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
d.bind(("", 53))
asked = []
def answer():
    while True:
        query, where = d.recvfrom(600)
        name, at = [], 12
        while query[at]:
            name.append(query[at + 1 : at + 1 + query[at]].decode())
            at += 1 + query[at]
        kind = struct.unpack_from(">H", query, at + 1)[0]
        asked.append((".".join(name), kind))
        question = query[12 : at + 5]
        if name[0] == "silent":
            continue
        if name[0] == "garbage":
            d.sendto(query[:2] + bytes(range(100)), where)
            continue
        if name[0] == "nobody" or kind != 1:
            d.sendto(query[:2] + struct.pack(">HHHHH", 0x8183, 1, 0, 0, 0) + question, where)
            continue
        head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1, 0, 0) + question
        d.sendto(head + struct.pack(">HHHLH", 0xC00C, 1, 1, 60, 4) + bytes([10, 7, 0, 99]), where)
_thread.start_new_thread(answer, ())
"""


def test_names(guests):
    """Names are asked for where ipconfig says; Ctrl-C ends a question that nobody answers."""
    one, other = guests
    other.exec(NAMES)
    one.exec(f"network.ipconfig(dns='{OTHER}')")
    one.exec(
        """
def ask(name):
    try:
        return socket.getaddrinfo(name, 80)[0][-1]
    except OSError as error:
        return error.errno
"""
    )
    assert one.eval("ask('host.example')") == ("10.7.0.99", 80)
    assert one.eval("ask('nobody.example')") == -2
    assert one.eval("ask('1.2.3.4')") == ("1.2.3.4", 80)
    assert one.eval("ask('x' * 300)") == -16
    assert one.eval("ask('garbage.example')") == -2
    one.repl.send("\x02")
    one.repl.expect(">>> ")
    one.repl.send("socket.getaddrinfo('silent.example', 1)\r")
    one.repl.expect(r"silent.example', 1\)\r\n")
    assert other.eval("wait_until(lambda: 'silent.example' in [name for name, _ in asked])")
    one.repl.send("\x03")
    one.repl.expect("KeyboardInterrupt")
    one.repl.expect(">>> ")
    # lwIP still waits for the answer then, and has nobody to tell.
    assert (
        one.run("wait_until(lambda: False, 9000), ask('host.example')")
        .strip()
        .endswith("(False, ('10.7.0.99', 80))")
    )
