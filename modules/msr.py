# Model-specific registers by name, with their fields. SDM 4, chapter 2; APM 2, appendix A.

from _msr_layouts import TEXT as _REGISTERS

try:
    from builtins import FaultError as _Fault
except ImportError:
    # Not in a kernel: what is raised for a register that is not there.
    _Fault = OSError

# SDM 3A, 12.11.2.2: eight ranges of a size each, from an address on.
_FIXED = (0x250, "64K_00000", 0x258, "16K_80000", 0x259, "16K_A0000")


def _lines():
    # (number, name, fields as text, with stars) of each register.
    for line in _REGISTERS.strip().split("\n"):
        number, name, *fields = line.split()
        yield int(number, 16), name, fields
    parts = ["type%d:%d.8" % (i, 8 * i) for i in range(8)]
    for i in range(0, 6, 2):
        yield _FIXED[i], "MTRR_FIX" + _FIXED[i + 1], parts
    for i in range(8):
        yield 0x268 + i, "MTRR_FIX4K_%X" % (0xC0000 + (i << 15)), parts
    for i in range(32):
        yield 0x200 + 2 * i, "MTRR_PHYSBASE%d" % i, ["type:0.8", "base:12.40"]
        yield 0x201 + 2 * i, "MTRR_PHYSMASK%d" % i, ["valid:11", "mask:12.40"]


def _split(field):
    # (name, first bit, width, whether it is each CPU's own)
    name, _, place = field.partition(":")
    bit, _, width = place.partition(".")
    return name.lstrip("*"), int(bit), int(width or 1), name[0] == "*"


def _find(which):
    for number, name, fields in _lines():
        if which == number or which == name.lstrip("*"):
            return number, name.lstrip("*"), fields
    if isinstance(which, int):
        return which, "0x%x" % which, []
    raise ValueError("%s: no register that is known" % which)


def names():
    """(number, name) of each register that is known, a list."""
    return [(number, name.lstrip("*")) for number, name, _ in _lines()]


class Msrs:
    """The registers of a CPU.

    `read(number)` returns 64 bits or raises FaultError: by itself those of CPU `cpu`.
    """

    def __init__(self, read=None, cpu=None):
        if read is None:
            from machine import rdmsr

            def read(number):
                return rdmsr(number, cpu=cpu)

        self._read = read

    def read(self, which):
        """A register by name or number; None where the CPU does not have it."""
        try:
            return self._read(_find(which)[0])
        except _Fault:
            return None

    def fields(self, which):
        """(name, value) of each of its fields, a list; None where the CPU does not have it."""
        value = self.read(which)
        if value is None:
            return None
        found = []
        for field in _find(which)[2]:
            name, bit, width, _ = _split(field)
            found.append((name, value >> bit & ((1 << width) - 1)))
        return found

    def _known(self):
        # (number, name, fields) of those that may be there: of variable MTRRs those that are.
        last = 0x200 + 2 * ((self.read("MTRRCAP") or 0) & 0xFF)
        for number, name, fields in _lines():
            if not 0x200 <= number < 0x240 or number < last:
                yield number, name, fields

    def energy(self):
        """What it has used since some time, by part of the package: a dict of joules.

        Counters of 32 bits, which begin anew at 0.
        """
        found = {}
        for unit, parts in (
            (
                0x606,
                ((0x611, "package"), (0x639, "cores"), (0x641, "graphics"), (0x619, "memory")),
            ),
            (0xC0010299, ((0xC001029B, "package"), (0xC001029A, "core"))),
        ):
            # SDM 3B, 15.10.1: the energy's unit is half to the power of a field.
            unit = self.read(unit)
            if unit:
                for number, name in parts:
                    value = self.read(number)
                    if value is not None:
                        found[name] = (value & 0xFFFFFFFF) / (1 << (unit >> 8 & 31))
                break
        return found

    def show(self, which=None):
        """Print the registers that are there with their fields, or one of them."""
        missing = ""
        registers = self._known() if which is None else [_find(which)]
        for number, name, fields in registers:
            name = name.lstrip("*")
            value = self.read(number)
            if value is None:
                missing += " " + name
                continue
            print("%8x  %-20s %016x" % (number, name, value))
            line = ""
            for field in fields:
                field, bit, width, _ = _split(field)
                line += " %s=%x" % (field, value >> bit & ((1 << width) - 1))
            if line:
                print("         " + line)
        if missing:
            print("not there:" + missing)


def cpu(n=None):
    """The registers of CPU n, or of the one that runs this, as Msrs."""
    return Msrs(None, n)


def show(which=None, n=None):
    """Print the registers of CPU n, or of the one that runs this, or one of them."""
    cpu(n).show(which)


def compare(of=None):
    """What differs between CPUs that should be the same: (number, name, values) of each register.

    A value is None where a CPU does not have the register. `of` is a list of Msrs, by itself those
    of all CPUs.
    """
    if of is None:
        from cpus import all

        of = [cpu(one.n) for one in all()]
    found = []
    for number, name, fields in of[0]._known():
        if name[0] == "*":
            continue
        mask = (1 << 64) - 1
        for field in fields:
            _, bit, width, own = _split(field)
            if own:
                mask &= ~(((1 << width) - 1) << bit)
        values = [one.read(number) for one in of]
        same = set([None if value is None else value & mask for value in values])
        if len(same) > 1:
            found.append((number, name, tuple(values)))
    return found


def microcode(n=None):
    """The revision of the microcode of CPU n, or of the one that runs this; None for none."""
    import machine
    from cpuid import cpu as cpuid

    # SDM 3A, 10.11.7.1: Intel's has it there once CPUID has run. On AMD it always is, 32 bits.
    try:
        if cpuid(n).vendor == "GenuineIntel":
            machine.wrmsr(0x8B, 0, cpu=n)
            machine.cpuid(1, 0, cpu=n)
            return machine.rdmsr(0x8B, cpu=n) >> 32 or None
        return machine.rdmsr(0x8B, cpu=n) & 0xFFFFFFFF or None
    except _Fault:
        return None
