"""Every CPU exception ends the machine with the panic status and says what and where it was."""

import re
import struct

import pytest
from machine_code import RUN_CODE
from ringzero_vm import PANIC, Panic


def mov(register, value):
    """mov r64, imm64"""
    number = ["rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"].index(register)
    return bytes([0x48, 0xB8 + number]) + struct.pack("<Q", value)


UNMAPPED = 0x0000_6F00_1234_5678
NOT_CANONICAL = 0x8000_0000_0000_0000

SET_TS = b"\x0f\x20\xc0\x48\x83\xc8\x08\x0f\x22\xc0"  # cr0 |= 8
UNMASKED_1_BY_0 = b"\x68\x40\x03\x00\x00\xd9\x2c\x24\x58\xd9\xe8\xd9\xee\xde\xf9"  # x87
EAX_BAD_SELECTOR = b"\xb8\xf8\xff\x00\x00"

# name: vector, error code, code before the fault, the code that faults, whether rip is after it.
# Not here: what takes a task, user mode or another CPU, and 19, which QEMU does not emulate.
FAULTS = {
    "divide error": (0, 0, b"\x31\xc9", b"\xf7\xf1", False),  # div ecx
    "debug": (1, 0, b"", b"\xcd\x01", True),  # int 1
    "breakpoint": (3, 0, b"", b"\xcc", True),  # int3
    "overflow": (4, 0, b"", b"\xcd\x04", True),  # int 4
    "invalid opcode": (6, 0, b"", b"\x0f\x0b", False),  # ud2
    "device not available": (7, 0, SET_TS, b"\xd9\xe8", False),  # fld1
    "general protection": (13, 0xFFF8, EAX_BAD_SELECTOR, b"\x8e\xd8", False),  # mov ds, eax
    "page fault": (14, 0, mov("rax", UNMAPPED), b"\x48\x8b\x00", False),  # mov rax, [rax]
    "x87 floating point": (16, 0, UNMASKED_1_BY_0, b"\x9b", False),  # fwait
}


def panic_of(vm, code):
    """What the kernel says when it runs this machine code: its text, its numbers by name, and
    where the code was."""
    vm.exec(RUN_CODE)
    base = vm.eval("code_start")
    with pytest.raises(Panic) as caught:
        vm.exec(f"run({code!r})")
    assert vm.wait_exit() == PANIC
    text = str(caught.value)
    numbers = re.findall(r"\b([a-z][a-z0-9]*)\s+(0x[0-9a-f]+)", text)
    return text, {name: int(number, 16) for name, number in numbers}, base


@pytest.mark.qemu
@pytest.mark.board("microvm")
@pytest.mark.parametrize("name", FAULTS)
def test_fault(vm, name):
    """Each kind of fault is named with its vector, error code, place and registers."""
    vector, error, before, faulty, after = FAULTS[name]
    known = {"rbx": 0x1122334455667788, "rsi": 0x99AABBCCDDEEFF00, "rdi": 0x123456789ABCDEF}
    start = b"".join(mov(register, value) for register, value in known.items()) + before
    text, numbers, base = panic_of(vm, start + faulty)
    assert text.startswith(f"panic: exception {vector} ({name})\n")
    assert numbers["error"] == error
    assert numbers["rip"] == base + len(start) + (len(faulty) if after else 0)
    for register, value in known.items():
        assert numbers[register] == value
    registers = {"rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp", "rip", "cr2"}
    assert registers | {f"r{number}" for number in range(8, 16)} <= set(numbers)
    if name == "page fault":
        assert numbers["cr2"] == UNMAPPED


@pytest.mark.qemu
@pytest.mark.board("q35", "pc", "microvm")
def test_write_to_nowhere(vm):
    """A write through a wild pointer is a page fault that says where, and which access."""
    code = mov("rax", UNMAPPED) + b"\x88\x08"  # mov [rax], cl
    text, numbers, _ = panic_of(vm, code)
    assert text.startswith("panic: exception 14 (page fault)\n")
    assert numbers["error"] == 2  # SDM 3A 4.7: not present, write, supervisor
    assert numbers["cr2"] == UNMAPPED


@pytest.mark.qemu
@pytest.mark.board("microvm")
@pytest.mark.parametrize("stack", [UNMAPPED, NOT_CANONICAL])
def test_stack_is_gone(vm, stack):
    """A fault with no usable stack still is a panic, not a reset."""
    text, numbers, _ = panic_of(vm, mov("rsp", stack) + b"\x50")  # push rax
    assert re.match(r"panic: exception (8|12|13|14) ", text)
    assert numbers["rsp"] == stack


@pytest.mark.qemu
@pytest.mark.board("microvm")
def test_nmi(vm):
    """An NMI is not lost: the machine ends with the panic status and names it."""
    vm.nmi()
    assert vm.wait_exit() == PANIC
    assert vm.panic.startswith("panic: exception 2 (NMI)\n")


@pytest.mark.qemu
@pytest.mark.board("microvm")
def test_no_program_can_forge_a_panic(vm):
    """A program that prints the words of a panic has not panicked."""
    assert vm.exec("print('\\npanic: exception 14')") == "\npanic: exception 14\n"
    assert vm.eval("1 + 1") == 2
    vm.repl.sendline("import machine; machine.poweroff(5)")
    assert vm.wait_exit() == 5
