"""The image that serves HTTP and HTTPS: files from its disk and a JSON API, to curl and wrk."""

import json
import random
import re
import socket
import ssl
import subprocess

import pytest
from images import IMAGES

PORTS = "user,hostfwd=tcp:0:80,hostfwd=tcp:0:443"
BIG = random.Random(1).randbytes(300_000)


def command(*arguments, **options):
    done = subprocess.run([*map(str, arguments)], capture_output=True, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def disk(folder):
    """A FAT with files to serve, a certificate and its key, made as the images' README says."""
    pem = ["-keyout", folder / "key.pem", "-out", folder / "cert.pem"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=ringzero", "-addext", "subjectAltName=IP:127.0.0.1"]
    command("openssl", "req", "-x509", *curve, "-days", "30", *name, *pem)
    for kind, tool in (("cert", "x509"), ("key", "ec")):
        given = ["-in", folder / f"{kind}.pem", "-outform", "DER"]
        command("openssl", tool, *given, "-out", folder / f"{kind}.der")
    (folder / "index.html").write_text("<h1>hello</h1>\n")
    (folder / "big.bin").write_bytes(BIG)
    image = folder / "disk.img"
    image.write_bytes(bytes(4 << 20))
    command("/usr/sbin/mkfs.fat", image)
    command("mmd", "-i", image, "::/www", "::/www/a b", "::/tls")
    for file, place in (
        ("index.html", "www"),
        ("index.html", "www/a b"),
        ("big.bin", "www"),
        ("cert.der", "tls"),
        ("key.der", "tls"),
    ):
        command("mcopy", "-i", image, folder / file, f"::/{place}")
    return image


def curl(vm, path, *arguments, port=80):
    scheme = "https" if port == 443 else "http"
    url = f"{scheme}://127.0.0.1:{vm.port(port)}{path}"
    return command("curl", "-sS", "--max-time", "30", *arguments, url)


def serve(boot, **options):
    vm = boot(app=IMAGES / "webserver", nets=[PORTS], **options)
    vm.repl.expect(r"webserver: at http\S*://10.0.2.15/\r\n")
    return vm


@pytest.mark.timeout(120)
def test_webserver(boot, disk, folder):
    """Files, the API and their errors; pipelined requests; the same by TLS, with the certificate
    checked; and many at once."""
    vm = serve(boot, append="root=disk0", disks=[disk])
    assert curl(vm, "/") == curl(vm, "/a%20b/") == b"<h1>hello</h1>\n"
    assert curl(vm, "/big.bin") == BIG
    head = curl(vm, "/big.bin", "-I").decode()
    assert head.startswith("HTTP/1.1 200 OK\r\n") and "Content-Length: 300000\r\n" in head
    status = ["-o", "/dev/null", "-w", "%{http_code}", "--path-as-is"]
    for path, arguments, answer in (
        ("/nothing", [], b"404"),
        ("/../tls/key.der", [], b"404"),
        ("/%2e%2e/tls/key.der", [], b"404"),
        ("/%zz", [], b"400"),
        ("/a%20b", [], b"404"),
        ("/", ["-X", "DELETE"], b"405"),
        ("/api/notes", ["-X", "PUT"], b"405"),
        ("/api/notes", ["-d", "{"], b"400"),
        ("/api/notes", ["-d", "x" * 70_000], b"413"),
        ("/", ["-H", "Long: " + "x" * 9000], b"431"),
    ):
        assert curl(vm, path, *status, *arguments) == answer, (path, arguments)
    curl(vm, "/api/notes", "-d", json.dumps({"text": "good morning"}))
    assert json.loads(curl(vm, "/api/notes"))[0]["text"] == "good morning"
    assert json.loads(curl(vm, "/api/primes?below=10000")) == {
        "below": 10000,
        "count": 1229,
        "cpu": 0,
    }
    with socket.create_connection(("127.0.0.1", vm.port(80)), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 3 + b"GET / HTTP/1.0\r\n\r\n")
        said = b"".join(iter(lambda: connection.recv(65536), b""))
    assert said.count(b"<h1>hello</h1>") == 4
    checked = ["--cacert", folder / "cert.pem"]
    assert curl(vm, "/big.bin", *checked, port=443) == BIG
    assert json.loads(curl(vm, "/api/status", *checked, port=443))["cpus"] == 1
    said = command("wrk", "-t1", "-c32", "-d2s", f"http://127.0.0.1:{vm.port(80)}/").decode()
    assert int(re.search(r"(\d+) requests in", said)[1]) > 0 and "Non-2xx" not in said, said
    # Who speaks no TLS there has closed the connection, and no more.
    with socket.create_connection(("127.0.0.1", vm.port(443)), timeout=30) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        connection.recv(1024)
    context = ssl.create_default_context(cafile=folder / "cert.pem")
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", vm.port(443)), timeout=30),
        server_hostname="127.0.0.1",
    ) as connection:
        assert connection.version() == "TLSv1.2"
    # All but the one that asks end, once their last packets have come.
    while json.loads(curl(vm, "/api/status"))["connections"] > 1:
        pass


@pytest.mark.timeout(120)
def test_webserver_cpus(boot):
    """With compute=cpus what takes long is computed by the other CPUs, at the same time."""
    vm = serve(boot, smp=3, append="compute=cpus")
    paths = [f"/api/primes?below={below}" for below in (10, 100, 1000, 200_000)]
    answers = [json.loads(curl(vm, path)) for path in paths]
    assert [answer["count"] for answer in answers] == [4, 25, 168, 17984]
    assert [answer["cpu"] for answer in answers] == [1, 2, 1, 2]
    assert b"This is the kernel" in curl(vm, "/")
