"""The image that logs measurements to a disk: what it has said is there after a power cut."""

import os
import signal
from pathlib import Path

from images import IMAGES
from littlefs import LittleFS

BLOCK = 4096


def lines(image):
    """The numbers of the lines on the disk, and in how many files they are."""
    there = LittleFS(block_size=BLOCK, block_count=image.stat().st_size // BLOCK, mount=False)
    there.context.buffer[:] = image.read_bytes()
    there.mount()
    found = []
    names = sorted(there.listdir("/"))
    for name in names:
        with there.open(f"/{name}", "r") as file:
            text = file.read()
        assert text.endswith("\n")
        rows = [row.split(",") for row in text.splitlines() if row != "# start"]
        assert all(len(row) == 5 for row in rows)
        found += [int(row[0]) for row in rows]
    return found, len(names)


def kill(vm):
    """The end of its power; everything that it had said is in the transcript."""
    launcher = vm.launcher.pid
    children = Path(f"/proc/{launcher}/task/{launcher}/children").read_text().split()
    os.kill(int(children[0]), signal.SIGKILL)
    vm.wait_exit()


def test_logger(boot, folder):
    """The machine is killed three times; the log goes on where it was, and its oldest files go."""
    image = folder / "disk.img"
    there = LittleFS(block_size=BLOCK, block_count=10)
    image.write_bytes(there.context.buffer)
    last = -1
    for _ in range(3):
        vm = boot(
            board="microvm",
            app=IMAGES / "logger",
            append="root=disk0 every=0",
            extra=[
                *("-drive", f"if=none,id=d,format=raw,file={image}"),
                *("-device", "virtio-blk-device,drive=d"),
            ],
        )
        vm.repl.expect_exact("logger: from line ")
        vm.repl.expect_exact(f"logged {last + 150}\r\n")
        kill(vm)
        said = int(vm.transcript().rsplit("logged ", 1)[1].split()[0])
        found, files = lines(image)
        assert found == list(range(found[0], found[-1] + 1))
        assert found[-1] >= said > last
        last = found[-1]
    assert found[0] > 0 and files > 1
