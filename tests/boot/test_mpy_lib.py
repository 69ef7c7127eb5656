"""Of micropython-lib, where MPY_LIB_DIR= names a checkout: requests, mip and ntptime, against
servers of the test's own."""

import hashlib
import json
import os
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ringzero_vm import launcher_module

LIBRARY = os.environ.get("MPY_LIB_DIR")
FOLDERS = "python-ecosys/requests/requests", "micropython/mip/mip", "micropython/net/ntptime"
NTP = 3_969_000_000  # seconds since 1900, in October 2025
UNIX = NTP - 2_208_988_800

# Answers as an NTP server does, as often as it is asked.
CLOCK = f"""
import network, socket
lan = network.LAN()
lan.active(True)
sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(("0.0.0.0", 123))
for _ in range(2):
    packet, address = sock.recvfrom(48)
    sock.sendto(b"\\x24" + bytes(39) + ({NTP}).to_bytes(4, "big") + bytes(4), address)
"""


@pytest.mark.skipif(not LIBRARY, reason="MPY_LIB_DIR= names no micropython-lib")
def test_library(boot, wire, tmp_path):
    """requests gets JSON, mip installs a package that can be imported, ntptime sets the clock."""
    app = tmp_path / "app"
    app.mkdir()
    for name in FOLDERS:
        folder = Path(LIBRARY) / name
        if (folder / "__init__.py").exists():
            shutil.copytree(folder, app / folder.name)
        else:
            shutil.copy(folder / f"{folder.name}.py", app)
    (app / "main.py").write_text("")
    served = tmp_path / "served"
    served.mkdir()
    (served / "answer.py").write_text("ANSWER = 42\n")
    digest = hashlib.sha256(b"ANSWER = 42\n").hexdigest()
    handler = partial(SimpleHTTPRequestHandler, directory=served)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://10.0.2.2:{server.server_port}"
        package = {"urls": [["answer.py", f"{url}/answer.py"]], "version": "1.0"}
        (served / "package.json").write_text(json.dumps(package))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            clock = boot(board="microvm", nets=[wire], append="ip=10.0.0.1").boot()
            clock.transport.exec_raw_no_follow(CLOCK)
            vm = boot(
                nets=["user", wire],
                initrd=rom(app, tmp_path),
                append="ip=10.0.0.2:::::lan1:off",
            ).boot()
            vm.exec(
                """
import network
for number in 0, 1:
    lan = network.LAN(number)
    lan.active(True)
    while not lan.isconnected():
        pass
"""
            )
            vm.exec(f"import requests; answer = requests.get({url + '/package.json'!r})")
            assert vm.eval("(answer.status_code, answer.json()['version'])") == (200, "1.0")
            vm.exec(f"import mip; mip.install({url + '/package.json'!r}, target='/lib')")
            vm.exec("import hashlib; data = open('/lib/answer.py', 'rb').read()")
            assert vm.eval("hashlib.sha256(data).digest().hex()") == digest
            assert vm.eval("__import__('answer').ANSWER") == 42
            vm.exec("import ntptime, time; ntptime.host = '10.0.0.1'")
            assert vm.eval("ntptime.time()") == UNIX
            vm.exec("ntptime.settime()")
            assert vm.eval("time.time()") - UNIX < 60
        finally:
            server.shutdown()


def rom(app, tmp_path):
    folder = tmp_path / "packed"
    folder.mkdir()
    return launcher_module().pack(app, folder)
