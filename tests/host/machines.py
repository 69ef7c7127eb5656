"""Real machines' tables, by this interpreter and by acpiexec: the same names, the same values.

`make test-machines` goes over all machines, with every method that takes no argument.
"""

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.host import acpiexec, iasl  # noqa: E402
from tests.host.frozen import frozen  # noqa: E402

aml = frozen("_aml")
values = frozen("_aml_values")
fields = frozen("_aml_fields")


# Firmware that acpiexec 20200925 and this differ about, and where.
APART = {
    "convertible-004",  # it has a name of one scope in another after a table's error
    "notebook-002",  # it loses its place in a table after an operand without a value
    "notebook-004",  # it goes on after Fatal
    "notebook-011",  # as notebook-004
    "notebook-014",  # as notebook-004
    "notebook-016",  # a value is the time
    "notebook-018",  # it has a field instead of a number of the same name that was there before
    "notebook-021",  # as notebook-004
    "notebook-025",  # as notebook-004
    "notebook-033",  # it multiplies to 64 bits where integers have 32
    "notebook-034",  # it leaves out what comes after a table's error
    "notebook-042",  # as notebook-018
    "notebook-045",  # as notebook-033
    "notebook-046",  # as notebook-004
    "notebook-048",  # as convertible-004
    "notebook-061",  # as notebook-016
    "notebook-098",  # as notebook-004
    "notebook-102",  # as notebook-018
    "notebook-107",  # as notebook-004
    "notebook-108",  # as notebook-016
    "tablet-001",  # it leaves out the rest of a table after an If of a name that is not there
}
HANDLED = (0x80, 0xE4)  # address spaces of vendors' that acpiexec has memory for
RESTARTS = 30  # of acpiexec, on one machine
LENGTHS = {2: 0, 4: 1, 6: 1, 8: 2, 12: 2, 10: 255, 11: 255, 13: 255, 14: 255, 15: 255}  # bytes
CHARACTERS = 300  # of a value that differs


class Model:
    """acpiexec's hardware: memory, zeros at first. Regions of one space that overlap share it,
    whatever device they belong to."""

    def __init__(self):
        self.parts = []  # (space, first address, bytes), the newest first
        self.time = 0

    def part(self, region):
        """The memory that a region lies in, and where in it the region begins."""
        if region.space > 10 and region.space not in HANDLED:
            raise aml.AmlError(f"{region.node}: acpiexec has no handler for it")
        first, length = region.address, min(region.length, 1 << 24)
        for index, (space, start, data) in enumerate(self.parts):
            if space == region.space and start < first + length and first < start + len(data):
                low = min(start, first)
                high = max(start + len(data), first + length)
                if high - low > len(data):
                    data = bytearray(start - low) + data
                    data += bytes(high - low - len(data))
                    self.parts[index] = space, low, data
                return data, first - low
        data = bytearray(length)
        self.parts.insert(0, (region.space, first, data))
        return data, 0

    def read(self, region, offset, size):
        data, start = self.part(region)
        return int.from_bytes(data[start + offset : start + offset + size], "little")

    def write(self, region, offset, size, value):
        data, start = self.part(region)
        data[start + offset : start + offset + size] = value.to_bytes(size, "little")

    def transfer(self, region, offset, protocol, connection, data, write):
        # Whatever is asked, the same is answered.
        if region.space == 7:
            data[:] = bytes((0, 64, 0, 0)) + bytes(range(4, 66))
            return
        length = min(len(data) - 2, LENGTHS[protocol])
        data[: length + 2] = bytes((0, 32 if length == 255 else length)) + bytes(
            (0xA0 + i) & 255 for i in range(length)
        )

    def pins(self, region, first, count, connection, value):
        data, start = self.part(region)
        size = (count + 7) // 8
        data.extend(bytes(max(0, first + size - len(data))))
        if value is not None:
            data[first : first + size] = value.to_bytes(size, "little")
        return int.from_bytes(data[first : first + size], "little")

    def sleep(self, ms):
        self.time += 10000 * ms

    def stall(self, us):
        self.time += 10 * us

    def timer(self):
        self.time += 1000
        return self.time


def made(tables, **more):
    """A namespace as acpiexec makes it. That takes one system out of those, and adds another."""
    namespace = aml.Interpreter(tables, Model(), **more)
    namespace.systems = acpiexec.SYSTEMS
    return namespace


def is_method(node, count=0):
    obj = node.obj
    return isinstance(obj, values.Method) and obj.count == count and obj.native is None


