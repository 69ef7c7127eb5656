"""CHIPSEC on a guest or a PC that runs Ringzero: its helper, which reaches the machine by REPL.

    python ringzero_chipsec.py DEVICE util pci enumerate
    python ringzero_chipsec.py DEVICE main -m common.bios_wp

DEVICE is the serial port or pseudo-terminal that the prompt is on; what follows `util` and `main`
are arguments of chipsec_util and chipsec_main. Needs the packages chipsec (1.13) and mpremote.

What the kernel has no way to do is CHIPSEC's UnimplementedAPIError: control registers, descriptor
tables, microcode updates, SMIs with registers, message bus, hypercalls.
"""

import ast
import sys

from chipsec.helper.nonehelper import NoneHelper
from chipsec.library.exceptions import OsHelperError

NAME = "ringzerohelper"
PAGE = 4096
REACH = 1 << 46  # where the kernel's memory ends

# What the guest is taught. Memory is at its own address or, where it is not mapped, in a window.
GUEST = """
import frames, machine, pages, pci, uctypes
from ubinascii import hexlify, unhexlify
chipsec_windows = {}
def chipsec_place(addr):
    page = addr & -4096
    found = pages.translate(page)
    if found is not None and found[0] == page:
        return addr
    va = chipsec_windows.get(page)
    if va is None:
        va = pages.reserve(1)
        pages.map(va, page, 1, pages.WRITE | pages.UNCACHED)
        chipsec_windows[page] = va
    return va + (addr & 4095)
def chipsec_bytes(addr, size):
    return uctypes.bytearray_at(chipsec_place(addr), size)
def chipsec_status(call):
    from efi import Error
    try:
        call()
    except Error as error:
        return error.status & ~(1 << 63)
    return 0
def chipsec_vendors():
    found = {}
    for n in range(256 << 5):
        one = pci.device(n >> 5, n & 31)
        if one is not None:
            found[n] = one.read32(0)
    return found
def chipsec_config(bus, device, function, offset, size, value=None):
    one = pci.device(bus, device, function)
    if one is None or offset + size > len(one.config()):
        return (1 << 8 * size) - 1
    if offset % size:
        if value is None:
            return sum([one.read8(offset + i) << 8 * i for i in range(size)])
        for i in range(size):
            one.write8(offset + i, value >> 8 * i & 255)
    elif value is None:
        return {1: one.read8, 2: one.read16, 4: one.read32}[size](offset)
    else:
        {1: one.write8, 2: one.write16, 4: one.write32}[size](offset, value)
"""


