# needs: micropython-base64 micropython-binascii
# also: cpython

import base64

for n in range(0, 60, 7):
    data = bytes(i * 37 & 255 for i in range(n))
    for name in ("b64", "b32", "b16", "standard_b64"):
        coded = getattr(base64, name + "encode")(data)
        print(name, coded, getattr(base64, name + "decode")(coded) == data)
