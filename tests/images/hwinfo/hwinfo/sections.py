# The report's sections: what is gathered of each part of the machine, and how it is told.


def _kernel():
    import os
    import sys

    return {"release": os.uname().release, "machine": os.uname().machine, "version": sys.version}


def _boot():
    import bootinfo
    import machine

    return {
        "protocol": bootinfo.protocol,
        "command_line": bootinfo.cmdline,
        "uefi": bootinfo.efi is not None,
        "clock": "%d-%02d-%02d %02d:%02d:%02d" % _clock(machine.RTC().datetime()),
        "tsc_hz": machine.freq(),
    }


def _clock(now):
    year, month, day, _, hour, minute, second, _ = now
    return year, month, day, hour, minute, second


def _pairs(found):
    return ["%s: %s" % (name.replace("_", " "), found[name]) for name in sorted(found)]


def _efi():
    import bootinfo

    if bootinfo.efi is None:
        return None
    import efi

    _, revision, vendor, number = efi.system_table()
    return {
        "revision": "%d.%d.%d" % revision,
        "vendor": vendor,
        "firmware_revision": number,
        "tables": [
            {"guid": guid, "addr": addr, "words": efi.words(guid)}
            for guid, addr in efi.tables().items()
        ],
    }


def _efi_lines(found):
    yield "UEFI %(revision)s, %(vendor)s, 0x%(firmware_revision)x" % found
    for one in found["tables"]:
        yield "0x%(addr)x  %(guid)s  " % one + (one["words"] or "")


def _memory():
    import memmap

    return {
        "usable_bytes": memmap.total(),
        "regions": [
            {"start": start, "end": end, "kind": _kind(kind)}
            for start, end, kind in memmap.regions()
        ],
    }


def _kind(kind):
    import memmap

    for name in ("USABLE", "RESERVED", "ACPI_RECLAIM", "ACPI_NVS", "BAD", "PERSISTENT"):
        if getattr(memmap, name) == kind:
            return name.lower()
    return "kind %d" % kind


def _memory_lines(found):
    for one in found["regions"]:
        yield "%(start)016x-%(end)016x  %(kind)s" % one
    yield "usable: %.1f MiB" % (found["usable_bytes"] / (1 << 20))


def _cpus():
    import cpuid
    import cpus
    import msr

    found = []
    for cpu in cpus.all():
        one = cpuid.cpu(cpu.n)
        _, package, core, thread = one.topology()
        found.append(
            {
                "number": cpu.n,
                "apic_id": cpu.apic_id,
                "vendor": one.vendor,
                "brand": one.brand,
                "family": one.family,
                "model": one.model,
                "stepping": one.stepping,
                "package": package,
                "core": core,
                "thread": thread,
                "microcode": msr.microcode(cpu.n),
                "features": one.features(),
                "caches": [_cache(*cache) for cache in one.caches()],
            }
        )
    return found


def _cache(level, kind, size, line, ways, sharing):
    return {
        "level": level,
        "kind": kind,
        "bytes": size,
        "line": line,
        "ways": ways,
        "cpus": sharing,
    }


def _cpu_lines(found):
    first = found[0]
    for one in found:
        yield "CPU %(number)d: APIC ID %(apic_id)d, package %(package)d, core %(core)d, " % one + (
            "thread %(thread)d, microcode %(microcode)s" % one
        )
    yield "%(vendor)s %(brand)s, family 0x%(family)x, model 0x%(model)x, stepping %(stepping)d" % (
        first
    )
    for one in first["caches"]:
        yield "L%d %s: %d KiB, %d-way, lines of %d bytes" % (
            one["level"],
            one["kind"],
            one["bytes"] >> 10,
            one["ways"],
            one["line"],
        )
    for line in _wrapped(first["features"]):
        yield line
    for one in found[1:]:
        other = set(one["features"]) ^ set(first["features"])
        if other:
            yield "CPU %d differs: %s" % (one["number"], " ".join(sorted(other)))


def _wrapped(words):
    line = ""
    for word in words:
        if len(line) + len(word) > 77:
            yield line
            line = ""
        line += " " + word
    yield line


def _mtrrs():
    import mtrr

    ranges = mtrr.cpu().ranges()
    return [{"start": start, "end": end, "type": mtrr.name(kind)} for start, end, kind in ranges]


def _mtrr_lines(found):
    return ["%(start)016x-%(end)016x  %(type)s" % one for one in found]


def _pci():
    import pci

    return [_function(one) for one in pci.scan()]


def _function(one):
    import pci

    line, pin = one.irq()
    return {
        "place": one.name(),
        "vendor": one.vendor,
        "device": one.id,
        "revision": one.revision,
        "class": one.class_code,
        "kind": one.kind(),
        "irq": line if pin else None,
        "buses": one.buses(),
        "bars": [
            {"index": bar.index, "kind": bar.kind, "addr": bar.addr, "bytes": bar.size}
            for bar in one.bars()
        ],
        "capabilities": [pci.capability_name(number) for number, _ in one.capabilities()],
    }


def _pci_lines(found):
    for one in found:
        yield "%(place)s  %(vendor)04x:%(device)04x  %(kind)s" % one
        for bar in one["bars"]:
            yield "    %(kind)s %(index)d: 0x%(addr)x, %(bytes)d bytes" % bar
        if one["capabilities"]:
            yield "    " + ", ".join(one["capabilities"])


def _tables():
    import acpi

    return [
        {"signature": one.signature, "addr": one.addr, "bytes": one.size, "problem": one.problem}
        for one in acpi.tables()
    ]


def _table_lines(found):
    for one in found:
        yield "%(signature)-4s  0x%(addr)x, %(bytes)d bytes" % one
        if one["problem"]:
            yield "    " + one["problem"]


def _devices():
    import acpi

    return [{"path": path, "id": hid, "there": there} for path, hid, there in acpi.devices()]


def _device_lines(found):
    for one in found:
        if one["there"]:
            yield "%s  %s" % (one["path"], one["id"] or "")


def _smbios():
    import smbios

    return [
        {"type": one.type, "handle": one.handle, "fields": one.fields()}
        for one in smbios.structures()
    ]


def _smbios_lines(found):
    for one in found:
        for name, value in one["fields"]:
            if name is None:
                yield "%s" % value
            elif isinstance(value, (list, tuple)):
                yield "    %s:" % name
                for part in value:
                    yield "        %s" % part
            else:
                yield "    %s: %s" % (name, value)


def _smi():
    import smi

    return smi.measure(1000)


# Name, what gathers it, what tells it.
ALL = (
    ("kernel", _kernel, _pairs),
    ("boot", _boot, _pairs),
    ("efi", _efi, _efi_lines),
    ("memory", _memory, _memory_lines),
    ("cpus", _cpus, _cpu_lines),
    ("mtrrs", _mtrrs, _mtrr_lines),
    ("pci", _pci, _pci_lines),
    ("acpi tables", _tables, _table_lines),
    ("acpi devices", _devices, _device_lines),
    ("smbios", _smbios, _smbios_lines),
    ("smi", _smi, _pairs),
)
