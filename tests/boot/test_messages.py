"""Bad arguments at the prompt: the error says what is wrong, which value, and what is right."""

import pytest
from ringzero_vm import GuestError

pytestmark = pytest.mark.board("microvm")

MESSAGES = {
    "machine.poweroff(101)": "ValueError: a status is 0 to 100, not 101",
    "machine.poweroff(-1)": "ValueError: a status is 0 to 100, not -1",
    "machine.cpuid(1 << 32)": "ValueError: a number is 0 to 0xffffffff, not 4294967296",
    "machine.rdmsr(-1)": "ValueError: a number is 0 to 0xffffffff, not -1",
    "machine.wrmsr(-2, 0)": "ValueError: a number is 0 to 0xffffffff, not -2",
    "machine.port8[70000]": "ValueError: port8 has 0 to 0xffff, not 70000",
    "machine.port16[0xffff]": "ValueError: port16 has 0 to 0xfffe, not 65535",
    "machine.port8[1 << 64]": "ValueError: port8 has 0 to 0xffff",
    "machine.port32[-1]": "ValueError: port32 has 0 to 0xfffc, not -1",
    "machine.Timer(3)": "ValueError: Timer(3) doesn't exist: all have the number -1",
    "machine.UART(5)": "ValueError: UART(5) doesn't exist",
    "machine.UART(0, 1234)": "ValueError: baudrate must divide 115200, which 1234 does not",
    "machine.UART(0, baudrate=-1)": "ValueError: baudrate=-1 is not in 1 to 115200",
    "machine.UART(0, timeout=-1)": "ValueError: timeout=-1 is not in 0 to ",
    "machine.UART(0, parity=-1)": "ValueError: parity=-1 is not in 0 to 1",
    "machine.UART(0, rxbuf=0)": "ValueError: rxbuf=0 is not in 1 to ",
    "machine.UART(0, rxbuf=1 << 40)": "ValueError: rxbuf=1099511627776 is not in 1 to ",
    "machine.RTC().datetime((2100, 1, 1, 0, 0, 0, 0, 0))": "ValueError: year 2100 is not in ",
    "machine.RTC().datetime((2026, 2, 29, 0, 0, 0, 0, 0))": "ValueError: day 29 is not in 1 to 28",
    "machine.RTC().datetime((2026, 1, 1, 0, 24, 0, 0, 0))": "ValueError: hour 24 is not in ",
    "ramdisk.RAMDisk(0)": "ValueError: size is at least 1, not 0",
    "ramdisk.RAMDisk(4096, 100)": "ValueError: block_size is a power of two from 128 on, not 100",
    "ramdisk.RAMDisk(4096, 64)": "ValueError: block_size is a power of two from 128 on, not 64",
    "ramdisk.RAMDisk(-1)": "ValueError: size cannot be negative: -1",
    "ramdisk.RAMDisk(1 << 63)": "MemoryError: no 2251799813685248 ",
    "ramdisk.RAMDisk(4096, 1 << 63)": "MemoryError: no 2251799813685248 ",
    "ramdisk.RAMDisk(1 << 63, addr=0)": "ValueError: size 0x8000000000000000 is too large",
    "ramdisk.RAMDisk(8192, addr=(1 << 64) - 4096)": "ValueError: size 0x2000 is too large",
    "ramdisk.RAMDisk(8192, addr=-1)": "ValueError: addr cannot be negative: -1",
    "memmap.init([])": "RuntimeError: only the start does this, and it is over: nothing has",
    "cmdline.size('x', '1Q')": "ValueError: command line: x=1Q is not a size: one is like 4096",
    "cmdline.choice({'a': 'c'}, 'a', ('d', 'e'))": "ValueError: command line: a=c is not one of d",
    "cmdline.size('x', '1_0')": "ValueError: command line: x=1_0 is not a size",
    "cmdline.parse(5)": "TypeError: a command line is a str, not int",
    "cmdline.parse('\"a')": "ValueError: command line: a quote is not closed",
}


def test_messages(vm, mpy_minor):
    """Each is the exception that it should be, with its text."""
    vm.exec("import cmdline, machine, memmap, os, ramdisk")
    upstream = mpy_minor >= 28
    urandom = "ValueError" if upstream else "ValueError: size is at least 0, not -1"
    for code, message in [*MESSAGES.items(), ("os.urandom(-1)", urandom)]:
        with pytest.raises(GuestError) as caught:
            vm.exec(code)
        assert str(caught.value).splitlines()[-1].startswith(message), code
