"""The prompt by TCP: for who knows the password, with and without TLS, and for mpremote."""

import os
import re
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
import ringzero_tcp

PORT = 8267
START = """
import network, repl_tcp
lan = network.LAN()
lan.active(True)
while not lan.isconnected():
    pass
"""

pytestmark = [pytest.mark.board("microvm"), pytest.mark.net(PORT)]


def login(vm, password="secret", context=None):
    return ringzero_tcp.login("127.0.0.1", vm.port(PORT), password, context)


def expect(connection, text):
    said = b""
    while text not in said:
        part = connection.recv(4096)
        assert part, said
        said += part


def test_repl(vm):
    """Closed until it is opened; then for one at a time with the right password, who ends programs
    by Ctrl-C, and whose end the prompt outlives."""
    vm.exec(START)
    with socket.create_connection(("127.0.0.1", vm.port(PORT)), timeout=10) as connection:
        with pytest.raises(ConnectionError):
            assert connection.recv(1) == b""
            raise ConnectionError
    vm.run("repl_tcp.start('secret')")
    for password in ("wrong", "secre", "secrets", ""):
        with pytest.raises(PermissionError):
            login(vm, password)
        vm.exec("import time; time.sleep_ms(1100)")
    assert vm.run("1 + 1") == "2\r\n"
    with login(vm) as connection:
        connection.sendall(b"6 * 7\r")
        expect(connection, b"\r\n42\r\n>>> ")
        with pytest.raises(ConnectionError):
            login(vm)
        connection.sendall(b"while True: pass\r\r")
        expect(connection, b"while True: pass\r\n")
        connection.sendall(b"\x03")
        expect(connection, b"KeyboardInterrupt: \r\n>>> ")
        # The console shows the same.
        vm.repl.expect_exact("KeyboardInterrupt: \r\n>>> ")
        assert vm.run("2 + 2") == "4\r\n"
    vm.repl.expect_exact("dupterm: EOF received, deactivating\r\n")
    assert vm.run("3 + 3") == "6\r\n"
    with login(vm) as connection:
        vm.run("repl_tcp.stop()")
        assert connection.recv(4096)[-1:] != b""
    assert vm.run("4 + 4") == "8\r\n"
    for password in ("''", "'x' * 129", "'a\\n'"):
        assert "ValueError: a password is a line of 1 to 128 bytes" in vm.run(
            f"repl_tcp.start({password})"
        )


def test_mpremote_by_tls(vm, mpy_dir, tmp_path):
    """mpremote moves files and runs programs, by TLS, whose certificate is checked."""
    vm.exec(START)
    for kind in ("cert", "key"):
        data = (mpy_dir / f"tests/multi_net/rsa_{kind}.der").read_bytes()
        vm.transport.fs_writefile(f"/{kind}.der", data)
        if kind == "cert":
            (tmp_path / "cert.pem").write_text(ssl.DER_cert_to_PEM_cert(data))
    vm.run("repl_tcp.start('secret', cert='/cert.der', key='/key.der')")
    with pytest.raises(TimeoutError):
        ringzero_tcp.login("127.0.0.1", vm.port(PORT), "secret", timeout=2)
    vm.exec("import time; time.sleep_ms(1100)")
    vm.run("None")
    bridge = subprocess.Popen(
        [sys.executable, ringzero_tcp.__file__, f"127.0.0.1:{vm.port(PORT)}", "--tls"],
        env={**os.environ, "RINGZERO_PASSWORD": "secret"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        place = bridge.stdout.readline().strip()
        assert re.fullmatch(r"/dev/pts/\d+", place)
        mpremote = [str(Path(sys.executable).with_name("mpremote")), "connect", place, "resume"]
        path = tmp_path / "big.bin"
        path.write_bytes(bytes(range(256)) * 40)
        run = [*mpremote, "fs", "cp", str(path), ":/big.bin", "+", "exec"]
        run += ["print(open('/big.bin', 'rb').read() == bytes(range(256)) * 40)"]
        # The console shows all of it, and wants to be read.
        done = subprocess.Popen(run, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        vm.repl.expect_exact("True\r\n")
        vm.repl.expect_exact("\n>>> ")
        said = done.communicate(timeout=30)[0]
        assert done.returncode == 0 and "True" in said, said
    finally:
        bridge.terminate()
        bridge.communicate()
