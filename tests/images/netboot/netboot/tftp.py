# A client of TFTP that reads (RFC 1350), with blocks of its own size (RFC 2348).

import socket
import struct

_BLOCK = 1428  # what fits into a frame of Ethernet
_READ, _DATA, _ACK, _ERROR, _OPTIONS = 1, 3, 4, 5, 6
_TRIES = 5
_SECONDS = 1  # until a packet is sent again


def get(server, name):
    """The bytes of a file. OSError with what the server says, or when it says nothing."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        sock.settimeout(_SECONDS)
        return _get(sock, server, name)
    finally:
        sock.close()


def _get(sock, server, name):
    packet = struct.pack(">H", _READ) + name.encode() + b"\0octet\0blksize\0%d\0" % _BLOCK
    there = (server, 69)
    peer = None  # its address, and the port that it has chosen for this file
    size = 512
    data = []
    while True:
        kind, answer, address = _exchange(sock, packet, there, server, peer, len(data) + 1)
        if peer is None:
            peer = there = address
        if kind == _OPTIONS:
            words = answer[2:].split(b"\0")
            if words[0].lower() == b"blksize":
                size = int(words[1])
            packet = struct.pack(">HH", _ACK, 0)
            continue
        data.append(answer[4:])
        packet = struct.pack(">HH", _ACK, len(data) & 0xFFFF)
        if len(answer) - 4 < size:
            sock.sendto(packet, there)
            return b"".join(data)


def _exchange(sock, packet, there, server, peer, block):
    # Sends until there is an answer: the next block, options or an error.
    for _ in range(_TRIES):
        sock.sendto(packet, there)
        while True:
            try:
                answer, address = sock.recvfrom(_BLOCK + 4)
            except OSError:
                break
            if address[0] != server or peer not in (None, address) or len(answer) < 4:
                continue
            kind, number = struct.unpack(">HH", answer)
            if kind == _ERROR:
                raise OSError("tftp: " + answer[4:].rstrip(b"\0").decode())
            if kind == _OPTIONS and block == 1 or kind == _DATA and number == block & 0xFFFF:
                return kind, answer, address
    raise OSError("tftp: %s does not answer" % server)
