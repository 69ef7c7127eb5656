# For the guest: two ends of TLS in one program, over a pipe in memory.
import gc
import io

import tls


class Pipe(io.IOBase):
    """One end: what the other one writes is read here, or None for now."""

    def __init__(self):
        self.got = bytearray()
        self.closed = False

    def readinto(self, buf):
        count = min(len(buf), len(self.got))
        if not count:
            return 0 if self.closed else None
        buf[:count] = self.got[:count]
        self.got = self.got[count:]
        return count

    def write(self, buf):
        self.other.got += buf
        return len(buf)

    def ioctl(self, op, arg):
        if op == 4:
            self.closed = self.other.closed = True
        return 0


pipes = []


def pipe(one=Pipe, two=Pipe):
    pipes[:] = one, two = one(), two()
    one.other, two.other = two, one
    return one, two


def contexts(cert, key, ca=None):
    server = tls.SSLContext(tls.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    client = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(ca or cert)
    return server, client


def ends(server, client, one=Pipe, two=Pipe, name="guest.test"):
    """A connection whose handshake is still to come: client, server."""
    one, two = pipe(one, two)
    one = client.wrap_socket(one, do_handshake_on_connect=False, server_hostname=name)
    return one, server.wrap_socket(two, server_side=True, do_handshake_on_connect=False)


def step(one, two, limit=20):
    """The handshake, as far as it goes."""
    for _ in range(limit):
        if one.read(1) is not None or two.read(1) is not None:
            return


def connect(*args, **kw):
    one, two = ends(*args, **kw)
    step(one, two)
    assert one.write(b"hello") == 5 and two.read(5) == b"hello"
    assert two.write(b"there") == 5 and one.read(5) == b"there"
    return one, two


def raised(function, *args, **kw):
    """What it raises, or None."""
    try:
        function(*args, **kw)
    except BaseException as error:
        return error


def used():
    gc.collect()
    gc.collect()
    return gc.mem_alloc()
