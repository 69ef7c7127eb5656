# As much of HTTP as it takes to get a file.

import socket


def get(url):
    """The bytes at a URL, http://HOST[:PORT]/PATH. OSError for any answer but 200."""
    place, _, path = url[len("http://") :].partition("/")
    host, _, port = place.partition(":")
    sock = socket.socket()
    try:
        sock.settimeout(10)
        sock.connect(socket.getaddrinfo(host, int(port or "80"))[0][-1])
        # HTTP/1.0: the end of the body is that of the connection.
        sock.write(("GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n" % (path, place)).encode())
        head, _, body = sock.read().partition(b"\r\n\r\n")
    finally:
        sock.close()
    lines = head.split(b"\r\n")
    status = lines[0].split(b" ")[1:2]
    if status != [b"200"]:
        raise OSError("http: %s: %s" % (url, lines[0].decode()))
    for line in lines[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length" and int(value) != len(body):
            raise OSError("http: %s: %d of %d bytes came" % (url, len(body), int(value)))
    return body
