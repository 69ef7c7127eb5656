# The inner loops: each fills `count` 32-bit words from address `addr` on, or says which of them,
# from number `first` on, is the first that is not what was written, with the bits that differ
# above bit 32: they may be other ones when the word is read again. `count` if there is none.

import micropython


@micropython.viper
def fill_walking(addr: uint, count: uint, step: uint):
    # Each word has a single one, each the next bit; 32 steps put it everywhere.
    words = ptr32(addr)
    i = uint(0)
    while i < count:
        words[i] = uint(1) << (i + step & uint(31))
        i += uint(1)


@micropython.viper
def check_walking(addr: uint, count: uint, step: uint, first: uint) -> uint:
    words = ptr32(addr)
    i = first
    while i < count:
        bits = uint(words[i]) ^ uint(1) << (i + step & uint(31))
        if bits:
            return i | bits << uint(32)
        i += uint(1)
    return i


@micropython.viper
def fill_address(addr: uint, count: uint, step: uint):
    # Each word has its own address, with the part above 4 GiB folded in; in the second step the
    # complement of that.
    words = ptr32(addr)
    mask = uint(0) - step
    i = uint(0)
    while i < count:
        at = addr + (i << uint(2))
        words[i] = at ^ at >> uint(32) ^ mask
        i += uint(1)


@micropython.viper
def check_address(addr: uint, count: uint, step: uint, first: uint) -> uint:
    words = ptr32(addr)
    mask = uint(0) - step
    i = first
    while i < count:
        at = addr + (i << uint(2))
        bits = uint(words[i]) ^ (at ^ at >> uint(32) ^ mask) & uint(0xFFFFFFFF)
        if bits:
            return i | bits << uint(32)
        i += uint(1)
    return i


@micropython.viper
def fill_random(addr: uint, count: uint, step: uint):
    # A product scattered over its bits: no state, so that the check can start anywhere.
    words = ptr32(addr)
    x = (step + uint(1)) * uint(0x9E3779B9) + (addr >> uint(2))
    i = uint(0)
    while i < count:
        y = (x + i) * uint(0x2545F491)
        words[i] = y ^ y >> uint(15)
        i += uint(1)


@micropython.viper
def check_random(addr: uint, count: uint, step: uint, first: uint) -> uint:
    words = ptr32(addr)
    x = (step + uint(1)) * uint(0x9E3779B9) + (addr >> uint(2))
    i = first
    while i < count:
        y = (x + i) * uint(0x2545F491)
        bits = uint(words[i]) ^ (y ^ y >> uint(15)) & uint(0xFFFFFFFF)
        if bits:
            return i | bits << uint(32)
        i += uint(1)
    return i
