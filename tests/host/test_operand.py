"""cpu/operand.c finds the memory operand of any instruction; objdump is the oracle."""

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.host.conftest import BUILD, build

REGISTERS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split()
LINE = re.compile(r"^\s*[0-9a-f]+:\t((?:[0-9a-f]{2} )+)\s*\t?(.*)$")
OPERAND = re.compile(r"(%[cdefgs]s:)?(-?0x[0-9a-f]+)?\((%\w+)?(?:,(%\w+)(?:,(\d))?)?\)")
STRINGS = re.compile(r"\b(movs|cmps|lods|stos|scas)[bwlq]? ")
BITS = (1 << 64) - 1


@pytest.fixture(scope="module")
def driver():
    build("operand")
    return BUILD / "operand_driver"


def read(binary):
    """The instructions' bytes and texts."""
    done = subprocess.run(
        ["objdump", "-d", "-w", binary], check=True, stdout=subprocess.PIPE, text=True
    )
    found = {}
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        # Data among the code makes odd instructions, some of which are two.
        if match and not re.search(r"\(bad\)|\.byte|rex|xlat|^[c-g]s |^fst", match[2]):
            found[match[1].replace(" ", "")] = match[2].split("#")[0].strip()
    return found


def is_canonical(addr):
    return (addr + (1 << 47)) & BITS < 1 << 48


def expected(code, text, registers):
    """What the operand's address is by objdump's text; None: it names none by registers."""
    # Encodings, addresses and segments that it says it does not know; IN and OUT name a port.
    if (
        text.startswith("v")
        and not text.startswith("vm")
        or re.match(r"(66|f[23])*(c[45]|62)", code)
    ):
        return None
    if re.search(r"%[fg]s:|addr32|\(%rip|\(%dx\)|\((%\w+)?,?%(e|r\d+d)", text):
        return None
    if STRINGS.search(text):
        found = [registers[name] for name in ("rsi", "rdi") if f"(%{name})" in text]
        return next((addr for addr in found if not is_canonical(addr)), found[-1])
    moffs = re.search(r"movabs .*?\b(0x[0-9a-f]+)(,%[ear]|$)", text)
    if moffs and re.match(r"(66)?(4.)?a[0-3]", code):
        return int(moffs[1], 16)
    match = OPERAND.search(text)
    if not match:
        # No base, no index: the displacement alone.
        alone = re.search(r"(?<![$%\w:])(0x[0-9a-f]+)(?=,|$)", text)
        return (
            int(alone[1], 16) & BITS
            if alone and not re.match(r"j|call|loop|xbegin", text)
            else None
        )
    displacement, base, index, scale = match.groups()[1:]
    total = int(displacement or "0", 16)
    total += registers[base[1:]] if base else 0
    total += registers[index[1:]] * int(scale or "1") if index and index not in ("%riz",) else 0
    return total & BITS


@pytest.mark.parametrize("seed", range(3))
def test_operands(driver, unix_port, seed):
    """For every instruction of two programs of other people's, the address that objdump names."""
    rng = random.Random(seed)
    registers = {name: rng.getrandbits(64) for name in REGISTERS}
    if seed == 0:
        registers = {name: rng.getrandbits(40) for name in REGISTERS}
    code = read(BUILD / "unix/micropython") | read(Path(sys.executable).resolve())
    wanted = {one: expected(one, text, registers) for one, text in code.items()}
    assert len([addr for addr in wanted.values() if addr is not None]) > 5000
    done = subprocess.run(
        [driver, *(f"{registers[name]:x}" for name in REGISTERS)],
        input="".join(one + "\n" for one in code),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    got = [None if line == "-" else int(line, 16) for line in done.stdout.splitlines()]
    wrong = [
        (one, code[one], got and f"{got:x}", wanted[one] and f"{wanted[one]:x}")
        for one, got in zip(code, got, strict=True)
        if got != wanted[one]
    ]
    assert not wrong, (len(wrong), wrong[:30])
