"""A serial line for tools that want one, of what modules/repl_tcp.py serves.

It logs in at HOST:PORT with the password in RINGZERO_PASSWORD, or one that it asks for, prints the
name of a pseudo-terminal, and passes on what goes either way until one end is closed:

    python ringzero_tcp.py 192.168.1.5:8267 &
    mpremote connect /dev/pts/N resume exec 'print(6 * 7)'

mpremote's own soft reset would close the connection, hence `resume`.
"""

import argparse
import getpass
import os
import select
import socket
import ssl
import sys
import tty


def login(host, port, password, context=None, timeout=30):
    """A socket at the prompt. PermissionError for a wrong password, ConnectionError where another
    one is there already."""
    connection = socket.create_connection((host, port), timeout=timeout)
    try:
        if context:
            connection = context.wrap_socket(connection, server_hostname=host)
        until(connection, b"password: ")
        connection.sendall(password.encode() + b"\n")
        said = until(connection, b"\n")
        if said.startswith(b"wrong"):
            raise PermissionError(f"{host}:{port}: wrong password")
    except BaseException:
        connection.close()
        raise
    return connection


def until(connection, end):
    said = b""
    while not said.endswith(end):
        part = connection.recv(1)
        if not part:
            raise ConnectionError(f"it has closed the connection: {said.decode(errors='replace')}")
        said += part
    return said


def pass_on(connection, terminal):
    """Copies both ways."""
    while True:
        pending = getattr(connection, "pending", lambda: 0)()
        ready = [connection] if pending else select.select([connection, terminal], [], [])[0]
        if connection in ready:
            data = connection.recv(65536)
            if not data:
                return
            while data:
                data = data[os.write(terminal, data) :]
        if terminal in ready:
            connection.sendall(os.read(terminal, 4096))


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("place", metavar="HOST:PORT")
    parser.add_argument("--tls", action="store_true", help="by TLS, whoever is there")
    parser.add_argument("--ca", metavar="PEM", help="by TLS, with a certificate of this issuer's")
    options = parser.parse_args()
    host, _, port = options.place.rpartition(":")
    if not host or not port.isdigit():
        parser.error(f"{options.place}: it is like 192.168.1.5:8267")
    context = None
    if options.tls or options.ca:
        context = ssl.create_default_context(cafile=options.ca)
        context.check_hostname = bool(options.ca)
        context.verify_mode = ssl.CERT_REQUIRED if options.ca else ssl.CERT_NONE
    password = os.environ.get("RINGZERO_PASSWORD") or getpass.getpass()
    try:
        connection = login(host, int(port), password, context)
    except OSError as error:
        sys.exit(f"ringzero_tcp: {error}")
    connection.settimeout(None)
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    print(os.ttyname(theirs), flush=True)
    with connection:
        pass_on(connection, ours)


if __name__ == "__main__":
    main()
