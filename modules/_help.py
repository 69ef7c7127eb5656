# help(obj) for what modules/README.md describes: its texts in short, as scripts/reference.py packs
# them.

import io

import deflate

_WIDTH = const(79)


def _find(name):
    # The object of a dotted name that begins with a module's, or None.
    parts = name.split(".")
    try:
        obj = __import__(parts[0])
        for part in parts[1:]:
            obj = getattr(obj, part)
    except (ImportError, AttributeError):
        return None
    return obj


def _fill(text, line, rest):
    empty = True
    for word in text.split(" "):
        if empty:
            line += word
        elif len(line) + 1 + len(word) <= _WIDTH:
            line += " " + word
        else:
            print(line)
            line = rest + word
        empty = False
    print(line)


def _print(name, call, lines, entries):
    print(call)
    _fill(lines[0], "  ", "  ")
    for line in lines[1:]:
        _fill(line, "  ", "      ")
    for entry in entries:
        call, text = entry.split("\n", 2)[:2]
        if call.split("(", 1)[0].rsplit(".", 1)[0] == name and call != name:
            text = text.split(". ", 1)[0].split(": ", 1)[0]
            _fill(call + ": " + text.rstrip("."), "  ", "      ")


def show(obj, reference, same):
    """Print what the reference says of `obj`, or of its type. True: that is all of it."""
    with deflate.DeflateIO(io.BytesIO(reference), deflate.ZLIB) as stream:
        entries = str(stream.read(), "utf-8").split("\0")
    for one in (obj, type(obj)):
        for entry in entries:
            call, *lines = entry.split("\n")
            name = call.split("(", 1)[0]
            if same(_find(name), one):
                _print(name, call, lines, entries)
                return "." in name
    return False
