# Text in lines that fit the screen. There is no pager: a serial line has a terminal that scrolls.

_WIDTH = 77


def _fill(line, first, rest):
    # The line in lines of at most _WIDTH, at spaces where there are some.
    lines = []
    indent = first
    while len(indent) + len(line) > _WIDTH:
        room = _WIDTH - len(indent)
        at = line.rfind(" ", 1, room + 1)
        if at <= 0:
            at = room
        lines.append(indent + line[:at].rstrip())
        line = line[at:].lstrip()
        indent = rest
    lines.append(indent + line)
    return lines


def _wrap(text, indent=True):
    lines = []
    first = ""
    for line in text.split("\n"):
        lines += _fill(line, first, "  ") if line else [""]
        if indent:
            first = "  "
    return "\n".join(lines)


def ttypager(text):
    """Print a text as it is."""
    print(text)


def ttypager_wrap(text, indent=True):
    """Print a text in lines that fit; all but the first are indented."""
    print(_wrap(text, indent))
