# Gets a program from the network, as DHCP names it, and runs it.

import os
import sys
import time

import network


def get(server, name):
    """The bytes of the file that DHCP has named: a URL, or a path on its TFTP server."""
    if name.startswith("http://"):
        from . import http

        return http.get(name)
    from . import tftp

    return tftp.get(server, name)


def run():
    """Runs a .py, or a ROMFS that has a main.py in it."""
    lan = network.LAN()
    lan.active(True)
    while not lan.isconnected():
        time.sleep_ms(1)
    boot = lan.config("boot")
    if boot is None:
        raise OSError("netboot: DHCP names no file")
    server, name = boot
    data = get(server, name)
    print("netboot: %s of %s, %d bytes" % (name, server, len(data)))
    if data[:3] == b"\xd2\xcd\x31":  # ROMFS
        import vfs

        vfs.mount(vfs.VfsRom(data), "/net")
        sys.path.insert(0, "/net")
        if "main.py" not in os.listdir("/net"):
            raise OSError("netboot: no main.py in %s (mpremote romfs --no-mpy build)" % name)
        name = "/net/main.py"
        with open(name) as file:
            data = file.read()
    exec(compile(data, name, "exec"), {"__name__": "__main__", "__file__": name})
