"""Networks that mean no good: floods, damaged packets, liars, peers that vanish, cables pulled."""

import contextlib
import inspect
import os
import random
import socket
import struct
import time

import pytest

US, PEER = bytes((10, 0, 0, 1)), bytes((10, 0, 0, 2))
OUR_MAC = b"\x52\x54\x00\x99\x99\x99"
# `make test-connections` has 100,000.
CONNECTIONS = int(os.environ.get("CONNECTIONS", "300"))
PACKETS = 10 * CONNECTIONS
SETUP = """
import _thread, frames, gc, network, socket, time
lan = network.LAN()
lan.active(True)
def serve(port, answer):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("", port))
    listener.listen(32)
    def run(peer):
        peer.settimeout(2)
        try:
            answer(peer)
        except OSError:
            pass
        peer.close()
    def accept():
        while True:
            _thread.start_new_thread(run, (listener.accept()[0],))
    _thread.start_new_thread(accept, ())
def echo(peer):
    while data := peer.recv(2000):
        peer.send(data)
def used():
    gc.collect()
    stats = frames.stats()
    return stats.total - stats.free
"""


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip(kind, payload, source=PEER, target=US):
    header = struct.pack(
        ">BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), 1, 0, 64, kind, 0, source, target
    )
    return header[:10] + struct.pack(">H", checksum(header)) + header[12:] + payload


def with_sum(kind, payload, at, source=PEER, target=US):
    pseudo = source + target + struct.pack(">BBH", 0, kind, len(payload))
    value = checksum((pseudo if kind != 1 else b"") + payload)
    return ip(kind, payload[:at] + struct.pack(">H", value) + payload[at + 2 :], source, target)


def tcp(port, to, seq, ack, flags, data=b"", window=65000):
    header = struct.pack(">HHIIBBHHH", port, to, seq, ack, 0x50, flags, window, 0, 0)
    return with_sum(6, header + data, 16)


def udp(port, to, data, **addresses):
    header = struct.pack(">HHHH", port, to, 8 + len(data), 0)
    return with_sum(17, header + data, 6, **addresses)


def ping(number):
    return with_sum(1, struct.pack(">BBHHH", 8, 0, 0, 7, number) + b"x" * 30, 2)


SYN, ACK, RST = 2, 16, 4


