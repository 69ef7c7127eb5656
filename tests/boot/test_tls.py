"""hashlib, cryptolib and ssl, held to OpenSSL on the host."""

import hashlib
import os
import random
import socket
import ssl
import subprocess
import threading
from datetime import datetime
from pathlib import Path

import pytest
from ringzero_vm import CTRL_C

NO_CHECK_TIME = 0x200000  # X509_V_FLAG_NO_CHECK_TIME, of OpenSSL
HASHES = ("md5", "sha1", "sha256")
PIPES = Path(__file__).with_name("tls_pipes.py").read_text()


def openssl(*words, data=None, cwd=None):
    done = subprocess.run(["openssl", *words], input=data, capture_output=True, cwd=cwd)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_hashes(vm):
    """hashlib's digests are the host's, of any size, in pieces of any size."""
    vm.exec("import hashlib")
    choice = random.Random(15)
    for size in [
        0,
        1,
        55,
        56,
        63,
        64,
        65,
        119,
        120,
        4096,
        *(choice.randrange(9000) for _ in range(9)),
    ]:
        data = choice.randbytes(size)
        step = choice.randrange(1, 200)
        vm.exec(f"data = {data!r}")
        for name in HASHES:
            got = vm.eval(
                f"(lambda h: ([h.update(data[i:i + {step}]) for i in range(0, {size}, {step})],"
                f" h.digest())[1])(hashlib.{name}())"
            )
            assert got == hashlib.new(name, data).digest(), (name, size, step)


