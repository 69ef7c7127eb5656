# What repl_tcp.py starts: whoever connects and knows the password has what os.dupterm() gives.

import io
import os
import select
import socket
import time

import machine
from _keyboard import typed

_CALLBACK = 20  # of lwIP's sockets: called when something has happened
_PASSWORD_MAX = 128
_LOGIN_MS = 10000  # for a password
_WRONG_MS = 1000  # between a wrong one and the next connection
_LOOK_MS = 250
_WRITE_MS = 5000  # that a reader may take, before it is given up


class _Client(io.IOBase):
    """A connection: a stream for os.dupterm() once the password was right."""

    def __init__(self, server, raw, stream):
        self._server = server
        self._raw = raw
        self._stream = stream
        self._typed = b""
        self._ended = False
        self._greeting = b"password: "
        self._poll = select.poll()
        self._poll.register(stream, select.POLLOUT)
        self.since = time.ticks_ms()

    def fill(self, interrupts=False):
        # What has come, as far as there is room for it in mind. Whoever reads from here looks for
        # Ctrl-C as well; a program that does not is interrupted.
        while not self._ended and len(self._typed) < 4096:
            try:
                data = self._stream.read(512)
            except OSError:
                data = b""
            if data is None:
                break
            if not data:
                self._ended = True
            self._typed += data
        if interrupts:
            at = self._typed.find(b"\x03")
            if at >= 0 and typed(3):
                # What was typed before it has been meant for what this ends.
                self._typed = self._typed[at + 1 :]

    def line(self):
        """The line that was typed, once there is one; False where it gets none."""
        # By TLS there has to be a handshake before.
        if self._greeting:
            try:
                count = self._stream.write(self._greeting)
            except OSError:
                return False
            self._greeting = self._greeting[count or 0 :]
        self.fill()
        for end in (b"\n", b"\r"):
            if end in self._typed:
                text, _, self._typed = self._typed.partition(end)
                return text.strip(b"\r\n")
        return False if self._ended or len(self._typed) > _PASSWORD_MAX else None

    def readinto(self, buf):
        self.fill()
        if not self._typed:
            return 0 if self._ended else None
        count = min(len(buf), len(self._typed))
        buf[:count] = self._typed[:count]
        self._typed = self._typed[count:]
        return count

    def write(self, data):
        view = memoryview(data)
        start = time.ticks_ms()
        while view:
            count = self._stream.write(view)
            if count:
                view = view[count:]
            elif time.ticks_diff(time.ticks_ms(), start) > _WRITE_MS:
                raise OSError(110)
            else:
                self._poll.poll(100)
        return len(data)

    def ioctl(self, request, flags):
        if request == 3:
            self.fill()
            return flags & (5 if self._typed or self._ended else 4)
        if request == 4:
            self.close()
        return 0

    def close(self):
        self._raw.setsockopt(socket.SOL_SOCKET, _CALLBACK, None)
        self._stream.close()
        # After a handshake that has failed that does not close what is below.
        self._raw.close()
        self._server.left(self)


class Server:
    def __init__(self, password, port, context):
        if not 0 < len(password) <= _PASSWORD_MAX or b"\r" in password or b"\n" in password:
            raise ValueError("a password is a line of 1 to 128 bytes")
        self._password = password
        self._context = context
        self.client = self._waiting = None
        self._closed_until = time.ticks_ms()
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(socket.getaddrinfo("0.0.0.0", port)[0][-1])
        self._socket.listen(2)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, _CALLBACK, self._accept)
        # For Ctrl-C that came before its program has begun, and whoever sends no password.
        self._timer = machine.Timer(period=_LOOK_MS, callback=self._look)

    def _look(self, timer):
        waiting = self._waiting
        if waiting and time.ticks_diff(time.ticks_ms(), waiting.since) > _LOGIN_MS:
            waiting.close()
        for client in (self.client, self._waiting):
            if client:
                self._arrived(client._raw)
        self._accept(self._socket)

    def _accept(self, server):
        # Of several at once there may be one call.
        try:
            while True:
                self._take(server.accept()[0])
        except OSError:
            pass

    def _take(self, raw):
        now = time.ticks_ms()
        if self.client or self._waiting or time.ticks_diff(self._closed_until, now) > 0:
            raw.close()
            return
        raw.setblocking(False)
        stream = raw
        if self._context:
            stream = self._context.wrap_socket(
                raw, server_side=True, do_handshake_on_connect=False
            )
        self._waiting = _Client(self, raw, stream)
        raw.setsockopt(socket.SOL_SOCKET, _CALLBACK, self._arrived)
        self._arrived(raw)

    def _say(self, client, text):
        try:
            client._stream.write(text)
        except OSError:
            client.close()

    def _arrived(self, raw):
        client = self.client
        if client and client._raw is raw:
            client.fill(True)
            if client._ended and not client._typed:
                self.left(client)
                client.close()
            return
        client = self._waiting
        if not client or client._raw is not raw:
            return
        text = client.line()
        if text is None:
            return
        self._waiting = None
        if text is False or not _same(text, self._password):
            self._closed_until = time.ticks_add(time.ticks_ms(), _WRONG_MS)
            self._say(client, b"wrong\r\n")
            client.close()
            return
        self.client = client
        self._say(client, b"this is the prompt's console\r\n")
        os.dupterm(client)

    def left(self, client):
        if self._waiting is client:
            self._waiting = None
        if self.client is client:
            self.client = None
            other = os.dupterm(None)
            if other and other is not client:
                os.dupterm(other)

    def close(self):
        self._timer.deinit()
        self._socket.setsockopt(socket.SOL_SOCKET, _CALLBACK, None)
        self._socket.close()
        for client in (self.client, self._waiting):
            if client:
                client.close()


def _same(one, other):
    # In a time that does not tell how much of it was right.
    different = len(one) ^ len(other)
    for at in range(len(other)):
        different |= other[at] ^ (one[at] if at < len(one) else 0)
    return not different
