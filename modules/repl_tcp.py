# The prompt by TCP, for who knows a password. What serves it is _repl_tcp.py.

_server = None


def start(password, port=8267, cert=None, key=None):
    """Has the prompt at a TCP port, for one at a time who knows the password (str).

    With a certificate and its key, DER in bytes or in files, it is by TLS. ValueError for a
    password that is no line of 1 to 128 bytes.
    """
    global _server
    from _repl_tcp import Server

    context = None
    if cert is not None:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    stop()
    _server = Server(password.encode(), port, context)


def stop():
    """Closes the port, and the connection if there is one."""
    global _server
    server, _server = _server, None
    if server:
        server.close()
