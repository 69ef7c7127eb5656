# Serves files, a JSON API and the same by HTTPS.

from . import api
from .http import Server

PAGE = """\
<!doctype html>
<title>Ringzero</title>
<h1>This is the kernel</h1>
<p>Files in /www on the disk that root= names are served here, index.html in place of this.
<a href="/api/status">Its state</a> is JSON.
"""


async def start(folder, port=80, https=None, notes="/notes.txt", cpus=()):
    """Serves from then on. `https` is (port, ssl context)."""
    server = Server(folder)
    api.add(server, notes, cpus)
    if folder is None:
        server.functions["/"] = {"GET": lambda request: PAGE}
    await server.start(port)
    if https:
        await server.start(*https)