def test_ciphers(vm):
    """cryptolib's AES is OpenSSL's in each mode, in both directions, also in place."""
    vm.exec("from cryptolib import aes, MODE_ECB, MODE_CBC, MODE_CTR")
    choice = random.Random(15)
    for bits in (128, 256):
        for mode in ("ECB", "CBC", "CTR"):
            key, iv = choice.randbytes(bits // 8), choice.randbytes(16)
            size = choice.randrange(1, 300) * (1 if mode == "CTR" else 16)
            data = choice.randbytes(size)
            vm.exec(f"key, iv, data = {key!r}, {iv!r}, {data!r}")
            vm.exec(f"new = lambda: aes(key, MODE_{mode}{'' if mode == 'ECB' else ', iv'})")
            words = ["enc", f"-aes-{bits}-{mode.lower()}", "-K", key.hex(), "-nopad"]
            want = openssl(*words, *([] if mode == "ECB" else ["-iv", iv.hex()]), data=data)
            assert vm.eval("new().encrypt(data)") == want, (bits, mode)
            assert vm.eval(f"new().decrypt({want!r})") == data, (bits, mode)
            # In place, and in two pieces.
            half = size // 32 * 16
            vm.exec(f"a = new(); b = bytearray(data); c = memoryview(b)[:{half}]; a.encrypt(c, c)")
            vm.exec(f"c = memoryview(b)[{half}:]; a.encrypt(c, c)")
            assert vm.eval("bytes(b)") == want, (bits, mode)
    for wrong in (
        "aes(b'', 1)",
        "aes(bytes(16), 9)",
        "aes(bytes(16), MODE_CBC)",
        "a.decrypt(b'')",
    ):
        vm.exec(f"try:\n {wrong}\nexcept ValueError: pass\nelse: raise Exception")


# ---- certificates

CONFIG = """
[ca]
default_ca = one
[one]
dir = .
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
unique_subject = no
[policy]
commonName = supplied
[ca_ext]
basicConstraints = critical,CA:true
keyUsage = keyCertSign
[leaf]
subjectAltName = DNS:guest.test,IP:10.0.2.15
"""
KEYS = {"rsa": "rsa:2048", "weak": "rsa:1024", "ec": "ec -pkeyopt ec_paramgen_curve:prime256v1"}
AT = "20350101000000Z", "20400101000000Z"  # when what is good is valid
EARLIER, LATER = "20300101000000Z", "20450101000000Z"


class Authority:
    """Certificates by OpenSSL, of any time; each is a file's name without its suffix."""

    def __init__(self, folder):
        self.folder = folder
        (folder / "config").write_text(CONFIG)
        (folder / "index").write_text("")
        (folder / "serial").write_text("01")

    def path(self, name):
        return self.folder / name

    def make(self, name, kind="ec", issuer=None, ext="leaf", valid=AT, subject="/CN=guest.test"):
        self.openssl(
            f"req -new -newkey {KEYS[kind]} -nodes -subj {subject} "
            f"-keyout {name}.key -out {name}.csr"
        )
        by = (
            f"-cert {issuer}.crt -keyfile {issuer}.key"
            if issuer
            else f"-selfsign -keyfile {name}.key"
        )
        self.openssl(
            f"ca -batch -config config -notext -extensions {ext} {by} -in {name}.csr "
            f"-out {name}.crt -startdate {valid[0]} -enddate {valid[1]}"
        )
        for what, command in ("key", "pkey"), ("crt", "x509"):
            self.openssl(f"{command} -in {name}.{what} -outform DER -out {name}.{what}.der")
        return name

    def openssl(self, words):
        openssl(*words.split(), cwd=self.folder)

    def load(self, vm, *names):
        """Into variables of the guest's, such as good_key, good_key_der and good_crt."""
        for name in names:
            for what in ("key", "key.der", "crt", "crt.der"):
                data = self.path(f"{name}.{what}").read_bytes()
                vm.exec(f"{name}_{what.replace('.', '_')} = {data!r}")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    authority = Authority(tmp_path_factory.mktemp("authority"))
    make = authority.make
    make("ca", "rsa", ext="ca_ext", subject="/CN=ca")
    make("sub", issuer="ca", ext="ca_ext", subject="/CN=sub")
    make("good", issuer="ca")
    make("rsa", "rsa", issuer="ca")
    make("chained", issuer="sub")
    make("old", issuer="ca", valid=(EARLIER, AT[0]))
    make("new", issuer="ca", valid=(AT[1], LATER))
    make("alone")
    make("quick", "weak")
    chain = authority.path("chained.crt").read_text() + authority.path("sub.crt").read_text()
    authority.path("chain.crt").write_text(chain)
    return authority


@pytest.fixture
def guest(boot, authority):
    """A guest in 2036, with all certificates and both ends of a pipe."""

    def make(date="2036-06-01", **options):
        vm = boot(extra=["-rtc", f"base={date}T12:00:00"], **options).boot()
        vm.exec(PIPES)
        authority.load(vm, "ca", "good", "rsa", "alone", "quick")
        return vm

    return make


def test_inside(guest):
    """Both ends in one guest: keys of each kind, PEM and DER, files, long data both ways."""
    vm = guest()
    for name, suite in ("good", "ECDSA"), ("rsa", "RSA"):
        for form in ("", "_der"):
            vm.exec(f"server, client = contexts({name}_crt{form}, {name}_key{form}, ca_crt{form})")
            vm.exec("one, two = connect(server, client)")
            assert vm.eval("one.cipher() == two.cipher()")
            cipher, version = vm.eval("one.cipher()")
            assert suite in cipher and version == "TLSv1.2"
            assert vm.eval(f"one.getpeercert(True) == {name}_crt_der")
    vm.exec("""
        import os
        data = os.urandom(100000)
        def pump(source, to):
            sent, got = 0, bytearray()
            while len(got) < len(data):
                sent += source.write(data[sent:]) or 0
                got += to.read(len(data) - len(got)) or b""
            assert got == data
        pump(one, two); pump(two, one)
    """)
    # The pipe is closed with it.
    vm.exec("two.close(); assert one.read(1) == b''")
    # Files, through `ssl`.
    vm.exec("""
        import ssl
        for name, data in (("crt", good_crt), ("key", good_key), ("ca", ca_crt)):
            with open(name, "wb") as file:
                file.write(data)
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain("crt", "key")
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        assert client.verify_mode == ssl.CERT_NONE
        connect(server, client)
        client.verify_mode = ssl.CERT_REQUIRED
        assert isinstance(raised(connect, server, client), OSError)
        client.load_verify_locations("ca")
        connect(server, client)
    """)


# What is wrong, as Mbed TLS says it. Each is refused at the time of test_clock() alone, or always.
REFUSED = {
    "alone": "not correctly signed by the trusted CA",
    "old": "validity has expired",
    "new": "validity starts in the future",
}


@pytest.mark.parametrize("date", ["2032-06-01", "2036-06-01", "2042-06-01"])
def test_clock(guest, authority, date):
    """Certificates are good at the machine's time, as OpenSSL says, and for their names."""
    vm = guest(date)
    seconds = int(datetime.fromisoformat(f"{date}T12:00:00+00:00").timestamp())
    names = ("good", "old", "new", "alone", "chain", "chained")
    authority.load(vm, "old", "new", "chained")
    vm.exec(f"chain_crt, chain_key = {authority.path('chain.crt').read_bytes()!r}, chained_key")
    said = {}
    for name in names:
        vm.exec(f"error = raised(connect, *contexts({name}_crt, {name}_key, ca_crt))")
        said[name] = vm.eval("str(error) if error else ''")
        done = subprocess.run(
            [*"openssl verify -CAfile ca.crt -attime".split(), str(seconds)]
            + (["-untrusted", "sub.crt", "chained.crt"] if name == "chain" else [f"{name}.crt"]),
            cwd=authority.folder,
            capture_output=True,
        )
        assert (done.returncode == 0) == (not said[name]), (name, said[name], done)
    assert any(said.values()) and said["alone"] and said["chained"]
    if date.startswith("2036"):
        assert not said["good"] and not said["chain"]
        for name, words in REFUSED.items():
            assert words in said[name]
    else:
        assert ("expired" if date > "2036" else "in the future") in said["good"]
    if not said["good"]:
        vm.exec("good = contexts(good_crt, good_key, ca_crt)")
        assert "does not match" in vm.eval("str(raised(connect, *good, name='other.test'))")
        vm.exec("connect(*good, name='10.0.2.15')")
        # Nobody is believed whose name is not asked for.
        assert "server_hostname" in vm.eval("str(raised(connect, *good, name=None))")


# ---- OpenSSL at the other end


class Host:
    """OpenSSL at the host's end of a guest's channel."""

    def __init__(self, vm):
        self.vm = vm
        vm.exec("import machine; line = machine.Console('org.ringzero.channel', timeout=20000)")
        self.sessions = 0

    def session(self, context, code, serve, **options):
        """Runs that in the guest, `serve(stream)` here: what that has raised, or None."""
        with socket.socket(fileno=os.dup(self.vm.channel.fileno())) as line:
            raised = []

            def run():
                try:
                    # To be kept until the guest has read all.
                    with context.wrap_socket(line, **options) as stream:
                        serve(stream)
                        line_ends.append(stream.detach())
                except (ssl.SSLError, OSError) as error:
                    raised.append(error)

            line_ends = []
            line.settimeout(30)
            thread = threading.Thread(target=run)
            thread.start()
            self.vm.exec(code)
            thread.join()
            for end in line_ends:
                os.close(end)
        # Alerts that nobody has read.
        self.sessions += 1
        mark = b"end of session %d\n" % self.sessions
        self.vm.exec(f"line.write({mark!r}); line.flush()")
        left = b""
        while not left.endswith(mark):
            left += self.vm.channel.recv(4096)
        self.vm.channel.sendall(mark)
        self.vm.exec(f"while not line.readline().endswith({mark!r}): pass")
        return raised[0] if raised else None


def echo(stream):
    """Sends back what comes, up to an empty line."""
    data = b""
    while not data.endswith(b"\n\n"):
        part = stream.recv(65536)
        assert part
        data += part
    stream.sendall(data)


ECHO = """
data = bytes(range(11, 256)) * 300 + b"\\n\\n"
sent = 0
while sent < len(data):
    sent += stream.write(data[sent:])
got = bytearray()
while len(got) < len(data):
    got += stream.read(len(data) - len(got))
assert got == data
"""
SUITES = {
    "good": ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-SHA384"],
    "rsa": ["ECDHE-RSA-AES256-GCM-SHA384", "AES128-GCM-SHA256", "AES256-SHA256"],
}


def plain(suite):
    """Mbed TLS's name of a suite as OpenSSL has it."""
    words = suite.replace("AES-", "AES").split("-")
    name = "-".join(word for word in words if word not in ("TLS", "WITH", "CBC"))
    return name.removeprefix("RSA-")


def test_openssl(guest, authority):
    """OpenSSL as server and as client: suites, clients' certificates, what either refuses."""
    vm = guest(channel=True)
    host = Host(vm)
    vm.exec("client = contexts(good_crt, good_key, ca_crt)[1]")

    def context(protocol, name, ca="ca"):
        made = ssl.SSLContext(protocol)
        made.load_cert_chain(authority.path(f"{name}.crt"), authority.path(f"{name}.key"))
        made.load_verify_locations(authority.path(f"{ca}.crt"))
        # What is good is good in 2036.
        made.verify_flags |= NO_CHECK_TIME
        made.set_ciphers("ALL:@SECLEVEL=0")
        return made

    wrap = "stream = client.wrap_socket(line, server_hostname='guest.test')\n"
    serve = "stream = server.wrap_socket(line, server_side=True)\n"
    for name, suites in SUITES.items():
        vm.exec(f"server = contexts({name}_crt, {name}_key, ca_crt)[0]")
        for suite in suites:
            server = context(ssl.PROTOCOL_TLS_SERVER, name)
            server.set_ciphers(f"{suite}:@SECLEVEL=0")
            server.maximum_version = ssl.TLSVersion.TLSv1_2
            assert host.session(server, wrap + ECHO, echo, server_side=True) is None
            assert plain(vm.eval("stream.cipher()[0]")) == suite
            client = context(ssl.PROTOCOL_TLS_CLIENT, name)
            client.set_ciphers(f"{suite}:@SECLEVEL=0")
            # It offers 1.3 as well.
            done = host.session(client, serve + ECHO, echo, server_hostname="guest.test")
            assert done is None
    # A client's certificate: a good one, none, one of nobody's.
    fails = "error = raised(lambda: server.wrap_socket(line, server_side=True).read(1))"
    vm.exec("server.load_verify_locations(ca_crt); server.verify_mode = tls.CERT_REQUIRED")
    client = context(ssl.PROTOCOL_TLS_CLIENT, "good")
    assert host.session(client, serve + ECHO, echo, server_hostname="guest.test") is None
    client = context(ssl.PROTOCOL_TLS_CLIENT, "alone")
    error = host.session(client, fails, echo, server_hostname="guest.test")
    assert "alert unknown ca" in str(error)
    assert "not correctly signed" in vm.eval("str(error)")
    # A server that cannot do what the guest can.
    server = context(ssl.PROTOCOL_TLS_SERVER, "good")
    server.minimum_version = ssl.TLSVersion.TLSv1_3
    fails = "error = raised(client.wrap_socket, line, server_hostname='guest.test')"
    error = host.session(server, fails, echo, server_side=True)
    assert "UNSUPPORTED_PROTOCOL" in str(error) and vm.eval("isinstance(error, OSError)")
    # A server that is somebody else.
    server = context(ssl.PROTOCOL_TLS_SERVER, "alone")
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    error = host.session(server, fails, echo, server_side=True)
    assert "alert unknown ca" in str(error)
    assert "not correctly signed" in vm.eval("str(error)")


# ---- what may go wrong


def test_garbage(guest):
    """A peer that sends anything, stops anywhere or changes any byte: OSError or ValueError at
    either end, or a stream that waits; and the memory comes back."""
    vm = guest()
    vm.exec(GARBAGE)
    vm.exec("server, client = contexts(quick_crt, quick_key); client.verify_mode = tls.CERT_NONE")
    vm.exec("client.set_ciphers(['TLS-RSA-WITH-AES-128-GCM-SHA256']); whole()")
    # What the two say in a handshake and with a line each.
    sizes = vm.eval("[len(data) for data in said]")
    assert min(sizes) > 300
    choice = random.Random(15)
    vm.exec("other(0, 5, 1); before = used()")
    for number in range(60):
        end = choice.randrange(2)
        # A third of them stop there.
        bits = choice.randrange(1, 256) if number % 3 else 0
        vm.exec(f"other({end}, {choice.randrange(sizes[end])}, {bits})")
    for _ in range(30):
        vm.exec(f"noise({choice.randbytes(choice.randrange(1, 300))!r})")
        header = bytes([choice.randrange(20, 25), 3, choice.randrange(5)])
        vm.exec(f"noise({header + choice.randbytes(choice.randrange(2, 300))!r})")
    assert vm.eval("sum(refused)") > 50
    assert vm.eval("used() - before") < 3000


GARBAGE = """
class Tap(Pipe):
    def write(self, buf):
        log = said[self.side]
        start, data = len(log), bytearray(buf)
        log.extend(buf)
        side, at, bits = change
        if self.side == side and start <= at < len(log):
            if bits:
                data[at - start] ^= bits
            else:
                del data[at - start:]
                self.write = lambda buf: len(buf)
        super().write(data)
        return len(buf)
class Client(Tap): side = 0
class Server(Tap): side = 1
change = None, 0, 0
said = [bytearray(), bytearray()]
refused = []
def whole():
    said[0][:] = said[1][:] = b""
    return connect(server, client, Client, Server)
def other(*args):
    global change
    change = args
    error = raised(whole)
    change = None, 0, 0
    # A record may have another version, which is not hashed: what came is what was sent.
    refused.append(error is not None)
    wanted = OSError, ValueError, AssertionError, TypeError
    assert error is None or isinstance(error, wanted), (args, error)
def noise(data):
    for end in 0, 1:
        both = ends(server, client)
        stream = both[end]
        below = pipes[end]
        if not end:
            stream.read(1)
        below.got += data
        error = raised(lambda: [stream.read(100) for _ in range(5)])
        assert error is None or isinstance(error, (OSError, ValueError)), error
"""


CALLBACKS = """
class Raises(Pipe):
    def readinto(self, buf):
        self.now()
        return super().readinto(buf)
    def write(self, buf):
        self.now()
        return super().write(buf)
    def now(self):
        calls[0] += 1
        if calls[0] == when:
            do(self)
calls, when = [0], 0
def mine(pipe=None):
    raise KeyError("mine")
def quick():
    global server, client
    server, client = contexts(quick_crt, quick_key)
    client.verify_mode = tls.CERT_NONE
    client.set_ciphers(["TLS-RSA-WITH-AES-128-GCM-SHA256"])
def up_to(number, function):
    global when, do
    calls[0], when, do = 0, number, function
def whole():
    global one, two
    one, two = ends(server, client, Raises, Raises)
    step(one, two, 5)
    one.write(b"hello")
    assert two.read(5) == b"hello"
"""


def test_callbacks(guest):
    """What a stream or a verify_callback raises comes out as it is, and the handshake can go on;
    one that uses the TLS that has called it is refused, one that closes it has closed it."""
    vm = guest()
    vm.exec(CALLBACKS)
    vm.exec("quick()")
    vm.exec("up_to(0, None); whole(); total = calls[0]; before = used()")
    assert vm.eval("total") > 10
    vm.exec("""
        for number in range(1, total + 1):
            up_to(number, mine)
            error = raised(whole)
            assert isinstance(error, KeyError), (number, error)
            step(one, two, 5)
            # What was not sent when that was raised is in front of the rest.
            one.write(b"there")
            said = two.read(10)
            assert said in (b"hellothere", b"ellothere", b"there"), said
    """)
    # It is refused where it would be in the middle of itself; closed there it ends.
    vm.exec("""
        def again(pipe):
            stream, context = (one, client) if pipe is pipes[0] else (two, server)
            for use in (lambda: stream.read(1), lambda: stream.write(b"x"), context.__del__):
                refused.append(raised(use))
        refused = []
        for number in range(1, total + 1):
            up_to(number, again)
            whole()
        assert all(isinstance(error, OSError) and error.errno == 16 for error in refused)
        assert len(refused) == 3 * total
    """)
    vm.exec("""
        def close(pipe):
            one.close(); two.close()
        for number in range(1, total + 1):
            up_to(number, close)
            error = raised(whole)
            assert isinstance(error, OSError), error
            assert isinstance(raised(one.read, 1), OSError)
            assert isinstance(raised(two.write, b"x"), OSError)
            assert isinstance(raised(one.setblocking, False), OSError)
            assert isinstance(raised(one.cipher), OSError)
            one.close()
        # A context that is gone, by hand.
        one, two = ends(server, client)
        one.read(1)
        client.__del__()
        assert isinstance(raised(one.read, 1), OSError)
        assert isinstance(raised(ends, server, client), OSError)
        one = two = None
    """)
    vm.exec("""
        kept = []
        def verify(result):
            def callback(certificate, depth):
                kept.append((certificate, depth))
                if result is mine:
                    mine()
                return result
            return callback
        said = []
        for result in (0, 5, -0x2700, 1 << 70, "no", mine):
            server, client = contexts(good_crt, good_key, ca_crt)
            client.verify_callback = verify(result)
            said.append(type(raised(connect, server, client)))
        assert said == [type(None), OSError, OSError, OverflowError, TypeError, KeyError], said
        gc.collect()
        junk = [bytes(range(256)) * 9 for _ in range(99)]
        assert all(type(cert) is memoryview for cert, _ in kept)
        assert [bytes(cert) for cert, depth in kept if not depth][0] == good_crt_der
        junk = kept = said = error = refused = server = client = one = two = None
    """)
    vm.exec("quick(); pipes[:] = 0, 0")
    assert vm.eval("used() - before") < 4000


def test_ctrl_c(guest):
    """Ctrl-C ends a handshake that waits for its peer, and one after the other."""
    vm = guest()
    vm.exec(CALLBACKS)
    vm.exec("""
        quick()
        whole()
        def many():
            while True:
                whole()
        def waiting():
            client.wrap_socket(pipe(Raises, Raises)[0], server_hostname="guest.test")
        pipes[:] = 0, 0; one = two = None; before = used()
    """)
    for name in ("waiting", "many"):
        # In the middle of a handshake.
        vm.exec("up_to(2, lambda pipe: print('go'))")
        vm.repl.sendline(f"{name}()")
        vm.repl.expect_exact("go\r\n")
        vm.repl.send(CTRL_C)
        vm.repl.expect_exact("KeyboardInterrupt")
        vm.repl.expect_exact(">>> ")
        vm.exec("whole(); pipes[:] = 0, 0; one = two = None")
    assert vm.eval("used() - before") < 4000


def test_memory(guest):
    """Where memory ends in a handshake or while a key is read it is an OSError or a MemoryError;
    all of it comes back."""
    vm = guest(append="heap=1M")
    vm.exec("connect(*contexts(good_crt, good_key, ca_crt)); before = used()")
    vm.exec("""
        failed = []
        for spare in range(0, 90000, 5000):
            left = []
            try:
                while True:
                    left.append(bytearray(1000))
            except MemoryError:
                pass
            del left[:spare // 1000]
            error = raised(lambda: connect(*contexts(good_crt, good_key, ca_crt)))
            left = None
            if error:
                failed.append((type(error), error.args[0] if error.args else None))
            error = None
        connect(*contexts(good_crt, good_key, ca_crt))
    """)
    assert vm.eval("len(failed)") > 5
    assert vm.eval("all(t is MemoryError or (t is OSError and n == 12) for t, n in failed)"), (
        vm.eval("failed")
    )
    assert vm.eval("used() - before") < 3000


def test_threads_and_cpus(guest):
    """Threads with the smallest stack and other CPUs have handshakes of their own; a recursion
    that ends in one is a RuntimeError."""
    vm = guest(smp=2)
    vm.exec("""
        import _thread, time
        _thread.stack_size(32768)
        done = []
        def work(name, crt, key):
            try:
                connect(*contexts(crt, key, ca_crt))
                done.append(name)
            except BaseException as error:
                done.append(error)
        for _ in range(2):
            _thread.start_new_thread(work, ("good", good_crt, good_key))
            _thread.start_new_thread(work, ("rsa", rsa_crt, rsa_key))
        while len(done) < 4:
            time.sleep_ms(5)
        assert sorted(map(str, done)) == ["good", "good", "rsa", "rsa"], done
    """)
    vm.exec(f"text = {PIPES!r}")
    vm.exec("""
        import cpus
        def deep(depth=0):
            try:
                return deep(depth + 1)
            except RuntimeError:
                return raised(work_at_end)
        def work_at_end():
            one, two = ends(server, client)
            step(one, two)
        server, client = contexts(good_crt, good_key, ca_crt)
        assert isinstance(deep(), RuntimeError), deep()
        text += f"good = {good_crt!r}, {good_key!r}, {ca_crt!r}\\n"
        text += "connect(*contexts(*good))\\n"
        calls = [cpu.run(exec, text, {}) for cpu in cpus.all()]
        for call in calls:
            call.result()
    """)


# ---- sockets

SOCKETS = """
import asyncio, network
lan = network.LAN(0)
lan.active(True)
server, client = contexts(good_crt, good_key, ca_crt)
async def answer(reader, writer):
    global answered
    try:
        line = await reader.readline()
        writer.write(line * 3)
        await writer.drain()
        answered += 1
    finally:
        writer.close()
        await writer.wait_closed()
async def ask(number):
    # Where QEMU's network has the host.
    reader, writer = await asyncio.open_connection(
        "10.0.2.2", port, ssl=client, server_hostname="guest.test")
    writer.write(b"%d\\n" % number * 500)
    await writer.drain()
    said = await reader.readexactly(len(b"%d\\n" % number * 500))
    writer.close()
    await writer.wait_closed()
    return said == b"%d\\n" % number * 500
async def serve(count):
    async with await asyncio.start_server(answer, "0.0.0.0", 4433, backlog=25, ssl=server):
        print("serving")
        while answered < count:
            await asyncio.sleep_ms(5)
async def all_of(count):
    return await asyncio.gather(*(ask(number) for number in range(count)))
answered = 0
"""
AT_ONCE = 20


def test_sockets(guest, authority):
    """asyncio's streams by TLS over TCP, many at once and both ways, against OpenSSL: one that
    never goes on with its handshake holds up nobody."""
    vm = guest(nets=["user,hostfwd=tcp:0:4433"])
    vm.exec(SOCKETS)
    vm.exec("import time\nwhile not lan.isconnected(): time.sleep_ms(5)")
    host = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    host.load_verify_locations(authority.path("ca.crt"))
    host.verify_flags |= NO_CHECK_TIME

    def ask(number, done):
        with socket.create_connection(("127.0.0.1", vm.port(4433)), 60) as line:
            with host.wrap_socket(line, server_hostname="guest.test") as stream:
                stream.sendall(b"line %d\n" % number)
                said = b""
                while part := stream.recv(4096):
                    said += part
                done.append(said == b"line %d\n" % number * 3)

    vm.repl.sendline(f"asyncio.run(serve({AT_ONCE}))")
    vm.repl.expect_exact("serving")
    done = []
    with socket.create_connection(("127.0.0.1", vm.port(4433)), 60) as idle:
        idle.sendall(b"\x16\x03\x01")
        threads = [threading.Thread(target=ask, args=(n, done)) for n in range(AT_ONCE)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert done == [True] * AT_ONCE
        vm.repl.expect_exact(">>> ")

    there = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    there.load_cert_chain(authority.path("good.crt"), authority.path("good.key"))

    def give_back(line):
        with there.wrap_socket(line, server_side=True) as stream:
            while part := stream.recv(4096):
                stream.sendall(part)

    with socket.create_server(("127.0.0.1", 0), backlog=AT_ONCE) as listener:
        vm.exec(f"port = {listener.getsockname()[1]}")
        vm.repl.sendline(f"print(asyncio.run(all_of({AT_ONCE})) == [True] * {AT_ONCE})")
        threads = []
        for _ in range(AT_ONCE):
            line = listener.accept()[0]
            line.settimeout(60)
            threads.append(threading.Thread(target=give_back, args=(line,)))
            threads[-1].start()
        vm.repl.expect_exact("\r\nTrue\r\n", timeout=60)
        for thread in threads:
            thread.join()
