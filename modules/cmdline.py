# The kernel's command line: words apart by spaces, each `key=value` or a bare `key`.

_UNITS = {"k": 10, "m": 20, "g": 30, "t": 40}


def parse(text):
    """The options in `text`: a dict of key to value, "" for a bare key; the last of a key wins.

    Double quotes keep spaces in a value: main="/rom/my program.py". ValueError if one stays open.
    """
    if not isinstance(text, str):
        raise TypeError("a command line is a str, not %s" % type(text).__name__)
    return _parse(text)


def _parse(text):
    # As in bootinfo.py, with few functions: split() for spaces alone is none more.
    options = {}
    plain = True
    for char in ('"', "\t", "\n", "\v", "\f", "\r"):
        if len(text.split(char, 1)) > 1:
            plain = False
    if plain:
        words = text.split(" ")
    else:
        words = []
        word = None
        quoted = False
        for char in text:
            if char == '"':
                quoted = not quoted
                word = word or ""
            elif char.isspace() and not quoted:
                if word is not None:
                    words.append(word)
                    word = None
            else:
                word = (word or "") + char
        if quoted:
            raise ValueError("command line: a quote is not closed")
        if word is not None:
            words.append(word)
    for word in words:
        if word or not plain:
            parts = word.split("=", 1)
            options[parts[0]] = parts[1] if len(parts) > 1 else ""
    return options


def size(key, value):
    """Bytes in an option's value: 4096, 0x1000, 64k, 64K, 2M, 1G. ValueError names the `key`."""
    digits = value.lower()
    shift = _UNITS.get(digits[-1:], 0)
    if shift:
        digits = digits[:-1]
    base = 16 if digits.startswith("0x") else 10
    if base == 16:
        digits = digits[2:]
    # int() takes signs, spaces and underscores, too.
    number = -1
    if digits and all(digit in "0123456789abcdef"[:base] for digit in digits):
        number = int(digits, base) << shift
    if number >> 62:
        raise ValueError(
            "command line: %s=%s is not a size: one is like 4096, 0x1000, 64k, 16M or 1G"
            % (key, value)
        )
    return number


def choice(options, key, choices):
    """The value of option `key`, one of `choices`, the first of them where it is not given."""
    value = options.get(key)
    if value is None:
        return choices[0]
    for one in choices:
        if one == value:
            return one
    raise ValueError("command line: %s=%s is not one of %s" % (key, value, " ".join(choices)))
