"""A guest on a pseudo-terminal, for programs that want a serial port."""

import re
import subprocess
import sys

from ringzero_vm import LAUNCHER


class Device:
    """A guest whose console is a pseudo-terminal."""

    def __init__(self, folder, kernel, board, *arguments):
        self.log = open(folder / "mpremote.log", "w")
        command = [sys.executable, str(LAUNCHER), "--kernel", str(kernel), "--board", board]
        command += ["--serial", "pty", "--record", str(folder / "qemu.cmd"), *arguments]
        self.launcher = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        line = self.launcher.stdout.readline()
        found = re.search(r"/dev/pts/\d+", line)
        assert found, line
        self.path = found.group()

    def close(self):
        self.launcher.terminate()
        self.launcher.wait(10)
        self.launcher.stdout.close()
        self.log.close()

    def command(self, *arguments):
        return [sys.executable, "-m", "mpremote", "connect", self.path, *map(str, arguments)]

    def mpremote(self, *arguments, status=0, timeout=60, **options):
        """What mpremote prints, and it must end with `status`."""
        done = subprocess.run(
            self.command(*arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            **options,
        )
        text = done.stdout.decode(errors="replace").replace("\r", "")
        print(arguments, text, f"status {done.returncode}", sep="\n", file=self.log, flush=True)
        assert done.returncode == status, f"mpremote {arguments}: {text}"
        return text
