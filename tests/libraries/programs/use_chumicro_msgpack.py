# needs: chumicro-msgpack

from chumicro_msgpack import packb, unpackb

for x in (0, -33, 255, 1 << 31, "h\u00e9", b"\0\1", [1, [2]], {"k": [None, False]}):
    print(packb(x), unpackb(packb(x)) == x)
