# The machine by BITS's names: CPUs by their APIC ID, registers, ports, memory, clocks.

import time
from collections import namedtuple as _namedtuple

import cpus as _cpus
import machine as _machine
import pci as _pci
from acpi import hardware as _hardware

from .latency import smi_latency as smi_latency
from .python2 import decode as _decode


def cpus():
    """The APIC IDs of all CPUs."""
    return [cpu.apic_id for cpu in _cpus.all()]


def bsp_apicid():
    """The APIC ID of the CPU that the machine started with."""
    return cpus()[0]


def _number(apicid):
    for cpu in _cpus.all():
        if cpu.apic_id == apicid:
            return cpu.n
    raise ValueError("no CPU has APIC ID %s" % apicid)


cpuid_result = _namedtuple("cpuid_result", ("eax", "ebx", "ecx", "edx"))


def cpuid(apicid, eax, ecx=0):
    """CPUID on a CPU."""
    return cpuid_result(*_machine.cpuid(eax, ecx, cpu=_number(apicid)))


def brandstring(apicid=None):
    """The name of a CPU, by default the first's."""
    from cpuid import Cpuid

    return Cpuid(cpu=_number(bsp_apicid() if apicid is None else apicid)).brand


def rdmsr(apicid, msr):
    """A model-specific register of a CPU; None where there is none."""
    try:
        return _machine.rdmsr(msr, cpu=_number(apicid))
    except _machine.FaultError:
        return None


def wrmsr(apicid, msr, value):
    """Write it; None where that is refused, else True."""
    try:
        _machine.wrmsr(msr, value, cpu=_number(apicid))
    except _machine.FaultError:
        return None
    return True


class preserve_msr:
    """For `with`: a register of all CPUs has its value again afterwards."""

    def __init__(self, msr):
        self.msr = msr

    def __enter__(self):
        self.values = [(cpu, rdmsr(cpu, self.msr)) for cpu in cpus()]

    def __exit__(self, *error):
        for cpu, value in self.values:
            if value is not None:
                wrmsr(cpu, self.msr, value)


def inb(port):
    return _machine.port8[port]


def inw(port):
    return _machine.port16[port]


def inl(port):
    return _machine.port32[port]


def outb(port, value):
    _machine.port8[port] = value


def outw(port, value):
    _machine.port16[port] = value


def outl(port, value):
    _machine.port32[port] = value


class memory:
    """Memory from an address on, byte by byte as characters; slices are strings of them."""

    def __init__(self, addr, size):
        self._addr = addr
        self._size = size

    def __len__(self):
        return self._size

    def __getitem__(self, index):
        if isinstance(index, slice):
            start, stop, step = index.indices(self._size)
            data = _hardware().copy(self._addr + start, stop - start) if stop > start else b""
            return _decode(data[::step])
        return self[index : index + 1 or None]

    def __iter__(self):
        return iter(str(self))

    def __str__(self):
        return self[:]


def dumpmem(mem, addr=0):
    """Data in hexadecimal and as characters."""
    lines = []
    for at in range(0, len(mem), 16):
        part = mem[at : at + 16]
        digits = " ".join(["%02x" % ord(one) for one in part])
        text = "".join([one if "!" <= one <= "~" else "." for one in part])
        lines.append("%08x: %-47s  %-16s\n" % (addr + at, digits, text))
    return "".join(lines)


def _device(bus, device, function):
    found = _pci.device(bus, device, function)
    if found is None:
        raise ValueError("nothing is at %02x:%02x.%x" % (bus, device, function))
    return found


def pci_read(bus, device, function, register, bytes=4):
    """1, 2 or 4 bytes of configuration space."""
    found = _device(bus, device, function)
    return {1: found.read8, 2: found.read16, 4: found.read32}[bytes](register)


def pci_write(bus, device, function, register, value, bytes=4):
    """Write 1, 2 or 4 bytes of configuration space."""
    found = _device(bus, device, function)
    {1: found.write8, 2: found.write16, 4: found.write32}[bytes](register, value)


pcie_read = pci_read
pcie_write = pci_write


def rdtsc():
    """The time stamp counter."""
    return time.ticks_cpu()


def tsc_per_sec():
    """Its ticks in a second."""
    return _machine.freq()


def format_tsc(ticks):
    """So many ticks as a time."""
    hz = tsc_per_sec()
    for per_second, unit in ((1000000000, "ns"), (1000000, "us"), (1000, "ms")):
        if ticks * per_second < 10000 * hz:
            return "%d%s" % (ticks * per_second // hz, unit)
    return "%ds" % (ticks // hz)


def bclk():
    """The bus clock in MHz: 100, what CPUs since Sandy Bridge have (SDM 3B, 20.7.3)."""
    return 100.0


def cpu_frequency(duration=1.0):
    """(nominal, actual) Hz over some seconds, by MPERF and APERF; None where there are none."""
    cpu = bsp_apicid()
    if cpuid(cpu, 0)[0] < 6 or not cpuid(cpu, 6)[2] & 1 or wrmsr(cpu, 0xE7, 0) is None:
        return None
    if wrmsr(cpu, 0xE8, 0) is None:
        return None
    start = time.ticks_us()
    while time.ticks_diff(time.ticks_us(), start) < duration * 1000000:
        pass
    mperf = rdmsr(cpu, 0xE7)
    aperf = rdmsr(cpu, 0xE8)
    hz = tsc_per_sec()
    return hz, aperf * hz // mperf if mperf else 0