class RingzeroHelper(NoneHelper):
    """A CHIPSEC helper. `run(code)` runs Python in the guest and returns what that prints."""

    def __init__(self, run):
        super().__init__()
        self.run = run
        self.name = "RingzeroHelper"
        self.os_system = "Ringzero"
        self.vendors = None  # of the first function of all devices, until something is written
        self.allocated = {}  # frames by the address of the first
        self.thread = 0

    def ask(self, expression):
        """The value of an expression in the guest. OsHelperError where that raises."""
        code = f"try: print(repr({expression}))\nexcept Exception as e: print('!', repr(e))"
        text = self.run(code).strip()
        if text.startswith("!"):
            raise OsHelperError(f"{expression}: {text[2:]}", 5)
        return ast.literal_eval(text)

    def tell(self, statement):
        """Run a statement in the guest."""
        self.vendors = None
        self.ask(f"exec({statement!r})")

    # ---- its life

    def create(self):
        self.run(GUEST)
        return True

    def start(self):
        self.os_release, self.os_machine = self.ask(
            "(lambda u: (u.release, u.machine))(__import__('os').uname())"
        )
        self.os_version = self.os_release
        self.driver_loaded = True
        return True

    def stop(self):
        return True

    def delete(self):
        return True

    # ---- PCI

    def read_pci_reg(self, bus, device, function, address, size):
        if address == 0 and size == 4 and function == 0:
            # CHIPSEC looks for all devices there may be, again and again.
            if self.vendors is None:
                self.vendors = self.ask("chipsec_vendors()")
            return self.vendors.get(bus << 5 | device, 0xFFFFFFFF)
        return self.ask(f"chipsec_config({bus}, {device}, {function}, {address}, {size})")

    def write_pci_reg(self, bus, device, function, address, value, size):
        self.tell(f"chipsec_config({bus}, {device}, {function}, {address}, {size}, {value})")
        return 0

    # ---- memory

    def read_mmio_reg(self, phys_address, size):
        return self.ask(f"machine.mem{size * 8}[chipsec_place({phys_address})]")

    def write_mmio_reg(self, phys_address, size, value):
        self.tell(f"machine.mem{size * 8}[chipsec_place({phys_address})] = {value}")

    def read_phys_mem(self, phys_address, length):
        data = b""
        for addr, size in parts(phys_address, length):
            data += bytes.fromhex(self.ask(f"hexlify(chipsec_bytes({addr}, {size}))").decode())
        return data

    def write_phys_mem(self, phys_address, length, buf):
        for addr, size in parts(phys_address, length):
            at = addr - phys_address
            digits = bytes(buf[at : at + size]).hex()
            self.tell(f"chipsec_bytes({addr}, {size})[:] = unhexlify('{digits}')")
        return length

    def alloc_phys_mem(self, length, max_phys_address):
        count = -(-length // PAGE)
        below = min(max_phys_address + 1, REACH)
        addr = self.ask(f"frames.alloc({count}, below={below})")
        self.allocated[addr] = count
        return addr, addr

    def free_phys_mem(self, physical_address):
        count = self.allocated.pop(physical_address)
        self.tell(f"frames.free({physical_address}, {count})")

    def va2pa(self, va):
        found = self.ask(f"pages.translate({va})")
        return (None, 14) if found is None else (found[0], 0)

    # ---- the CPU

    def read_io_port(self, io_port, size):
        return self.ask(f"machine.port{size * 8}[{io_port}]")

    def write_io_port(self, io_port, value, size):
        self.tell(f"machine.port{size * 8}[{io_port}] = {value}")
        return 0

    def read_msr(self, cpu_thread_id, msr_addr):
        value = self.ask(f"machine.rdmsr({msr_addr}, cpu={cpu_thread_id})")
        return value & 0xFFFFFFFF, value >> 32

    def write_msr(self, cpu_thread_id, msr_addr, eax, edx):
        self.tell(f"machine.wrmsr({msr_addr}, {edx << 32 | eax}, cpu={cpu_thread_id})")
        return 0

    def cpuid(self, eax, ecx):
        return self.ask(f"machine.cpuid({eax}, {ecx}, cpu={self.thread})")

    def get_affinity(self):
        return self.thread

    def set_affinity(self, value):
        self.thread = value
        return value

    def get_threads_count(self):
        return self.ask("len(__import__('cpus').all())")

    # ---- EFI

    def EFI_supported(self):
        return self.ask("__import__('bootinfo').efi is not None")

    def get_EFI_variable(self, name, guid, attrs=None):
        return self.variable(name, guid)[1]

    def variable(self, name, guid):
        """(attributes, bytes); (0, b"") where there is none."""
        try:
            return self.ask(f"__import__('efi').get({name!r}, {guid!r})")
        except OsHelperError:
            return 0, b""

    def set_EFI_variable(self, name, guid, data, datasize=None, attrs=None):
        data = bytes(data if datasize is None else data[:datasize])
        rest = "" if attrs is None else f", {attrs}"
        return self.status(f"__import__('efi').set({name!r}, {data!r}, {guid!r}{rest})")

    def delete_EFI_variable(self, name, guid):
        return self.status(f"__import__('efi').delete({name!r}, {guid!r})")

    def status(self, call):
        """EFI's status of a call, as CHIPSEC has it: 0, or its number without the top bit."""
        return self.ask(f"chipsec_status(lambda: {call})")

    def list_EFI_variables(self):
        found = {}
        for name, guid in self.ask("__import__('efi').variables()"):
            attributes, data = self.variable(name, guid)
            found.setdefault(name, []).append((0, b"", 0, data, guid, attributes))
        return found


def parts(addr, length):
    """(address, size) of the parts of memory that lie in one page each."""
    while length > 0:
        size = min(length, PAGE - addr % PAGE)
        yield addr, size
        addr += size
        length -= size


def run_tool(run, tool, arguments):
    """Run chipsec_util ("util") or chipsec_main ("main") on what `run` reaches; its status."""
    import chipsec_main
    import chipsec_util
    from chipsec.helper.oshelper import helper

    class Module:
        @staticmethod
        def get_helper():
            return RingzeroHelper(run)

    helper().avail_helpers[NAME] = Module
    main = {"util": chipsec_util.main, "main": chipsec_main.main}[tool]
    return int(main(["--helper", NAME, "-nl", *arguments]) or 0)


def main(arguments):
    if len(arguments) < 2 or arguments[1] not in ("util", "main"):
        print(__doc__, file=sys.stderr)
        return 2
    from mpremote.transport import TransportError
    from mpremote.transport_serial import SerialTransport

    device, tool, *rest = arguments
    try:
        transport = SerialTransport(device, baudrate=115200)
        transport.enter_raw_repl(soft_reset=False)
    except TransportError as error:
        print(f"{device}: no prompt: {error}", file=sys.stderr)
        return 1
    try:
        return run_tool(lambda code: transport.exec(code).decode(), tool, rest)
    finally:
        transport.exit_raw_repl()
        transport.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
