"""Of micropython-lib, where MPY_LIB_DIR= names a checkout: requests, mip, ntptime, webrepl."""

import hashlib
import json
import os
import shutil
import socket
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


def receive(stream, wanted):
    """What comes by the websocket until something is in it, without the frames around it."""
    got = b""
    while wanted not in got:
        head = stream.recv(2, socket.MSG_WAITALL)
        assert head[0] & 0x80 and head[1] < 126
        got += stream.recv(head[1], socket.MSG_WAITALL)
    return got


def send(stream, data):
    mask = b"\1\2\3\4"
    masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(data))
    stream.sendall(bytes([0x81, 0x80 | len(data)]) + mask + masked)


@pytest.mark.skipif(not LIBRARY, reason="MPY_LIB_DIR= names no micropython-lib")
def test_webrepl(boot):
    """The prompt by webrepl, for who knows its password."""
    vm = boot(board="microvm", nets=["user,hostfwd=tcp:0:8266"]).boot()
    text = (Path(LIBRARY) / "micropython/net/webrepl/webrepl.py").read_bytes()
    vm.transport.fs_writefile("/webrepl.py", text)
    vm.exec("import network, time; lan = network.LAN(); lan.active(True)")
    vm.exec("while not lan.isconnected():\n time.sleep_ms(5)")
    vm.exec("import webrepl; webrepl.start(password='secret')")
    vm.repl.send("\x02")
    vm.repl.expect(">>> ")
    with socket.create_connection(("127.0.0.1", vm.port(8266)), 20) as stream:
        stream.settimeout(20)
        key = b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        stream.sendall(
            b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" + key + b"\r\n"
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += stream.recv(1)
        # The key and its answer are those of RFC 6455, 1.3.
        assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
        receive(stream, b"Password: ")
        send(stream, b"secret\r\n")
        receive(stream, b">>> ")
        send(stream, b"print(6 * 7)\r\n")
        assert b"\r\n42\r\n" in receive(stream, b"42\r\n>>> ")
