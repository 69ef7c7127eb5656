# What the checks of firmware are made of.
# A check yields (what, whether it is so, expected, found).


class Skip(Exception):
    """What a check is about is not there, or cannot be seen: the message says why."""


def equal(what, expected, found):
    return what, expected == found, expected, found


def none(what, found):
    """That a list of what is wrong is empty."""
    return what, not found, "none", found


def number(data, at, size):
    return int.from_bytes(data[at : at + size], "little")


def twice(values):
    """What is in a list more than once."""
    return sorted(set([value for value in values if values.count(value) > 1]))


def tables():
    """ACPI's tables; where there are none there is nothing to check."""
    import acpi

    try:
        return acpi.tables()
    except ValueError as error:
        raise Skip("%s" % error) from None


def table(signature):
    """The bytes of the first table of a signature, whatever its checksum is."""
    for one in tables():
        if one.signature == signature and one._data:
            return one._data
    raise Skip("there is no %s" % signature)


def structures(data, at):
    """(type, bytes) of the structures that a table ends with, each with its type and length; one
    without an end has the type None."""
    found = []
    while at < len(data):
        size = data[at + 1] if at + 1 < len(data) else 0
        if size < 2 or at + size > len(data):
            found.append((None, data[at:]))
            break
        found.append((data[at], data[at : at + size]))
        at += size
    return found


def processors(parts):
    """(processor's UID, APIC ID) of those that are enabled, of structures of the MADT's kind."""
    found = []
    for kind, part in parts:
        if kind == 0 and len(part) >= 8 and part[4] & 1:
            found.append((part[2], part[3]))
        elif kind == 9 and len(part) >= 16 and part[8] & 1:
            found.append((number(part, 12, 4), number(part, 4, 4)))
    return found
