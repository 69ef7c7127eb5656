"""mpremote, as anybody installs it, over a pseudo-terminal of QEMU's: no glue on either side."""

import contextlib
import functools
import hashlib
import http.server
import random
import re
import threading
import time

import pexpect
import pytest
from pseudo_terminal import Device

CTRL_X = "\x18"

pytestmark = pytest.mark.board("q35")


@pytest.fixture
def device(folder, kernel, board, request):
    with contextlib.closing(Device(folder, kernel, board, *getattr(request, "param", ()))) as it:
        yield it


@pytest.mark.board("q35", "pc", "microvm")
def test_exec_run_eval(device, tmp_path):
    """`exec`, `run` and `eval`: programs' output comes back, and their errors do."""
    assert device.mpremote("exec", "print(6 * 7)") == "42\n"
    assert device.mpremote("eval", "2 ** 70") == f"{2**70}\n"
    script = tmp_path / "script.py"
    script.write_text("import sys\nfor i in range(3):\n    print(sys.platform, i)\n")
    assert device.mpremote("run", script) == "x86_64 0\nx86_64 1\nx86_64 2\n"
    assert "ZeroDivisionError" in device.mpremote("exec", "1 / 0", status=1)


def test_copy(device, tmp_path):
    """`cp` brings 100 kB there and back byte for byte."""
    data = random.Random(1).randbytes(100_000)
    (tmp_path / "there").write_bytes(data)
    device.mpremote("cp", tmp_path / "there", ":data.bin")
    digest = "import hashlib; print(hashlib.sha256(open('data.bin','rb').read()).digest().hex())"
    assert device.mpremote("exec", digest).strip() == hashlib.sha256(data).hexdigest()
    device.mpremote("cp", ":data.bin", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == data


def test_folders(device, tmp_path):
    """`mkdir`, `cp -r`, `ls`, `cat`, `touch`, `rm`, `rmdir` and `df`."""
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree" / "a.txt").write_text("text\n")
    device.mpremote("mkdir", "empty")
    device.mpremote("cp", "-r", tmp_path / "tree", ":")
    listing = device.mpremote("ls")
    assert "empty/" in listing and "tree/" in listing
    assert re.search(r"\b5 a\.txt", device.mpremote("ls", "tree"))
    assert device.mpremote("cat", "tree/a.txt") == "text\n"
    device.mpremote("touch", "tree/b.txt")
    device.mpremote("rm", "tree/a.txt")
    assert "a.txt" not in device.mpremote("ls", "tree")
    device.mpremote("rmdir", "empty")
    assert "empty" not in device.mpremote("ls")
    assert "none" in device.mpremote("cat", "none", status=1)
    assert re.search(r"4194304 .* /\n", device.mpremote("df"))


def test_mount(device, tmp_path):
    """`mount` lets the guest import from a folder of the host's, and write to it."""
    (tmp_path / "hosted.py").write_text("def answer():\n    return 'from the host'\n")
    text = device.mpremote(
        *("mount", tmp_path, "exec"),
        "import hosted; print(hosted.answer()); open('new.txt', 'w').write('guest')",
    )
    assert "from the host" in text
    assert (tmp_path / "new.txt").read_text() == "guest"


def test_clock(device):
    """`rtc --set` brings the host's time, and it stays over a soft reset."""
    device.mpremote("rtc", "--set")
    host = time.mktime(time.localtime())
    wall = device.mpremote("rtc")
    found = tuple(map(int, re.search(r"\((.*)\)", wall).group(1).split(",")))
    there = time.mktime((*found[:3], *found[4:7], 0, 0, -1))
    assert abs(there - host) < 5, wall


def test_soft_reset_and_resume(device):
    """`soft-reset` clears what a program left, `resume` keeps it."""
    device.mpremote("exec", "kept = 1")
    assert device.mpremote("resume", "eval", "kept") == "1\n"
    device.mpremote("soft-reset")
    assert "NameError" in device.mpremote("resume", "exec", "kept", status=1)
    # The file system is not a program's, and outlives it.
    device.mpremote("exec", "open('file', 'w').write('here')")
    device.mpremote("soft-reset")
    assert device.mpremote("cat", "file").strip() == "here"


def test_repl(device, folder):
    """`repl` is the prompt; Ctrl-X leaves it."""
    command = device.command("repl")
    with open(folder / "console.log", "w") as log:
        child = pexpect.spawn(command[0], command[1:], encoding="utf-8", timeout=20, logfile=log)
        child.expect_exact("Use Ctrl-] or Ctrl-x to exit this shell")
        child.send("\r")
        child.expect_exact(">>> ")
        child.send("print('the', 'prompt')\r")
        child.expect_exact("the prompt\r\n")
        child.expect_exact(">>> ")
        child.send(CTRL_X)
        child.expect(pexpect.EOF)
        child.close()
    assert device.mpremote("resume", "eval", "1") == "1\n"


@pytest.mark.parametrize("device", [["--append", "rom=64K"]], indirect=True)
def test_romfs(device, tmp_path):
    """`romfs query` and `romfs deploy` work on a segment of RAM that outlives soft resets."""
    text = device.mpremote("romfs", "query")
    assert "partition has size 65536 bytes" in text and "Not a valid ROMFS" in text
    (tmp_path / "rom").mkdir()
    (tmp_path / "rom" / "deployed.py").write_text("answer = 'from /rom'\n")
    device.mpremote("romfs", "deploy", tmp_path / "rom")
    assert "ROMFS image size" in device.mpremote("romfs", "query")
    device.mpremote("soft-reset")
    assert device.mpremote("exec", "import deployed; print(deployed.answer)") == "from /rom\n"


def test_romfs_without(device):
    """Where there is no such segment, `romfs query` says so."""
    assert "No ROMFS partitions available" in device.mpremote("romfs", "query")


def test_mip(device, tmp_path):
    """`mip install` takes packages through the host, and says what it could not get."""
    (tmp_path / "package.py").write_text("answer = 'installed'\n")
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        device.mpremote("mip", "install", "--no-mpy", f"{url}/package.py")
        text = device.mpremote("mip", "install", f"{url}/none.py", status=1)
        server.shutdown()
    assert "not found" in text
    assert device.mpremote("exec", "import package; print(package.answer)") == "installed\n"
    assert "mip" in device.mpremote("exec", "import mip", status=1)
