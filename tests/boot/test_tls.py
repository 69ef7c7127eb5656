"""hashlib, cryptolib and ssl, held to OpenSSL on the host."""

import hashlib
import random
import subprocess

HASHES = ("md5", "sha1", "sha256")


def openssl(*words, data=None):
    done = subprocess.run(["openssl", *map(str, words)], input=data, capture_output=True)
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
