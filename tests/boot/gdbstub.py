"""As much of gdb's remote protocol as it takes to look at a guest's memory and registers."""

import socket
import struct


def attach(vm):
    """A connection to a guest that runs. Served from its start, it would have QEMU wait for us."""
    path = vm.sockets / "stub"
    command = f"gdbserver unix:{path},server=on,wait=off"
    vm.qmp.command("human-monitor-command", command_line=command)
    return Gdb(path)


class Gdb:
    """A connection to QEMU's gdb stub on a unix socket. The guest stands still from here on until
    `resume`, and again after each `stop`. Addresses are physical."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        self.socket.connect(str(path))
        self.command("Qqemu.PhyMemMode:1")

    def command(self, text):
        self.send(text)
        # That the guest has stopped is told unasked, when it was running before.
        while (answer := self.receive()).startswith("T"):
            pass
        return answer

    def send(self, text):
        data = text.encode()
        self.socket.sendall(b"$%s#%02x" % (data, sum(data) % 256))

    def receive(self):
        packet = b""
        while packet[-3:-2] != b"#":
            byte = self.socket.recv(1)
            assert byte, "QEMU has ended"
            if packet or byte == b"$":
                packet += byte
        self.socket.sendall(b"+")
        return packet[1:-3].decode()

    def read(self, addr, size):
        return bytes.fromhex(self.command(f"m{addr:x},{size:x}"))

    def write(self, addr, data):
        assert self.command(f"M{addr:x},{len(data):x}:{data.hex()}") == "OK"

    def registers(self):
        """(rip, rflags)."""
        return struct.unpack_from("<QI", bytes.fromhex(self.command("g")), 16 * 8)

    def set_breakpoint(self, addr):
        assert self.command(f"Z1,{addr:x},1") == "OK"

    def clear_breakpoint(self, addr):
        assert self.command(f"z1,{addr:x},1") == "OK"

    def run_to_breakpoint(self):
        # What stands at one does not stop there again.
        for action in "sc":
            self.send(action)
            assert self.receive().startswith("T05")

    def resume(self):
        self.send("c")

    def stop(self):
        self.socket.sendall(b"\x03")
        self.receive()

    def close(self):
        self.socket.close()
