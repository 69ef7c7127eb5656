"""Interrupts: what comes in is not lost, Ctrl-C gets through, and the CPU halts when idle."""

import hashlib
import random
import time

import handoffs
import pytest
from machine_code import RUN_CODE
from ringzero_vm import PANIC

BOARDS = ("q35", "pc", "microvm")
APIC_COMMAND = 0xFEE00300  # SDM 3A 10.6.1
APIC_SELF = 1 << 18

LOOPS = {
    "loop": "while True: pass",
    "sleep": "import time; time.sleep(1000)",
    "native, Python call": "native_python()",
    "native, C call": "native_c()",
    "input": "input()",
    "stdin": "sys.stdin.read(1)",
    "poll": "select.poll().poll()",
    "asyncio": "asyncio.run(pause(1000))",
}

DEFINITIONS = """
import asyncio, select, sys
async def pause(seconds): await asyncio.sleep(seconds)
def nothing(): pass
@micropython.native
def native_python():
    while True: nothing()
@micropython.native
def native_c():
    while True: len('')
"""


def interrupt(vm, code):
    """Start what does not end, then press Ctrl-C."""
    vm.exec(f"def run():\n print('go')\n {code}\n")
    vm.repl.sendline("run()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")


@pytest.mark.board(*BOARDS)
def test_ctrl_c(vm):
    """Ctrl-C raises KeyboardInterrupt out of whatever runs or waits."""
    vm.exec(DEFINITIONS)
    for code in LOOPS.values():
        interrupt(vm, code)


def test_kbd_intr(vm):
    """micropython.kbd_intr chooses the interrupt character, and turns it off."""
    vm.exec("import micropython, sys\ndef get():\n print('go')\n return sys.stdin.buffer.read(2)")
    vm.repl.sendline("micropython.kbd_intr(-1); get()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03q")
    vm.repl.expect_exact("b'\\x03q'\r\n")
    vm.repl.sendline("micropython.kbd_intr(ord('q')); get()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("q")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")


@pytest.mark.qemu
@pytest.mark.board(*BOARDS)
def test_idle(vm):
    """QEMU uses less than 3 % of a host CPU at the prompt, in sleep and in asyncio's sleep."""
    seconds = 4
    vm.exec("import asyncio, time\nasync def pause(seconds): await asyncio.sleep(seconds)")
    vm.run("")
    used = vm.cpu_seconds()
    time.sleep(seconds)  # there is nothing to wait for: nothing happens is what is tested
    assert vm.cpu_seconds() - used < 0.03 * seconds
    for line in f"time.sleep({seconds})", f"asyncio.run(pause({seconds}))":
        used = vm.cpu_seconds()
        vm.run(line)
        assert vm.cpu_seconds() - used < 0.03 * seconds, line


READ = """
import hashlib, micropython, sys, time
def read(count, wait):
    sha = hashlib.sha256()
    data = bytearray(1000)
    micropython.kbd_intr(-1)
    print('go')
    time.sleep(wait)
    for _ in range(count // len(data)):
        sys.stdin.buffer.readinto(data)
        sha.update(data)
    micropython.kbd_intr(3)
    print(sha.digest().hex())
"""


@pytest.mark.board(*BOARDS)
@pytest.mark.parametrize("wait", [0, 1])
def test_typed_bytes(vm, wait):
    """100 kB sent at full speed arrive intact, also where the reader is late."""
    data = random.Random(wait).randbytes(100000)
    vm.exec(READ)
    vm.repl.sendline(f"read({len(data)}, {wait})")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send(data)
    vm.repl.expect_exact(hashlib.sha256(data).hexdigest())
    vm.repl.expect_exact(">>> ")


@pytest.mark.timeout(240)
@pytest.mark.board("q35", "microvm")
def test_raw_paste(vm):
    """A program of 1 MB arrives intact through raw paste."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = ["".join(random.Random(i).choices(letters, k=4000)) for i in range(250)]
    program = "".join(f"u('{word}')\n" for word in words)
    assert len(program) > 1000000
    vm.exec("import hashlib\nsha = hashlib.sha256()\nu = sha.update")
    vm.exec(program)
    digest = hashlib.sha256("".join(words).encode()).digest()
    assert vm.eval("sha.digest()") == digest


def test_stray_vectors(vm):
    """Interrupts that nobody asked for are counted, the spurious one is not, and all goes on."""
    vm.exec("import machine, time")
    assert vm.eval("machine.stray_irqs()") == (0, None)
    for vector in 0x20, 0x80, 0xFE:
        vm.exec(f"machine.mem32[{APIC_COMMAND}] = {APIC_SELF | vector}")
        assert vm.eval("machine.stray_irqs()")[1] == vector
    assert vm.eval("machine.stray_irqs()")[0] == 3
    vm.exec(f"machine.mem32[{APIC_COMMAND}] = {APIC_SELF | 0xFF}")
    assert vm.eval("machine.stray_irqs()")[0] == 3
    vm.exec("time.sleep_ms(10)")


X87_IN_USE = """
import machine, struct

