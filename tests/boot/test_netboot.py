"""The image that boots from the network: what DHCP names comes by TFTP or HTTP, and runs."""

import binascii
import random
import subprocess
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from images import IMAGES

DATA = random.Random(1).randbytes(70_000)
PROGRAM = "import sys\nprint('it says', 6 * 7)\nsys.exit(7)\n"
FOLDER = """\
import binascii, data, sys
print('crc', binascii.crc32(data.DATA), __file__)
sys.exit(8)
"""


@pytest.fixture
def served(folder):
    """A folder with a program, and a larger one as a ROMFS."""
    served = folder / "served"
    served.mkdir()
    (served / "hello.py").write_text(PROGRAM)
    tree = folder / "tree"
    tree.mkdir()
    (tree / "main.py").write_text(FOLDER)
    (tree / "data.py").write_text(f"DATA = {DATA!r}\n")
    command = [sys.executable, "-m", "mpremote", "romfs", "--no-mpy", "--output"]
    subprocess.run([*command, served / "app.romfs", "build", tree], check=True)
    return served


def run(boot, words, status):
    vm = boot(board="microvm", app=IMAGES / "netboot", nets=[f"user,{words}"])
    assert vm.wait_exit() == status
    return vm.transcript()


def test_tftp(boot, served):
    """A program of one packet, and one of many."""
    assert "it says 42\n" in run(boot, f"tftp={served},bootfile=hello.py", 7)
    said = run(boot, f"tftp={served},bootfile=app.romfs", 8)
    assert f"crc {binascii.crc32(DATA)} /net/main.py" in said
    # As mpremote packs them unless it is told otherwise.
    command = [sys.executable, "-m", "mpremote", "romfs", "--mpy", "--output"]
    subprocess.run([*command, served / "mpy.romfs", "build", served.parent / "tree"], check=True)
    said = run(boot, f"tftp={served},bootfile=mpy.romfs", 1)
    assert "netboot: no main.py in mpy.romfs (mpremote romfs --no-mpy build)" in said


def test_http(boot, served):
    """A URL is got by HTTP; what is not there is an error that says so, as it is by TFTP."""
    handler = partial(SimpleHTTPRequestHandler, directory=served)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"bootfile=http://10.0.2.2:{server.server_port}"
        try:
            assert "crc" in run(boot, f"{url}/app.romfs", 8)
            assert "404 File not found" in run(boot, f"{url}/no.py", 1)
        finally:
            server.shutdown()
    assert "tftp: File not found" in run(boot, f"tftp={served},bootfile=no.py", 1)
    assert "netboot: DHCP names no file" in run(boot, "model=virtio", 1)
