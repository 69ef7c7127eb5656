# needs: micropython-bech32
# also: cpython libraries

import bech32

program = [0x75, 0x1E, 0x76, 0xE8, 0x19, 0x91, 0x96, 0xD4, 0x54, 0x94, 0x1C, 0x45, 0xD1, 0xB3]
program += [0xA3, 0x23, 0xF1, 0x43, 0x3B, 0xD6]
address = bech32.encode("bc", 0, program)
print(address, bech32.decode("bc", address) == (0, program))
print(bech32.decode("bc", address[:-1] + "q"), bech32.bech32_decode("A12UEL5L"))
print(bech32.convertbits(list(range(31)), 5, 8, True))