view = memoryview(code_page)

def tick(timer):
    print(0.1, 1234.5678)
    view[2048] = 1

timer = machine.Timer(-1, mode=machine.Timer.ONE_SHOT, period=20, hard=True, callback=tick)
run(
    # push $0x7f: single precision, SDM 1 8.1.5; fldcw (%rsp); pop %rax; fld1, eight times
    b"\\x6a\\x7f\\xd9\\x2c\\x24\\x58" + b"\\xd9\\xe8" * 8
    # movabs $(code_va + 2048), %rax; 1: cmpb $0, (%rax); je 1b
    + b"\\x48\\xb8" + struct.pack("<Q", code_va + 2048) + b"\\x80\\x38\\0\\x74\\xfb"
    # fstp %st, eight times; push $0x37f; fldcw (%rsp); pop %rax
    + b"\\xdd\\xd8" * 8 + b"\\x68\\x7f\\x03\\0\\0\\xd9\\x2c\\x24\\x58"
    # push $1; pop %rax; add $8, %rsp; ret
    + b"\\x6a\\x01\\x58\\x48\\x83\\xc4\\x08\\xc3"
)
"""


def test_x87_in_use(vm):
    """A hard callback prints floats rightly, whatever precision the interrupted code has set."""
    assert vm.exec(RUN_CODE + X87_IN_USE) == "0.1 1234.5678\n"


def test_interrupts_off(vm):
    """With interrupts off the prompt and sleep still work, by polling, and Ctrl-C after it too."""
    vm.run("import machine, time")
    vm.run("state = machine.disable_irq()")
    assert vm.run("1 + 1") == "2\r\n"
    assert vm.run("time.sleep_ms(20)") == ""
    vm.run("machine.enable_irq(state)")
    interrupt(vm, "while True: pass")


@pytest.mark.parametrize(
    "board, option",
    [
        ("microvm", "acpi=off"),
        ("microvm", "pic=off"),
        ("microvm", "ioapic2=on"),
        ("pc", "acpi=off"),
    ],
)
def test_other_controllers(boot, board, option):
    """The console's interrupt arrives with no ACPI tables, no 8259, a second I/O APIC."""
    vm = boot(board=board, extra=("-machine", option)).boot()
    interrupt(vm, "while True: pass")


@pytest.mark.parametrize("option", ["isa-serial=off", "isa-serial=off,rtc=off,pit=off"])
def test_no_uart(boot, folder, option):
    """A machine without a serial port runs its program to the end."""
    app = folder / "main.py"
    app.write_text("import time\nprint('unheard')\ntime.sleep(0.1)\nraise SystemExit(7)\n")
    assert boot(board="microvm", app=app, extra=("-machine", option)).wait_exit() == 7


LOCAL_APIC = 0xFEE00000
THERMAL, COUNTER = LOCAL_APIC + 0x330, LOCAL_APIC + 0x340


def test_local_apic_left_on(boot, kernel, folder):
    """What firmware has left on in the local APIC is masked."""
    left_on = handoffs.poke(THERMAL, 0x55) + handoffs.poke(COUNTER, 0x66)
    data = handoffs.tags(handoffs.memory_map())
    path = handoffs.compose(kernel, folder / "handoff.elf", data, code=left_on)
    vm = boot(kernel=path, memory="64M").boot()
    for register in THERMAL, COUNTER:
        assert vm.eval(f"__import__('machine').mem32[{register}]") >> 16 & 1


@pytest.mark.qemu
def test_machine_check(vm):
    """A machine check is a panic that says so, and no silent reset."""
    command = "mce 0 1 0xbd00000000000000 0x4 0 0"
    assert vm.qmp.command("human-monitor-command", command_line=command) == ""
    assert vm.wait_exit() == PANIC
    assert "panic: exception 18 (machine check)" in vm.transcript()
