# Checks of ACPI's static tables.

from _firmware_base import Skip, equal, none, number, processors, structures, table, tables, twice


def rsdp():
    import acpi

    try:
        root = acpi.rsdp()
    except ValueError as error:
        raise Skip("%s" % error) from None
    data = root._data
    if data is None:
        yield equal("root pointer", "one that can be read", root.problem)
        return
    yield equal("sum of the first 20 bytes", 0, sum(data[:20]) & 255)
    revision = data[15]
    yield "revision", revision in (0, 2), "0 or 2", revision
    if revision >= 2:
        yield equal("length", 36, len(data))
        yield equal("sum of all bytes", 0, sum(data) & 255)
    # ACPI 6.5, 5.2.5.3: the RSDT may be left out where there is an XSDT.
    found = number(data, 16, 4), number(data, 24, 8) if revision >= 2 else 0
    yield "address of RSDT or XSDT", any(found), "one", list(found)


def _addresses(found, width):
    data = found._data or b""
    return [number(data, at, width) for at in range(36, len(data) - width + 1, width)]


def root():
    import acpi

    try:
        data = acpi.rsdp().data
    except ValueError as error:
        raise Skip("%s" % error) from None
    lists = {}
    for kind, at, size in (("RSDT", 16, 4), ("XSDT", 24, 8)):
        addr = number(data, at, size)
        if not addr or kind == "XSDT" and data[15] < 2:
            continue
        one = acpi.Table(addr, kind)
        yield equal(kind, "in order", one.problem or "in order")
        if one._data is None:
            continue
        yield equal(kind + ", bytes beyond the last address", 0, (one.size - 36) % size)
        lists[kind] = found = _addresses(one, size)
        yield equal(kind + ", addresses that are 0", 0, found.count(0))
        yield none(kind + ", addresses that come twice", twice(found))
        kinds = [acpi.Table(addr).signature for addr in found if addr]
        yield equal(kind + ", number of FACPs", 1, kinds.count("FACP"))
    if len(lists) == 2:
        kinds = []
        for found in (lists["RSDT"], lists["XSDT"]):
            kinds.append(sorted([acpi.Table(addr).signature for addr in found if addr]))
        yield equal("tables of RSDT and XSDT", kinds[0], kinds[1])


def checksum():
    for one in tables():
        if one.signature not in ("RSDP", "FACS"):
            data = one._data
            if data is None:
                yield equal("0x%x" % one.addr, "a table that can be read", one.problem)
            else:
                yield equal("sum of %s's bytes" % one.signature, 0, sum(data) & 255)


def layout():
    from _acpi_tables import decode

    for one in tables():
        if one._data and one.signature != "RSDP":
            problem = decode(one.signature, one._data)[1]
            yield equal(one.signature + "'s structures", "complete", problem or "complete")


# Register blocks of the FADT: offsets of its address, its long address and its length, the least
# length, whether it has to be there.
_BLOCKS = (
    ("PM1a_EVT", 56, 148, 88, 4, True),
    ("PM1b_EVT", 60, 160, 88, 4, False),
    ("PM1a_CNT", 64, 172, 89, 2, True),
    ("PM1b_CNT", 68, 184, 89, 2, False),
    ("PM2_CNT", 72, 196, 90, 1, False),
    ("PM_TMR", 76, 208, 91, 4, False),
    ("GPE0", 80, 220, 92, 2, False),
    ("GPE1", 84, 232, 93, 2, False),
)


def fadt():
    data = table("FACP")
    revision = data[8]
    least = 116 if revision < 3 else 244 if revision < 5 else 268 if revision == 5 else 276
    yield "length for revision %d" % revision, len(data) >= least, "at least %d" % least, len(data)
    flags = number(data, 112, 4)
    reduced = revision >= 5 and flags >> 20 & 1
    for name, at, wide in (("FACS", 36, 132), ("DSDT", 40, 140)):
        short, long = number(data, at, 4), number(data, wide, 8)
        if name == "DSDT" or not reduced:
            yield name + "'s address", bool(short or long), "one", long or short
        if short and long:
            yield equal("X_%s and %s" % (name, name), long, short)
    if flags >> 10 & 1 and revision >= 2:
        space, width, offset, addr = data[116], data[117], data[118], number(data, 120, 8)
        yield "RESET_REG's address space", space in (0, 1, 2), "0, 1 or 2", space
        yield equal("RESET_REG's width and offset", [8, 0], [width, offset])
        # What of the configuration space has address 0 is a device's first register.
        yield "RESET_REG's address", bool(addr), "one", addr
    if reduced:
        return
    yield "WBINVD or WBINVD_FLUSH", bool(flags & 3), "1 or 2", flags & 3
    if not number(data, 48, 4):
        yield equal("ACPI_ENABLE and ACPI_DISABLE with no SMI_CMD", [0, 0], list(data[52:54]))
    for name, at, wide, length, least, needed in _BLOCKS:
        short, long, length = number(data, at, 4), number(data, wide + 4, 8), data[length]
        if needed:
            yield name + "'s address", bool(short or long), "one", long or short
        if not short and not long:
            continue
        if name[:3] == "GPE":
            yield name + "'s length", length and not length & 1, "an even number", length
        elif name == "PM_TMR":
            yield equal(name + "'s length", least, length)
        else:
            yield name + "'s length", length >= least, "at least %d" % least, length
        if long and data[wide] == 1:
            if short:
                yield equal("X_%s's address and %s's" % (name, name), long, short)
            if length < 32 and data[wide + 1]:
                yield equal("X_%s's width in bits" % name, 8 * length, data[wide + 1])


