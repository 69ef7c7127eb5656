"""The console of labgrid's target, for tests that run with --lg-env: any driver that has one."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from threading import Event, Thread

from ringzero_vm import ROOT

WAIT = 0.1  # seconds that a read of the driver's may take


@contextlib.contextmanager
def served(target, kernel):
    """Where the target has a TFTP server, it boots the kernel from there, by GRUB."""
    from labgrid.exceptions import NoDriverFoundError

    with tempfile.TemporaryDirectory(prefix="rz-") as folder:
        with contextlib.suppress(NoDriverFoundError):
            provider = target.get_driver("TFTPProviderDriver")
            command = [sys.executable, ROOT / "scripts" / "image.py", "net", "--kernel", kernel]
            subprocess.run([*command, "--output", folder], check=True)
            os.chmod(folder, 0o755)  # the server may be another user, and follows links to here
            for file in Path(folder).iterdir():
                provider.stage(str(file))
        yield


def line(target, kernel):
    """A generator of one pair: a file descriptor, the line to the target, and what switches the
    target off and on, or None. It is switched on anew at the start, with that kernel where it
    boots from a TFTP server of labgrid's."""
    with served(target, kernel):
        yield from switched_on(target)


def switched_on(target):
    from labgrid.driver.exception import ExecutionError
    from labgrid.exceptions import NoDriverFoundError
    from pexpect import TIMEOUT

    console = target.get_driver("ConsoleProtocol")
    try:
        restart = target.get_driver("PowerProtocol").cycle
        restart()
    except NoDriverFoundError:
        restart = None
    ours, theirs = socket.socketpair()
    over = Event()

    # A driver's read() and write() are steps of a test to labgrid, which has only one at a time;
    # what they are made of can run beside them. While it is switched there may be no line.
    def receive():
        while not over.is_set():
            try:
                theirs.sendall(console._read(timeout=WAIT, max_size=4096))
            except (AttributeError, OSError, ExecutionError, TIMEOUT):
                over.wait(WAIT / 10)

    def send():
        while data := theirs.recv(4096):
            with contextlib.suppress(AttributeError, OSError, ExecutionError):
                console._write(data)

    threads = [Thread(target=one, daemon=True) for one in (receive, send)]
    for thread in threads:
        thread.start()
    try:
        yield ours.fileno(), restart
    finally:
        over.set()
        ours.close()
        for thread in threads:
            thread.join(5)
        theirs.close()