class Peer:
    """The other end of the guest's cable, with an address of its own."""

    def __init__(self, vm, end):
        self.vm, self.end = vm, end
        self.mac = vm.eval("lan.config('mac')")

    def send(self, packet, type=0x0800):
        self.end.send(self.mac + OUR_MAC + struct.pack(">H", type) + packet)

    def arp(self, operation, mac=OUR_MAC, address=PEER):
        self.send(
            struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + mac + address + self.mac + US,
            0x0806,
        )

    def packets(self, seconds=20.0):
        """IPv4 packets that come, and requests by ARP answered."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.end.settimeout(left)
            try:
                frame = self.end.recv(4096)
            except TimeoutError:
                return
            if frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1" and frame[38:42] == PEER:
                self.arp(2)
            elif frame[12:14] == b"\x08\0":
                yield frame[14:]

    def find(self, wanted, again=None):
        """The first packet that is wanted, of which `again` is what asks for it."""
        for _ in range(20):
            if again:
                self.send(again)
            for packet in self.packets(1):
                if wanted(packet):
                    return packet
        raise AssertionError("no answer came")

    def check_alive(self, number):
        echo = struct.pack(">HH", 7, number)
        self.find(
            lambda packet: packet[9] == 1 and packet[20] == 0 and echo in packet, ping(number)
        )


@pytest.fixture
def peer(boot, wire):
    def make(append="ip=10.0.0.1/24", board="microvm"):
        vm = boot(nets=[wire], board=board, append=append).boot()
        vm.exec(SETUP)
        return Peer(vm, wire.end())

    return make


def test_packets(peer):
    """Damaged packets, a flood of SYNs and somebody with the same address: all else goes on."""
    wire = peer()
    vm = wire.vm
    vm.exec("serve(80, echo)")
    wire.arp(1)
    wire.check_alive(1)
    chance = random.Random(1)
    good = [
        ping(2),
        tcp(1000, 80, 1, 0, SYN),
        tcp(1001, 80, 1, 5, ACK, b"data"),
        udp(5, 6, b"datagram" * 20),
        udp(67, 68, bytes(240) + b"\x63\x82\x53\x63\x35\x01\x02"),
        ip(6, b""),
        ip(2, b"\x11\0\0\0\0\0\0\0"),
    ]
    for number in range(3000):
        packet = bytearray(chance.choice(good))
        for _ in range(chance.randrange(4)):
            packet[chance.randrange(len(packet))] = chance.randrange(256)
        if chance.randrange(3) == 0:
            del packet[chance.randrange(len(packet)) :]
        if chance.randrange(2) and len(packet) >= 20:
            packet[10:12] = b"\0\0"
            packet[10:12] = struct.pack(">H", checksum(bytes(packet[: (packet[0] & 15) * 4])))
        wire.send(bytes(packet), chance.choice((0x0800, 0x0800, 0x0800, 0x0806, 0x86DD, 0x8100)))
        if number % 500 == 0:
            wire.check_alive(number)
    for number in range(3000):
        wire.send(tcp(2000 + number, 80, number, 0, SYN))
    wire.check_alive(3)
    # Most get no answer, and none takes memory.
    assert vm.eval("used()") * 4096 < 40 << 20
    for number in range(3000):
        wire.send(tcp(2000 + number, 80, number + 1, 0, RST))
    # Another machine says that it is this one; and the peer that it has moved.
    for _ in range(20):
        wire.arp(1, b"\x52\x54\x00\x01\x01\x01", US)
        wire.arp(2, b"\x52\x54\x00\x01\x01\x01", US)
    wire.arp(2)
    wire.check_alive(4)

    def answers(packet, flags):
        return packet[9] == 6 and packet[22:24] == b"\x23\x28" and packet[33] & flags == flags

    first = wire.find(lambda packet: answers(packet, SYN | ACK), tcp(9000, 80, 100, 0, SYN))
    seq = int.from_bytes(first[24:28], "big") + 1
    data = tcp(9000, 80, 101, seq, ACK, b"hello")
    wire.find(lambda packet: answers(packet, ACK) and packet[40:45] == b"hello", data)
    wire.send(tcp(9000, 80, 106, seq + 5, RST))
    wire.check_alive(5)
    assert vm.eval("frames.check()") is True


ATTACKER = """
import _nic, random
random.seed(1)
mac, our_mac = b"\\x52\\x54\\0\\0\\0\\1", lan.config("mac")
def icmp6(kind, code, body, target=b"\\xfe\\x80" + bytes(13) + b"\\1"):
    source = b"\\xfe\\x80" + bytes(13) + b"\\2"
    message = bytes((kind, code, 0, 0)) + body
    value = checksum(source + target + struct.pack(">LL", len(message), 58) + message)
    head = struct.pack(">LHBB", 6 << 28, len(message), 58, 255) + source + target
    return head + message[:2] + struct.pack(">H", value) + message[4:]
router = b"\\5\\1" + bytes(6) + b"\\3\\4" + bytes(30)
good = [
    (0x0806, struct.pack(">HHBBH", 1, 0x0800, 6, 4, 1) + our_mac + PEER + mac + US),
    (0x0800, ping(2)),
    (0x0800, tcp(1000, 80, 1, 0, SYN)),
    (0x0800, tcp(1001, 80, 1, 5, ACK, b"data")),
    (0x0800, udp(5, 6, b"datagram" * 100)),
    (0x0800, udp(53, 1, bytes(600))),
    (0x0800, ip(2, bytes((17, 0, 0, 0, 0, 0, 0, 0)))),
    (0x86DD, icmp6(128, 0, bytes(40))),
    (0x86DD, icmp6(134, 0, bytes((64, 0, 0, 9)) + bytes(8) + router)),
    (0x86DD, icmp6(135, 0, bytes(20) + bytes((1, 1)) + our_mac)),
    (0x86DD, icmp6(136, 0, b"\\x20" + bytes(19) + bytes((2, 1)) + our_mac)),
    (0x86DD, icmp6(137, 0, bytes(36) + bytes((2, 1)) + our_mac)),
    (0x86DD, icmp6(130, 0, bytes(20))),
]
def attack(count):
    for _ in range(count):
        kind, packet = random.choice(good)
        packet = bytearray(packet)
        for _ in range(random.randrange(4)):
            packet[random.randrange(len(packet))] = random.getrandbits(8)
        if not random.randrange(3):
            packet = packet[: random.randrange(len(packet))]
        if kind == 0x0800 and random.getrandbits(1) and len(packet) >= 20:
            packet[10:12] = bytes(2)
            packet[10:12] = struct.pack(">H", checksum(bytes(packet[: (packet[0] & 15) * 4])))
        to = random.choice((mac, mac, b"\\xff" * 6, b"\\x33\\x33" + packet[:4]))
        kind = random.choice((kind, kind, kind, 0x8100))
        frame = (to + bytes(4))[:6] + our_mac + struct.pack(">H", kind) + packet
        while not _nic.send(0, frame):
            pass
    # It may have said that its address is at another place.
    _nic.send(0, mac + our_mac + struct.pack(">H", 0x0806) + good[0][1])
