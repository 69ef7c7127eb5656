# The built-in random, but for ranges of more than 32 bits: it would cut them off.

from urandom import *
from urandom import choice as _choice
from urandom import getrandbits
from urandom import randrange as _randrange


def _below(count):
    # From 0 to count - 1, where that has more than 32 bits.
    bits = 32
    while (count - 1) >> bits:
        bits += 1
    while True:
        value = getrandbits(bits % 32)
        for _ in range(bits // 32):
            value = value << 32 | getrandbits(32)
        if value < count:
            return value


def randrange(start, stop=None, step=1):
    """An integer out of range(start, stop, step). ValueError if that is empty."""
    if stop is None:
        start, stop = 0, start
    if step == 0:
        raise ValueError("zero step")
    count = (stop - start + step - (1 if step > 0 else -1)) // step
    if count <= 0:
        raise ValueError("empty range")
    return start + step * (_below(count) if count >> 32 else _randrange(count))


def randint(a, b):
    """An integer from a to b, both included. ValueError if there is none."""
    return randrange(a, b + 1)


def choice(sequence):
    """An item of a sequence of any length. IndexError if it is empty."""
    count = len(sequence)
    return sequence[_below(count)] if count >> 32 else _choice(sequence)
