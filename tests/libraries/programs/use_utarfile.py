# needs: micropython-utarfile

import io

import utarfile


def header(name, size):
    block = bytearray(512)
    block[: len(name)] = name
    block[124:136] = b"%011o " % size
    block[156:157] = b"0"
    return bytes(block)


data = header(b"one.txt", 5) + b"hello" + bytes(507)
data += header(b"two.bin", 700) + b"x" * 700 + bytes(324) + bytes(1024)
for info in utarfile.TarFile(fileobj=io.BytesIO(data)):
    print(info)
archive = utarfile.TarFile(fileobj=io.BytesIO(data))
for info in archive:
    print(info.name, archive.extractfile(info).read()[:7])