def facs():
    for one in tables():
        if one.signature == "FACS" and one._data:
            yield equal("address modulo 64", 0, one.addr & 63)
            yield "length", one.size >= 64, "at least 64", one.size
            version = one._data[32]
            yield "version", version <= 2, "0 to 2", version
            return
    raise Skip("there is no FACS")


# Lengths of the MADT's structures by type.
_LENGTHS = {0: 8, 1: 12, 2: 10, 3: 8, 4: 6, 5: 12, 9: 16, 10: 12}
_LAST = 0x18  # types from there to 0x7f are reserved


def madt():
    data = table("APIC")
    parts = structures(data, 44)
    yield none("structures without an end", [part[0] for kind, part in parts if kind is None])
    wrong = [
        "%d of type %d" % (len(part), kind)
        for kind, part in parts
        if kind is not None and _LENGTHS.get(kind, len(part)) != len(part)
    ]
    yield none("structures of a wrong length", wrong)
    parts = [(kind, part) for kind, part in parts if _LENGTHS.get(kind, 0) <= len(part)]
    yield none("reserved types", [kind for kind, _ in parts if _LAST < (kind or 0) < 0x80])
    yield "local APICs' address", any(data[36:40]), "one", number(data, 36, 4)
    found = processors(parts)
    yield "processors that are enabled", bool(found), "some", len(found)
    yield none("APIC IDs that come twice", twice([apic_id for _, apic_id in found]))
    yield none("processor UIDs that come twice", twice([uid for uid, _ in found]))
    ios = [part for kind, part in parts if kind == 1]
    yield none("I/O APICs' IDs that come twice", twice([part[2] for part in ios]))
    addrs = [number(part, 4, 4) for part in ios]
    yield none("I/O APICs' addresses that come twice", twice(addrs))
    yield none("I/O APICs with no address", [i for i in range(len(addrs)) if not addrs[i]])
    yield none("I/O APICs' first interrupts that come twice", twice([part[8:] for part in ios]))
    overrides = [part for kind, part in parts if kind == 2]
    yield none("overrides of other buses than ISA", [part[2] for part in overrides if part[2]])
    sources = [part[3] for part in overrides]
    yield none("overrides of interrupts beyond 15", [one for one in sources if one > 15])
    yield none("interrupts overridden twice", twice(sources))
    wrong = []
    for kind, part in parts:
        if kind in (2, 3, 4, 10):
            flags = number(part, {2: 8, 3: 2, 4: 3, 10: 2}[kind], 2)
            if flags & 3 == 2 or flags >> 2 & 3 == 2:
                wrong.append(flags)
    yield none("reserved polarities and trigger modes", wrong)
    inputs = [part[5] for kind, part in parts if kind == 4]
    inputs += [part[8] for kind, part in parts if kind == 10]
    yield none("NMIs at other inputs than LINT0 and LINT1", [one for one in inputs if one > 1])


def hpet():
    data = table("HPET")
    yield "length", len(data) >= 56, "at least 56", len(data)
    yield "vendor in the block's ID", any(data[38:40]), "one", number(data, 38, 2)
    yield equal("address space", 0, data[40])
    yield "address", any(data[44:52]), "one", number(data, 44, 8)
    protection = data[55] & 15 if len(data) > 55 else 0
    yield "page protection", protection <= 2, "0 to 2", protection


def mcfg():
    data = table("MCFG")
    yield equal("bytes beyond the last entry", 0, (len(data) - 44) % 16)
    parts = [data[at : at + 16] for at in range(44, len(data) - 15, 16)]
    yield none("entries with no address", [i for i in range(len(parts)) if not any(parts[i][:8])])
    yield none("last buses before the first", [part[11] for part in parts if part[11] < part[10]])
    taken = []
    for part in parts:
        taken += [(part[8], part[9], bus) for bus in range(part[10], part[11] + 1)]
    # Not twice(): they may be many.
    yield equal("buses that come twice", 0, len(taken) - len(set(taken)))


def mpst():
    data = table("MPST")
    at = 44
    ids = []
    indexes = []
    ends = []
    for _ in range(number(data, 40, 2)):
        states, parts = number(data, at + 24, 4), number(data, at + 28, 4)
        ids.append(number(data, at + 2, 2))
        size = 32 + 2 * states + 2 * parts
        if at + size > len(data):
            break
        ends.append(number(data, at + 4, 4) == size)
        indexes += [data[at + 33 + 2 * i] for i in range(states)]
        at += size
    yield equal("power nodes", number(data, 40, 2), len(ends))
    yield equal("power nodes of a wrong length", 0, ends.count(False))
    yield none("nodes' IDs that come twice", twice(ids))
    count = number(data, at, 2)
    yield none("states without characteristics", [one for one in indexes if one >= count])
    yield equal("length", at + 4 + 28 * count, len(data))


CHECKS = (
    ("rsdp", "ACPI 6.5, 5.2.5.3", rsdp),
    ("root", "ACPI 6.5, 5.2.7 and 5.2.8", root),
    ("checksum", "ACPI 6.5, 5.2.6", checksum),
    ("layout", "ACPI 6.5, 5.2", layout),
    ("fadt", "ACPI 6.5, 5.2.9", fadt),
    ("facs", "ACPI 6.5, 5.2.10", facs),
    ("madt", "ACPI 6.5, 5.2.12", madt),
    ("hpet", "IA-PC HPET 1.0a, 3.2.4", hpet),
    ("mcfg", "PCI Firmware 3.3, 4.1.2", mcfg),
    ("mpst", "ACPI 6.5, 5.2.21", mpst),
)
