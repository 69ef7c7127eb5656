# Checks of the machine against what firmware says of it, and of its CPUs against each other.

from _firmware_base import Skip, equal, none, number, processors, structures, table, tables

# What each CPU has for itself: by leaf, a mask of what counts of (eax, ebx, ecx, edx).
_ALL = 0xFFFFFFFF
_OWN = {
    1: (_ALL, 0xFFFF, _ALL, _ALL),
    2: (0xFFFFFF00, _ALL, _ALL, _ALL),
    0xB: (_ALL, _ALL, _ALL, 0),
    0xD: (_ALL, 0, _ALL, _ALL),
    0x1F: (_ALL, _ALL, _ALL, 0),
    0x8000001E: (0, 0, 0, _ALL),
}


def _cpus():
    from cpus import all

    return all()


def _several():
    found = _cpus()
    if len(found) < 2:
        raise Skip("there is one CPU")
    return found


def memory():
    import memmap

    wrong = []
    for one in tables():
        # A loader has a copy of the root pointer in its own memory.
        region = None if one.signature == "RSDP" else memmap.find(one.addr)
        if region is not None and region.kind == memmap.USABLE:
            wrong.append("%s at 0x%x" % (one.signature, one.addr))
    yield none("tables in memory that is usable", wrong)


def cpus():
    import bootinfo
    import cmdline

    there = sorted([apic_id for _, apic_id in processors(structures(table("APIC"), 44))])
    if cmdline.parse(bootinfo.cmdline or "").get("cpus", "all") != "all":
        raise Skip("cpus= has left some out")
    yield equal("APIC IDs of CPUs that run", there, sorted([one.apic_id for one in _cpus()]))


def apic():
    import machine

    data = table("APIC")
    addr = number(data, 36, 4)
    for kind, part in structures(data, 44):
        if kind == 5 and len(part) >= 12:
            addr = number(part, 4, 8)
    values = [machine.rdmsr(0x1B, cpu=one.n) for one in _cpus()]
    found = sorted(set([value >> 12 << 12 for value in values]))
    yield equal("address by the MADT and by IA32_APIC_BASE", [addr], found)
    yield equal("CPUs that are the bootstrap processor", 1, sum([v >> 8 & 1 for v in values]))
    yield equal("local APICs that are off", 0, sum([not v >> 11 & 1 for v in values]))


def hpet_registers():
    import pci

    data = table("HPET")
    registers = pci.Registers(number(data, 44, 8), 1024)
    try:
        found = registers.read32(0)
        period = registers.read32(4)
    finally:
        registers.close()
    yield equal("block's ID by the table and by itself", number(data, 36, 4), found)
    yield "period in fs", 0 < period <= 0x5F5E100, "at most 0x5f5e100", period


def ecam():
    import _pci
    import pci

    data = table("MCFG")
    if len(data) < 60 or any(data[52:55]):
        raise Skip("no space of segment 0 from bus 0 on")
    if not _pci.present():
        raise Skip("there are no ports for it")
    found = _pci.read(0, 0, 4)
    registers = pci.Registers(number(data, 44, 8), 4096)
    try:
        yield equal("IDs of 00:00.0 by the ports and by memory", found, registers.read32(0))
    finally:
        registers.close()


def cpuid():
    from cpuid import cpu

    found = _several()
    first = cpu(found[0].n)
    if first.read(0)[0] >= 7 and first.read(7)[3] >> 15 & 1:
        raise Skip("its cores are of several kinds")
    differ = []
    for one in found[1:]:
        here = dict([((leaf, sub), regs) for leaf, sub, regs in cpu(one.n).leaves()])
        for leaf, sub, regs in first.leaves():
            masks = _OWN.get(leaf, (_ALL, _ALL, _ALL, _ALL))
            other = here.get((leaf, sub), ())
            if [a & m for a, m in zip(regs, masks)] != [a & m for a, m in zip(other, masks)]:
                differ.append("CPU %d: 0x%x.%d" % (one.n, leaf, sub))
    yield none("leaves that differ from CPU 0's", differ)


def msr():
    from machine import cpuid
    from msr import compare, cpu

    found = _several()
    differ = ["%s: %s" % (name, values) for _, name, values in compare()]
    yield none("registers that differ", differ)
    if cpuid(1)[2] >> 5 & 1:
        # SDM 3C, 24.7: firmware says whether VMX may be used, and locks it.
        values = [cpu(one.n).read("FEATURE_CONTROL") or 0 for one in found]
        yield none("IA32_FEATURE_CONTROLs that are not locked", [v for v in values if not v & 1])


def mtrr():
    import memmap
    from mtrr import WRITE_BACK, cpu, name

    first = cpu(0)
    if not first.enabled:
        raise Skip("MTRRs are off")
    ranges = first.ranges()
    undefined = [start for start, _, kind in ranges if kind is None]
    yield none("addresses of no type, by overlap", undefined)
    others = [one.n for one in _cpus() if cpu(one.n).ranges() != ranges]
    yield none("CPUs whose types are others than CPU 0's", others)
    wrong = []
    for region in memmap.regions():
        if region.kind == memmap.USABLE:
            for start, end, kind in ranges:
                if start < region.end and region.start < end and kind != WRITE_BACK:
                    word = "undefined" if kind is None else name(kind)
                    wrong.append("0x%x: %s" % (max(start, region.start), word))
    yield none("usable memory that is not write-back", wrong)


def smi():
    from cpuid import cpu
    from smi import measure

    if cpu().read(1)[2] >> 31:
        raise Skip("a hypervisor's time shows in the same way")
    found = measure(1000)
    longest = found["longest_us"]
    yield "longest gap in us, in 1 s", longest <= 150, "at most 150", "%d" % longest


CHECKS = (
    ("memory", "ACPI 6.5, 15.4", memory),
    ("cpus", "ACPI 6.5, 5.2.12", cpus),
    ("apic", "SDM 3A, 11.4.4", apic),
    ("hpet_registers", "IA-PC HPET 1.0a, 2.3.4", hpet_registers),
    ("ecam", "PCI Express 5.0, 7.2", ecam),
    ("cpuid", "SDM 2A, CPUID", cpuid),
    ("msr", "SDM 4, 2", msr),
    ("mtrr", "SDM 3A, 12.11", mtrr),
    ("smi", "BITS", smi),
)
