# A server of HTTP/1.1 on asyncio: connections that stay, pipelined requests, files, JSON.

import asyncio
import errno
import json
import os
import sys
import time

HEAD_MAX = 8192  # bytes of a request's line and fields
BODY_MAX = 65536
BLOCK = 8192  # of a file, at a time
IDLE = 30  # seconds without a byte, after which a connection is closed

REASONS = {
    200: "OK",
    204: "No Content",
    400: "Bad Request",
    404: "Not Found",
    405: "Method Not Allowed",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    501: "Not Implemented",
}
TYPES = {
    "html": "text/html; charset=utf-8",
    "txt": "text/plain; charset=utf-8",
    "css": "text/css",
    "js": "text/javascript",
    "json": "application/json",
    "svg": "image/svg+xml",
    "png": "image/png",
    "jpg": "image/jpeg",
    "ico": "image/x-icon",
}


class Refused(Exception):
    """What answers a request with this status and nothing else."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


class Request:
    """`method`, `path` without its query, `query` (str), `body` (bytes)."""

    def __init__(self, head):
        line, _, self._fields = head.partition(b"\r\n")
        try:
            self.method, target, version = line.decode().split(" ")
        except ValueError:
            raise Refused(400) from None
        self.path, _, self.query = target.partition("?")
        if version[:7] != "HTTP/1." or self.path[:1] != "/":
            raise Refused(400)
        self.body = b""
        stays = self.field("connection").lower()
        self.keep = stays != "close" if version == "HTTP/1.1" else stays == "keep-alive"

    def field(self, name):
        """The value of a field of its head, or "". Names are in small letters."""
        fields = b"\r\n" + self._fields
        at = fields.lower().find(b"\r\n" + name.encode() + b":")
        if at < 0:
            return ""
        value = fields[at + len(name) + 3 :].partition(b"\r\n")[0]
        return value.decode().strip()

    def json(self):
        try:
            return json.loads(self.body)
        except ValueError:
            raise Refused(400) from None


def unquote(text):
    """A path without its %XX."""
    first, *rest = text.split("%")
    parts = [first.encode()]
    for part in rest:
        try:
            parts.append(bytes([int(part[:2], 16)]) + part[2:].encode())
        except ValueError:
            raise Refused(400) from None
    try:
        return b"".join(parts).decode()
    except UnicodeError:
        raise Refused(400) from None


def head(status, type, size, keep):
    return (
        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: %s\r\n\r\n"
        % (status, REASONS[status], type, size, "keep-alive" if keep else "close")
    ).encode()


class Secure:
    """A TLS context for start_server() that knows the sockets below: a handshake that fails does
    not close them."""

    def __init__(self, context):
        self.context = context
        self.below = {}

    def wrap_socket(self, sock, **options):
        wrapped = self.context.wrap_socket(sock, **options)
        self.below[id(wrapped)] = sock
        return wrapped

    def close(self, wrapped):
        self.below.pop(id(wrapped)).close()


class Server:
    """Answers requests by functions, and what has none by the files in `folder`."""

    def __init__(self, folder=None):
        self.folder = folder
        self.functions = {}
        self.last = {}  # when the task of a connection has last heard something, in seconds
        self.requests = 0
        self.reaper = None

    def route(self, method, path):
        """Decorates the function for a path, async or not: function(request) returns a str, which
        is HTML, or what becomes JSON."""

        def set(function):
            self.functions.setdefault(path, {})[method] = function
            return function

        return set

    async def start(self, port, ssl=None):
        if self.reaper is None:
            self.reaper = asyncio.create_task(self.reap())
        if ssl:
            ssl = Secure(ssl)

        async def connection(reader, writer):
            await self.connection(reader, writer)
            if ssl:
                ssl.close(writer.s)

        return await asyncio.start_server(connection, "0.0.0.0", port, 64, ssl)

    async def reap(self):
        """Ends connections that have been still for too long."""
        while True:
            await asyncio.sleep(IDLE // 3)
            now = time.time()
            for task, since in list(self.last.items()):
                if now - since > IDLE:
                    task.cancel()

    async def connection(self, reader, writer):
        task = asyncio.current_task()
        self.last[task] = time.time()
        try:
            data = b""
            while True:
                end = data.find(b"\r\n\r\n")
                while end < 0:
                    if len(data) > HEAD_MAX:
                        raise Refused(431)
                    more = await reader.read(2048)
                    if not more:
                        return
                    data += more
                    end = data.find(b"\r\n\r\n")
                if end > HEAD_MAX:
                    raise Refused(431)
                self.last[task] = time.time()
                request = Request(data[: end + 2])
                data = data[end + 4 :]
                size = request.field("content-length")
                if size:
                    if not size.isdigit():
                        raise Refused(400)
                    size = int(size)
                    if size > BODY_MAX:
                        raise Refused(413)
                    while len(data) < size:
                        more = await reader.read(size - len(data))
                        if not more:
                            return
                        data += more
                    request.body, data = data[:size], data[size:]
                elif request.field("transfer-encoding"):
                    raise Refused(501)
                self.requests += 1
                await self.answer(request, writer)
                if writer.out_buf:
                    await writer.drain()
                if not request.keep:
                    return
        except Refused as refused:
            await self.say(writer, refused.status, False)
        except (OSError, asyncio.CancelledError):
            # Whoever was there has gone, or is to go.
            pass
        finally:
            del self.last[task]
            writer.close()
            await writer.wait_closed()

    async def say(self, writer, status, keep):
        text = REASONS[status] + "\n"
        writer.write(head(status, TYPES["txt"], len(text), keep) + text.encode())
        await writer.drain()

    async def answer(self, request, writer):
        functions = self.functions.get(request.path)
        try:
            if functions is None:
                await self.file(request, writer)
                return
            function = functions.get(request.method)
            if function is None:
                raise Refused(405)
            value = function(request)
            if hasattr(value, "send"):
                value = await value
        except Refused as refused:
            await self.say(writer, refused.status, request.keep)
            return
        except Exception as error:
            sys.print_exception(error)
            await self.say(writer, 500, request.keep)
            return
        type = "html"
        if not isinstance(value, str):
            type = "json"
            value = json.dumps(value)
        value = value.encode()
        writer.write(head(200, TYPES[type], len(value), request.keep) + value)

    async def file(self, request, writer):
        if request.method not in ("GET", "HEAD"):
            raise Refused(405)
        path = unquote(request.path)
        if self.folder is None or ".." in path.split("/") or "\0" in path:
            raise Refused(404)
        path = self.folder + path
        if path[-1] == "/":
            path += "index.html"
        try:
            size = os.stat(path)[6]
            file = open(path, "rb")
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.EISDIR, errno.EINVAL):
                raise Refused(404) from None
            raise Refused(500) from None
        with file:
            type = TYPES.get(path.rpartition(".")[2], "application/octet-stream")
            start = head(200, type, size, request.keep)
            if request.method == "HEAD":
                writer.write(start)
                return
            block = bytearray(min(size, BLOCK))
            view = memoryview(block)
            if size <= BLOCK:
                file.readinto(block)
                writer.write(start + block)
                return
            writer.write(start)
            task = asyncio.current_task()
            while size > 0:
                count = file.readinto(block)
                if not count:
                    # Not as long as it was: what was promised cannot be kept.
                    raise OSError(errno.EIO)
                size -= count
                writer.write(view[:count] if count < BLOCK else block)
                await writer.drain()
                self.last[task] = time.time()
