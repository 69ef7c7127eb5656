# Checks of what AML says of processors.

from _firmware_base import Skip, equal, none, processors, structures, table, twice


def _namespace():
    import acpi

    try:
        return acpi.namespace()
    except ValueError as error:
        raise Skip("%s" % error) from None


def _value(path):
    import acpi
    from aml import AmlError

    try:
        return acpi.evaluate(path)
    except AmlError as error:
        return "%s" % error


def _of_processors(name):
    # (path, UID, value) of each processor that has this name below it.
    here = _namespace()
    known = set([path for path, _ in here.names()])
    ids = dict([(path, hid) for path, hid, _ in here.devices()])
    found = []
    for path, node in here._interpreter.names():
        uid = getattr(node.obj, "uid", None)
        if uid is None and ids.get(path) == "ACPI0007" and path + "._UID" in known:
            uid = _value(path + "._UID")
        if uid is not None and path + "." + name in known:
            found.append((path, uid, _value(path + "." + name)))
    if not found:
        raise Skip("no processor has %s" % name)
    return found


def aml():
    yield none("what could not be run", ["%s" % one for one in _namespace().problems])


def mat():
    there = dict(processors(structures(table("APIC"), 44)))
    for path, uid, value in _of_processors("_MAT"):
        path += "._MAT"
        if not isinstance(value, bytes):
            yield equal(path, "a buffer", value)
            continue
        parts = structures(value, 0)
        yield none(path + ", structures without an end", [p for kind, p in parts if kind is None])
        for here, apic_id in processors(parts):
            yield equal(path + ", processor's UID", uid, here)
            yield equal(path + ", APIC ID, and the MADT's", there.get(here), apic_id)


def _numbers(value, least):
    # Whether it is a package of so many numbers.
    if not isinstance(value, list) or len(value) < least:
        return False
    return all([isinstance(one, int) for one in value])


def pss():
    found = _of_processors("_PSS")
    states = found[0][2]
    other = [path for path, _, value in found if value != states]
    yield none("processors whose _PSS is another than the first's", other)
    good = isinstance(states, list) and states and all([_numbers(one, 6) for one in states])
    yield "_PSS", good, "packages of 6 numbers", "those" if good else states
    if not good:
        return
    yield "states", len(states) <= 16, "at most 16", len(states)
    for at, what in ((0, "frequencies"), (1, "power")):
        values = [one[at] for one in states]
        falls = values == sorted(values, reverse=True)
        yield what, falls, "descending numbers", values
    yield none("frequencies that come twice", twice([one[0] for one in states]))
    yield none("control values that come twice", twice([one[4] for one in states]))


def psd():
    domains = {}
    for path, _, value in _of_processors("_PSD"):
        part = value[0] if isinstance(value, list) and len(value) == 1 else None
        good = _numbers(part, 5)
        yield path + "._PSD", good, "a package of 5 numbers", "one" if good else value
        if good:
            yield equal(path + "._PSD, entries and revision", [5, 0], part[:2])
            kind = part[3]
            yield path + "._PSD, coordination", 0xFC <= kind <= 0xFE, "0xfc to 0xfe", kind
            domains.setdefault(part[2], []).append(part[3:5])
    for domain, parts in sorted(domains.items()):
        name = "domain 0x%x" % domain
        yield none(name + ", what differs", [part for part in parts if part != parts[0]])
        most = parts[0][1]
        yield name + ", processors", len(parts) <= most, "at most %d" % most, len(parts)


CHECKS = (
    ("aml", "ACPI 6.5, 20", aml),
    ("mat", "ACPI 6.5, 6.2.10", mat),
    ("pss", "ACPI 6.5, 8.4.5.2; BITS", pss),
    ("psd", "ACPI 6.5, 8.4.5.5", psd),
)
