"""network.LAN over QEMU's own network: addresses by DHCP, by hand and from the command line."""

import socket

import pytest

UP = """
import network, time
lan = network.LAN()
lan.active(True)
for i in range(2000):
    if lan.isconnected():
        break
    time.sleep_ms(5)
"""
MODELS = ["virtio", "e1000", "e1000e"]


@pytest.mark.board("q35")
@pytest.mark.parametrize("model", MODELS)
def test_dhcp(boot, model):
    """QEMU's DHCP server is asked, its name server too; what it says is what the interface has."""
    vm = boot(nets=[f"user,model={model}"], board="q35").boot()
    vm.exec(UP)
    assert vm.eval("lan.status()") == 3
    assert vm.eval("lan.ifconfig()") == ("10.0.2.15", "255.255.255.0", "10.0.2.2", "10.0.2.3")
    assert vm.eval("lan.ipconfig('has_dhcp4')") is True
    assert "connected, 10.0.2.15" in vm.eval("str(lan)")
    assert vm.eval("network.LAN(0) is lan and network.route() == [lan]")
    assert vm.eval("lan.status('stats')['errors']") == 0
    vm.exec("lan.ifconfig('dhcp')")
    vm.exec("lan.active(False)")
    assert vm.eval("(lan.active(), lan.isconnected(), lan.status())") == (False, False, 0)
    vm.exec(UP)
    assert vm.eval("lan.isconnected()")


@pytest.mark.board("microvm")
def test_servers(boot):
    """A server here answers the host, and the host's server a client here."""
    vm = boot(nets=["user,hostfwd=tcp:0:80"], board="microvm").boot()
    vm.exec(UP)
    vm.exec(
        """
import socket
listener = socket.socket()
listener.bind(("", 80))
listener.listen(5)
"""
    )
    with socket.create_connection(("127.0.0.1", vm.port(80)), 20) as host:
        vm.exec("peer, where = listener.accept()")
        data = bytes(range(256)) * 4000
        host.settimeout(20)
        vm.exec(
            """
import _thread
def echo():
    while data := peer.recv(4096):
        peer.sendall(data)
    peer.close()
_thread.start_new_thread(echo, ())
"""
        )
        got = b""
        for at in range(0, len(data), 64000):
            host.sendall(data[at : at + 64000])
            while len(got) < min(at + 64000, len(data)):
                got += host.recv(65536)
        assert got == data
        host.shutdown(socket.SHUT_WR)
        assert host.recv(1) == b""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        vm.exec(f"s = socket.socket(); s.connect(('10.0.2.2', {port})); s.send(b'x' * 1000)")
        peer, _ = server.accept()
        assert peer.recv(1000, socket.MSG_WAITALL) == b"x" * 1000
        peer.close()
        assert vm.eval("s.recv(1)") == b""
    # Nobody listens: refused, and not only after a time-out.
    vm.exec(
        "s = socket.socket()\ntry:\n s.connect(('127.0.0.1', 1))\nexcept OSError as e: n = e.errno"
    )
    assert vm.eval("n") == 104 or vm.eval("n") == 111


ADDRESSES = {
    "ip=10.0.2.20::10.0.2.2:255.255.0.0": ("10.0.2.20", "255.255.0.0", "10.0.2.2", "10.0.2.2"),
    "ip=10.0.2.21/25": ("10.0.2.21", "255.255.255.128", "0.0.0.0", "0.0.0.0"),
    "ip=10.0.2.22::10.0.2.2:255.255.255.0:me:lan0:off:10.0.2.3": (
        "10.0.2.22",
        "255.255.255.0",
        "10.0.2.2",
        "10.0.2.3",
    ),
    "ip=1.2.3.4 ip=dhcp": ("10.0.2.15", "255.255.255.0", "10.0.2.2", "10.0.2.3"),
    "ip=10.9.9.9:::::lan1": ("10.0.2.15", "255.255.255.0", "10.0.2.2", "10.0.2.3"),
}
BAD = ["ip=10.0.2", "ip=", "ip=1.2.3.4/33", "ip=1.2.3.256", "ip=1.2.3.4:::::eth0", "ip=1.2.3.4::a"]


@pytest.mark.board("microvm")
@pytest.mark.parametrize("line", ADDRESSES)
def test_command_line(boot, line):
    """ip= gives an address in the place of DHCP's."""
    vm = boot(nets=["user"], board="microvm", append=line).boot()
    vm.exec(UP)
    assert vm.eval("lan.ifconfig()") == ADDRESSES[line]


@pytest.mark.board("microvm")
def test_bad_command_line(boot):
    """What is no address is a ValueError that names it, and nothing is switched on."""
    vm = boot(nets=["user"], board="microvm").boot()
    vm.exec("import _nics, bootinfo, network\nlan = network.LAN()")
    for word in BAD:
        vm.exec(
            f"bootinfo.cmdline = {word!r}\ntry:\n lan.active(1); text = None\n"
            "except ValueError as error: text = str(error)"
        )
        assert word in vm.eval("text")
        assert vm.eval("lan.active()") is False
    for call in (
        "lan.ifconfig(('300.0.2.15', '255.255.255.0', '10.0.2.2', '10.0.2.3'))",
        "lan.ifconfig(('10.0.2.15', '255.255', '10.0.2.2', '10.0.2.3'))",
        "lan.ipconfig(addr4='10.0.2.15/33')",
        "lan.ipconfig(addr4='10.0.2.15/')",
        "lan.ipconfig(addr6='fe80::1/129')",
    ):
        before = vm.eval("lan.ifconfig()")
        vm.exec(f"text = None\ntry:\n {call}\nexcept ValueError as error: text = str(error)")
        assert vm.eval("text") and vm.eval("lan.ifconfig()") == before
