# needs: pyaes micropython-copy micropython-types
# also: cpython libraries

from binascii import hexlify

import pyaes

key = bytes(range(32))
for mode in (
    pyaes.AESModeOfOperationECB(key),
    pyaes.AESModeOfOperationCBC(key, iv=bytes(16)),
    pyaes.AESModeOfOperationCTR(key),
):
    print(mode.name, hexlify(b"".join(mode.encrypt(b"sixteen byte msg") for _ in range(5))))
mode = pyaes.AESModeOfOperationCBC(key, iv=bytes(16))
print(mode.decrypt(pyaes.AESModeOfOperationCBC(key, iv=bytes(16)).encrypt(b"0123456789abcdef")))
