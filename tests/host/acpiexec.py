"""acpiexec, ACPICA's interpreter on the host: what it says of tables, as Python's values."""

import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]

OBJECT = re.compile(r"^ *(\d+) +([A-Z0-9_]{4}) (\w+) ")


# What its _OSI says yes to.
SYSTEMS = (
    "Windows 2000|Windows 2001|Windows 2001 SP1|Windows 2001.1|Windows 2001 SP2|"
    "Windows 2001.1 SP1|Windows 2006.1|Windows 2006 SP1|Windows 2006 SP2|Windows 2009|"
    "Windows 2012|Windows 2013|Windows 2015|Windows 2016|Windows 2017|Windows 2017.2|"
    "Windows 2018|Windows 2018.2|Windows 2019|Extended Address Space Descriptor|AnotherTestString"
)


class Reference:
    """A reference in a result: `name`, the last part of the name it leads to, or nothing."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"Reference({self.name})"


class Start:
    """What it prints of a long string: `text`, its first characters, of `length`."""

    def __init__(self, text, length):
        self.text = text
        self.length = length

    def __eq__(self, other):
        return isinstance(other, str) and len(other) == self.length and other.startswith(self.text)


FAILED = "failed"


# Where it fails for reasons of its own.
LIMITS = {
    "AE_AML_LOOP_TIMEOUT": "a loop takes longer than 30 s",
    "AE_BUFFER_OVERFLOW": "the value is larger than its 16 KiB",
    "failed with status AE_TYPE": "it evaluates no name that is a device's",
}


class Impossible:
    """Why it gives no result; `ended` is whether it has done what it should all the same."""

    def __init__(self, why):
        self.why = why
        self.ended = why in (LIMITS["AE_BUFFER_OVERFLOW"], LIMITS["failed with status AE_TYPE"])


def start(folder, files, typed, seconds=300):
    """Its output, with no return value repaired and no _INI run, and whether it was all."""
    subprocess.run(["make", "-s", "-f", TOP / "tests/host/Makefile", "clock"], check=True)
    process = subprocess.Popen(
        ["acpiexec", "-di", "-dr", "-eo", *files],
        cwd=folder,
        env=dict(os.environ, LD_PRELOAD=str(TOP / "build/host/acpiexec_clock.so")),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="latin-1",
    )
    try:
        output, _ = process.communicate("".join(line + "\n" for line in [*typed, "quit"]), seconds)
        return output, "\n- quit" in output
    except subprocess.TimeoutExpired:
        process.kill()
        return process.communicate()[0], False


def short(path):
    """A path with no underscores at the end of its names."""
    path = path.lstrip("\\")
    return "\\" + ".".join(part.rstrip("_") or "_" for part in path.split("."))


def long(path):
    """A path with four characters in each of its names."""
    return "\\" + ".".join(part.ljust(4, "_") for part in path[1:].split("."))


def namespace(output):
    """A dict of names to types, from what `namespace` printed."""
    found = {}
    stack = []
    lines = iter(output.split("\n"))
    for line in lines:
        if line.startswith("ACPI Namespace (from"):
            break
    for line in lines:
        if line.startswith("- "):
            break
        object = OBJECT.match(line)
        if object:
            level = int(object[1])
            del stack[level:]
            stack.append(object[2])
            found[short(".".join(stack))] = object[3]
    # Its own, which is never evaluated.
    for path in (r"\_TI", r"\_TI._T97"):
        found.pop(path, None)
    return found


def evaluated_first(output):
    """The methods that it evaluates of itself at its start: paths, in order."""
    found = []
    for line in output.split("\n"):
        if line.startswith("- "):
            break
        entered = re.match(r" +Enter evaluation +: +(\S+) \(Method\)", line)
        if entered and not entered[1].endswith("_OSI"):
            found.append(short(entered[1]))
    return found


def results(output, ended=True):
    """What each `evaluate` gave, in order: (path, value), or FAILED for what failed."""
    found = []
    parts = re.split(r"^- evaluate ", output, flags=re.M)[1:]
    for part in parts:
        path, _, text = part.partition("\n")
        if part is parts[-1] and not ended:
            found.append((short(path), Impossible("it waits for ever")))
            break
        text = text.split("\n- ")[0]
        if "failed with status" in text:
            why = [why for status, why in LIMITS.items() if status in text]
            found.append((short(path), Impossible(why[0]) if why else FAILED))
            continue
        at = re.search(r"^Evaluation of .* returned object .*\n", text, re.M)
        found.append((short(path), value(Lines(text[at.end() :])) if at else None))
    return found


class Lines:
    def __init__(self, text):
        self.lines = text.split("\n")
        self.at = 0

    def next(self):
        self.at += 1
        return self.lines[self.at - 1]

    def look(self):
        return self.lines[self.at] if self.at < len(self.lines) else ""


def value(lines):
    line = lines.next().strip()
    while not line.startswith("["):
        line = lines.next().strip()
    kind = re.match(r"\[([^]]*)\]", line)[1]
    if kind == "Integer":
        return int(line.rpartition("= ")[2], 16)
    if kind == "String":
        length = int(re.search(r"Length ([0-9A-F]+)", line)[1], 16)
        text = line.partition(' = "')[2]
        if length > 255 and text.endswith('"...'):
            return Start(unescaped(text[:-4]), length)
        while len(text) < length + 1:
            text += "\n" + lines.next()
        return unescaped(text.rpartition('"')[0])
    if kind == "Buffer":
        length = int(re.search(r"Length ([0-9A-F]+)", line)[1], 16)
        data = bytearray()
        row = line.partition(" = ")[2]
        while True:
            row = re.match(r"\s*[0-9A-F]+: ((?:[0-9A-F]{2} )+)", row)
            if row:
                data += bytes.fromhex(row[1])
            if len(data) >= length or not re.match(r"\s*[0-9A-F]+: ", lines.look()):
                break
            row = lines.next()
        assert len(data) == length, (line, length, len(data))
        return bytes(data)
    if kind == "Package":
        return [value(lines) for _ in range(int(re.search(r"Contains ([0-9]+)", line)[1]))]
    if "Reference" in kind or kind in ("Device", "Processor", "Power", "Thermal"):
        name = re.search(r" Name ([A-Z0-9_]{4}) ", line)
        return Reference(name[1].rstrip("_") if name else "")
    if kind in ("Untyped", "Uninitialized"):
        return None
    return f"[{kind}]"


def unescaped(text):
    simple = {
        "n": "\n",
        "t": "\t",
        "r": "\r",
        "\\": "\\",
        '"': '"',
        "a": "\a",
        "b": "\b",
        "f": "\f",
        "v": "\v",
    }
    return re.sub(
        r"\\(x(?:FFFFFF)?[0-9A-F]{2}|.)",
        lambda m: chr(int(m[1][-2:], 16)) if m[1][0] == "x" else simple.get(m[1], m[1]),
        text,
    )