def drop(count):
    for number in range(count):
        s = socket.socket()
        s.settimeout(20)
        s.connect(("10.0.0.1", 80))
        s.send(bytes(1 + number))
        if number % 2:
            s.recv(1)
        s.close()
def is_alive():
    s = socket.socket()
    s.settimeout(20)
    s.connect(("10.0.0.1", 80))
    s.send(b"hello")
    answer = s.recv(5)
    s.close()
    return answer == b"hello"
"""


def test_second_guest(boot, wire):
    """Another guest's damaged frames of all kinds, and its connections, harm and cost nothing."""
    macs = "mac=52:54:00:00:00:01", "mac=02:00:00:00:00:02"
    vm, other = [
        boot(nets=[f"{wire},{mac}"], board="microvm", append=f"ip=10.0.0.{number}/24").boot()
        for number, mac in enumerate(macs, 1)
    ]
    vm.exec(SETUP + "serve(80, echo)")
    parts = [inspect.getsource(part) for part in (checksum, ip, with_sum, tcp, udp, ping)]
    names = f"import struct\nUS, PEER = {US}, {PEER}\nSYN, ACK = {SYN}, {ACK}\n"
    other.exec(SETUP + names + "".join(parts) + ATTACKER)
    other.exec("while not lan.isconnected(): time.sleep_ms(5)")
    other.exec("attack(500); drop(20)")
    assert other.eval("is_alive()")
    before = vm.eval("used()")
    for _ in range(8):
        other.exec(f"attack({PACKETS // 8}); drop({CONNECTIONS // 8})", timeout=3600)
        assert other.eval("is_alive()")
    assert vm.eval("used()") <= before + 64 + (CONNECTIONS > 1000) * 256
    assert vm.eval("frames.check()") is True


def test_small_segments(peer):
    """A peer that agrees on one size of segments and then says another cannot end the kernel."""
    wire = peer()
    vm = wire.vm
    vm.exec("def answer(peer):\n    while peer.recv(1): peer.send(bytes(700))\nserve(80, answer)")
    wire.arp(1)
    for port, window in enumerate((0, 1, 200), 9000):

        def answers(packet, flags, port=port):
            ours = packet[9] == 6 and packet[22:24] == struct.pack(">H", port)
            return ours and packet[33] & flags == flags

        begin = tcp(port, 80, 100, 0, SYN, window=window)
        first = wire.find(lambda packet, is_it=answers: is_it(packet, SYN | ACK), begin)
        seq = int.from_bytes(first[24:28], "big") + 1
        for number, (size, window_now) in enumerate(((1460, window), (1, 100), (1, 65000))):
            header = struct.pack(
                ">HHIIBBHHHBBH",
                *(port, 80, 101 + number, seq, 0x60, ACK, window_now, 0, 0, 2, 4, size),
            )

            def acknowledged(packet, is_it=answers, upto=102 + number):
                return is_it(packet, ACK) and packet[28:32] == struct.pack(">I", upto)

            wire.find(acknowledged, with_sum(6, header + b"x", 16))
            wire.check_alive(number)
        wire.send(tcp(port, 80, 104, seq, RST))
        wire.check_alive(9)


