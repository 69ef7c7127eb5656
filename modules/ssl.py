"""TLS over streams: `tls` with CPython's names for it, and with certificates and keys in files."""

import tls as _tls
from tls import *


def _read(data):
    # What is a string is the name of a file.
    if isinstance(data, str):
        with open(data, "rb") as file:
            return file.read()
    return data


class SSLContext:
    """What connections have in common. Unlike that of `tls`, a client's checks no certificate
    until verify_mode says so: it is CERT_NONE at first, as everywhere with MicroPython."""

    def __init__(self, protocol):
        self._context = _tls.SSLContext(protocol)
        self._context.verify_mode = CERT_NONE

    def __getattr__(self, name):
        return getattr(self._context, name)

    @property
    def verify_mode(self):
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._context.verify_mode = mode

    @property
    def verify_callback(self):
        return self._context.verify_callback

    @verify_callback.setter
    def verify_callback(self, callback):
        self._context.verify_callback = callback

    def load_cert_chain(self, certfile, keyfile):
        """The own certificate, with those up to the CA's behind it, and its key; PEM or DER.

        A str is a file's name, bytes are the certificate itself. OSError, ValueError."""
        self._context.load_cert_chain(_read(certfile), _read(keyfile))

    def load_verify_locations(self, cafile=None, cadata=None):
        """The CAs' certificates, which the other side's are checked against; PEM or DER.

        OSError: there is no such file. ValueError: that is no certificate."""
        self._context.load_verify_locations(_read(cafile) if cafile else cadata)

    def wrap_socket(
        self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None, **others
    ):
        """A stream of what comes and goes encrypted through `sock`, a socket or any stream.

        server_hostname is whose certificate it must be. OSError, with Mbed TLS's text: there is no
        connection. ValueError: the certificate is not good, and why."""
        return self._context.wrap_socket(
            sock,
            server_side=server_side,
            do_handshake_on_connect=do_handshake_on_connect,
            server_hostname=server_hostname,
            **others,
        )


def wrap_socket(
    sock,
    server_side=False,
    key=None,
    cert=None,
    cert_reqs=CERT_NONE,
    cadata=None,
    server_hostname=None,
    do_handshake=True,
):
    """The same with a context of its own."""
    context = SSLContext(PROTOCOL_TLS_SERVER if server_side else PROTOCOL_TLS_CLIENT)
    if cert or key:
        context.load_cert_chain(cert, key)
    if cadata:
        context.load_verify_locations(cadata=cadata)
    context.verify_mode = cert_reqs
    return context.wrap_socket(
        sock,
        server_side=server_side,
        do_handshake_on_connect=do_handshake,
        server_hostname=server_hostname,
    )
