# What scripts take from Python 2: strings of bytes, and what of Python MicroPython leaves out.


def decode(data):
    """Bytes as a string of one character each."""
    return "".join([chr(one) for one in data])


def encode(text):
    """A string of characters below 256 as bytes."""
    return bytes([ord(one) for one in text])


_iter = iter


def _iter_until(function, end):
    while True:
        value = function()
        if value == end:
            return
        yield value


def _any_iter(values, *end):
    return _iter_until(values, *end) if end else _iter(values)


class _Range(range):
    # Tables have ranges as keys.
    def __hash__(self):
        return len(self)


def install():
    """Give all programs iter(function, end), and a range that can be a key."""
    import builtins

    builtins.iter = _any_iter
    builtins.range = _Range
