# needs: micropython-bitstring

import ubitstring as bitstring

a = bitstring.Bits(hex="0xdeadbeef")
print(a.bin, a.uint, a.int, len(a), a[3:11].bin)
b = bitstring.Bits(bin="0101") + bitstring.Bits(uint=300, length=12)
print(b.hex)