def test_lying_dhcp(peer):
    """Offers that make no sense are none; the first that does is taken."""
    wire = peer(append="")
    chance = random.Random(2)
    anybody = {"source": b"\x0a\0\0\x02", "target": b"\xff" * 4}

    def reply(request, kind, address, options):
        head = b"\x02\x01\x06\x00" + request[4:8] + bytes(8) + address + bytes(8)
        head += wire.mac + bytes(10 + 64 + 128) + b"\x63\x82\x53\x63"
        return udp(67, 68, head + bytes((53, 1, kind)) + options + b"\xff", **anybody)

    server = b"\x36\x04\x0a\0\0\x02"
    mask = b"\x01\x04\xff\xff\xff\0"
    lies = 0
    for packet in wire.packets(60):
        if packet[9] != 17 or packet[22:24] != b"\0\x43":
            continue
        request = packet[28:]
        if lies < 40:
            address = chance.choice((bytes(4), b"\xff" * 4, b"\x7f\0\0\1", b"\xe0\0\0\1", US))
            options = bytes(chance.randrange(256) for _ in range(chance.randrange(200)))
            for kind in (2, 5, 6, chance.randrange(256)):
                wire.send(reply(request, kind, address, chance.choice((server, b"")) + options))
                lies += 1
            wire.vm.exec("lan.active(False); lan.active(True)")
        else:
            wanted = request[240:243] == b"\x35\x01\x03"
            options = server + mask + b"\x33\x04\0\0\x0e\x10"
            wire.send(reply(request, 5 if wanted else 2, US, options))
            if wanted:
                break
    wire.vm.exec("while not lan.isconnected(): time.sleep_ms(5)")
    assert wire.vm.eval("lan.ifconfig()[:2]") == ("10.0.0.1", "255.255.255.0")


def test_dropped(boot):
    """Connections that are opened and dropped, one way or another, take no memory with them."""
    vm = boot(nets=["user,hostfwd=tcp:0:80"], board="microvm").boot()
    vm.exec(SETUP + "serve(80, echo)\nwhile not lan.isconnected(): time.sleep_ms(5)")
    place = ("127.0.0.1", vm.port(80))

    def drop(count):
        for number in range(count):
            with socket.create_connection(place, 20) as one:
                one.settimeout(20)
                one.sendall(b"x" * (1 + number % 1000))
                # QEMU takes the next one only then.
                one.recv(1)
                if number % 3:
                    one.sendall(b"more")
                if number % 2:
                    linger = struct.pack("ii", 1, 0)
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        with socket.create_connection(place, 20) as one:
            one.settimeout(20)
            one.sendall(b"hello")
            assert one.recv(5, socket.MSG_WAITALL) == b"hello"

    drop(100)
    before = vm.eval("used()")
    drop(CONNECTIONS)
    # What lwIP remembers of the last connections of all lasts for two minutes.
    assert vm.eval("used()") <= before + 64 + (CONNECTIONS > 1000) * 256
    assert vm.eval("frames.check()") is True


def test_slow_reader(boot):
    """Somebody who reads nothing, and a cable that is pulled, hold up nobody else."""
    vm = boot(nets=["user,hostfwd=tcp:0:80,hostfwd=tcp:0:81"], board="microvm").boot()
    vm.exec(
        SETUP
        + """
sent = 0
def pour(peer):
    global sent
    peer.settimeout(30)
    data = bytes(1000)
    while True:
        sent += peer.write(data)
serve(80, echo)
serve(81, pour)
while not lan.isconnected(): time.sleep_ms(5)
"""
    )
    before = vm.eval("used()")
    with contextlib.closing(socket.create_connection(("127.0.0.1", vm.port(81)), 20)) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        last = -1
        while (now := vm.eval("sent")) != last or not now:
            last = now
            time.sleep(0.2)
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", vm.port(80)), 20) as one:
                one.settimeout(20)
                one.sendall(b"hello")
                assert one.recv(5, socket.MSG_WAITALL) == b"hello"
        with socket.create_connection(("127.0.0.1", vm.port(80)), 20) as one:
            one.settimeout(30)
            vm.qmp.command("set_link", name="net0", up=False)
            vm.exec("while lan.isconnected(): time.sleep_ms(5)")
            one.sendall(b"hello")
            vm.qmp.command("set_link", name="net0", up=True)
            vm.exec("while not lan.isconnected(): time.sleep_ms(5)")
            assert one.recv(5, socket.MSG_WAITALL) == b"hello"
    assert vm.eval("used()") <= before + 64