def same(want, got):
    if want == "[Null Object]":
        return got is None or isinstance(got, aml.Reference) and got.kind == "Missing"
    if isinstance(want, acpiexec.Reference):
        return isinstance(got, aml.Reference) and got.path.endswith(want.name)
    if isinstance(want, list):
        return (
            isinstance(got, list)
            and len(want) == len(got)
            and all(same(a, b) for a, b in zip(want, got, strict=True))
        )
    return want == got


def attempt(namespace, path, *args):
    try:
        return namespace.evaluate(path, *args)
    except aml.AmlError:
        return acpiexec.FAILED


def regions_of(namespace, path):
    kids = namespace.node(path).parent.kids.values()
    return sorted(
        {kid.obj.space for kid in kids if isinstance(kid.obj, fields.Region)} & {2, 3, 4, 7, 8, 9}
    )


def start_up(namespace, output):
    """Runs what acpiexec has evaluated at its start, which may have changed something."""
    spaces = {}
    for path in acpiexec.evaluated_first(output):
        arguments = []
        if path.endswith("._REG"):
            left = spaces.setdefault(path, regions_of(namespace, path))
            arguments = [left.pop(0) if left else 3, 1]
        attempt(namespace, path, *arguments)


# In packages, which are not looked into before they are wanted.
NAMES_IN_PACKAGES = {r"\_PR.CPU0.TPSS"}


def compare_names(namespace, output):
    """What differs: (path, the type by acpiexec, the type here), with None where it is not."""
    want = acpiexec.namespace(output)
    got = {path: values.kind_of(node.obj) for path, node in namespace.names()}
    different = []
    for path in sorted(want.keys() | got.keys()):
        if path not in NAMES_IN_PACKAGES and not want.get(path, "").endswith("Alias"):
            if want.get(path) != got.get(path):
                different.append((path, want.get(path), got.get(path)))
    return different


def compare(folder, files, tables, chosen, seconds=300):
    """Compares names, and the values of those that are chosen, one after the other.

    Gives lists: names that differ; equal values and those that differ, (path, acpiexec's, ours);
    what acpiexec cannot evaluate, (path, why). Where it did not end, both begin anew.
    """
    names = None
    paths = []
    equal, different, impossible = [], [], []
    while names is None or paths and len(impossible) < RESTARTS:
        namespace = made(tables)
        if names is None:
            paths = [path for path, node in namespace.names() if chosen(path, node)]
        asked = ["namespace"] + [f"evaluate {acpiexec.long(path)}" for path in paths]
        output, ended = acpiexec.start(folder, files, asked, seconds)
        if names is None:
            names = compare_names(namespace, output)
        start_up(namespace, output)
        found = acpiexec.results(output, ended)
        if not found:
            break
        for path, value in found:
            assert paths.pop(0) == path
            if isinstance(value, acpiexec.Impossible):
                impossible.append((path, value.why))
                if not value.ended:
                    break
                attempt(namespace, path)
                continue
            result = attempt(namespace, path)
            (equal if same(value, result) else different).append((path, value, result))
    impossible += [(path, "it has ended too often") for path in paths]
    return names, equal, different, impossible


def everything(path, node):
    """Methods without arguments, and data that a device says of itself."""
    if isinstance(node.obj, values.Method):
        return is_method(node)
    return values.kind_of(node.obj) in ("Integer", "String", "Buffer", "Package")


def machine(folder, tables, chosen=everything):
    """What compare() gives, of a machine's DSDT and SSDTs: a dict of names to bytes."""
    files = ["DSDT", *sorted(kind for kind in tables if kind.startswith("SSDT"))]
    for file in files:
        (folder / file).write_bytes(tables[file])
    return compare(folder, files, [tables[file] for file in files], chosen)


def main(wanted):
    apart = 0
    for name, tables in sorted(iasl.machines_here().items()):
        if wanted and name not in wanted:
            continue
        with tempfile.TemporaryDirectory() as folder:
            names, equal, different, impossible = machine(Path(folder), tables)
        print(
            f"{name}: {len(equal)} values are equal, {len(different)} differ, "
            f"{len(impossible)} acpiexec cannot have; {len(names)} names differ",
            flush=True,
        )
        for kind, found in (("name", names), ("value", different), ("none", impossible)):
            for path, *both in found:
                told = "   ".join(repr(one)[:CHARACTERS] for one in both)
                print(f"    {kind} {path}: {told}", flush=True)
        if name not in APART:
            apart += len(names) + len(different)
    return apart != 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
