"""The keyboard, and a prompt on a screen without a serial line."""

import binascii
import re
import string
import struct
import time

import pytest
from images import pack

from tests.host.frozen import frozen

keyboard = frozen("keyboard")
MIB = 1 << 20
READ = "data = __import__('sys').stdin.buffer.read({})"


def read(vm, size, type_):
    """What a program in the guest reads of what is typed while it waits."""
    vm.repl.sendline(f"print('#' * 2); {READ.format(size)}")
    vm.repl.expect_exact("\r\n##\r\n")
    type_()
    vm.repl.expect_exact(">>> ")
    return vm.eval("data")


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def waits_in_long_mode(vm):
    """Whether the CPU waits for interrupts where neither a BIOS nor its GRUB is: at the prompt."""
    text = vm.qmp.command("human-monitor-command", command_line="info registers")
    return "HLT=1" in text and int(re.search(r"EFER=(\w+)", text)[1], 16) & 0x400 != 0


@pytest.mark.board("q35", "pc")
def test_prompt_without_a_serial_line(boot, board, folder):
    """On a screen and a keyboard alone lines can be edited, programs ended, and Python reset."""
    log = folder / "trace.log"
    trace = ["-trace", "ps2_set_ledstate", "-D", str(log)]
    vm = boot(board=board, serial=False, extra=trace).boot()
    assert "memmap: pvh map at" in vm.screen_text()
    # PNG (ISO 15948), 5.2 and 11.2.2; VGA's text has characters of 9 by 16.
    png = vm.screen()
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack_from(">II", png, 16) == (80 * 9, 25 * 16)
    # Backspace, arrows, Home, End, Delete, and Ctrl with A, E, K, U.
    vm.type("6x\b*1")
    vm.press("left")
    vm.type("1")
    vm.press("home")
    vm.type("4x")
    vm.press("left")
    vm.press("delete")
    vm.press("end")
    vm.type("+0\n")
    vm.wait_screen(r">>> 46\*11\+0\n506\n>>>$")
    vm.type("1")
    vm.press("ctrl", "a")
    vm.type("3")
    vm.press("ctrl", "e")
    vm.type("7; zz")
    for _ in range(4):
        vm.press("kp_4")
    vm.press("ctrl", "k")
    vm.type("\n")
    vm.wait_screen(r">>> 317\n317\n>>>$")
    # History, Tab, Caps Lock, Num Lock.
    vm.press("up")
    vm.press("up")
    vm.press("f5")
    vm.type("\n")
    vm.wait_screen(r">>> 46\*11\+0\n506\n>>> 317\n317\n>>> 46\*11\+0\n506\n>>>$")
    vm.type("imp\tsys; '")
    vm.press("caps_lock")
    vm.type("aB")
    vm.press("caps_lock")
    vm.press("num_lock")
    for one in ("kp_4", "kp_2", "kp_add", "kp_decimal"):
        vm.press(one)
    vm.press("num_lock")
    vm.type("'\n")
    vm.wait_screen(r">>> import sys; 'Ab42\+\.'\n'Ab42\+\.'\n>>>$")
    vm.type("while True: pass\n\n")
    vm.press("ctrl", "c")
    vm.wait_screen(r"\nKeyboardInterrupt:?\n>>>$")
    # Ctrl-D at an empty line, and the keyboard afterwards.
    vm.type("lost = 1")
    vm.press("ctrl", "c")
    vm.press("ctrl", "d")
    vm.wait_screen(r"soft reboot\n[^>]*\n>>>$")
    vm.type("6*7\n")
    vm.wait_screen(r">>> 6\*7\n42\n>>>$")
    # At the start, then Caps Lock and Num Lock on and off, each told to the keyboard.
    states = re.findall(r"ps2_set_ledstate .*ledstate (\d)", log.read_text())
    assert states[-5:] == ["0", "4", "0", "2", "0"]


def test_grub_without_a_serial_line(boot, kernel, folder):
    """Started by GRUB on a BIOS, with no serial port, programs can be typed."""
    image = pack("iso", kernel, folder / "kernel.iso", "--append", "keyboard=de")
    vm = boot(serial=False, launcher=["--image", image], wait=60)
    until(lambda: waits_in_long_mode(vm))
    # Brackets and "=" are where Germany has them.
    vm.type("import machine\nmachine.mem32")
    vm.press("alt_r", "8")
    vm.type("0x4000000")
    vm.press("alt_r", "9")
    vm.press("shift", "0")
    vm.type("0x656e6f64\n")
    until(lambda: vm.memory(64 * MIB, 4) == b"done")


def test_layouts(boot):
    """keyboard= on the command line and keyboard.layout() choose what keys mean."""
    vm = boot(append="keyboard=de").boot()
    assert vm.eval("__import__('keyboard').layout()") == "de"

    def german():
        vm.type("zy[;'-")
        vm.press("shift", "minus")
        for one in ("q", "e", "7", "less", "bracket_right"):
            vm.press("alt_r", one)
        vm.press("equal")
        vm.type("e")
        vm.press("equal")
        vm.press("grave_accent")
        vm.type("a\n")

    want = "yzüöäß?@€{|~é'â\r".encode()
    assert read(vm, len(want), german) == want
    # All of them are in the kernel what they are here.
    vm.exec("""
        import keyboard, _keyboard
        from binascii import crc32
        def sum_of(name):
            name, chars, composed, altgr = keyboard._table(name)
            return name, crc32(bytes(chars)), crc32(bytes(composed)), altgr
    """)
    for name in keyboard.layouts():
        table = keyboard._table(name)
        sums = (name, *(binascii.crc32(bytes(one)) for one in table[1:3]), table[3])
        assert vm.eval(f"sum_of({name!r})") == sums
    assert vm.eval("keyboard.layouts()") == keyboard.layouts()
    assert vm.eval("(keyboard.layout('uk'), keyboard.layout())") == ("gb", "gb")
    assert read(vm, 3, lambda: vm.press("shift", "3") or vm.type("z")) == "£z".encode()
    # What is not there changes nothing, and a soft reset does as the command line says.
    for bad, kind in (("'xx'", "ValueError"), ("''", "ValueError"), ("5", "TypeError")):
        text = f"try:\n keyboard.layout({bad})\nexcept {kind}: print(keyboard.layout())"
        assert vm.exec(text) == "gb\n"
    for bad in ("'', b'', b'', 0", "'a', bytes(5), b'', 0", "'a' * 16, bytes(2048), b'', 0"):
        assert "error" in vm.exec(
            f"try: _keyboard.set({bad})\nexcept ValueError as e: print('error', e)"
        )
    vm.repl.send("")
    vm.soft_reset()
    assert vm.eval("__import__('keyboard').layout()") == "de"


def test_no_keyboard(boot):
    """Without one, or with a layout that there is not, the start goes on and says why."""
    vm = boot(board="microvm", append="keyboard=xx").boot()
    said = r"(?m)^command line: keyboard=xx is not one of us gb de .*; it stays us$"
    assert re.search(said, vm.transcript())
    assert vm.eval("__import__('keyboard').present()") is False
    assert vm.eval("__import__('keyboard').pressed()") == ()
    assert vm.eval("__import__('keyboard').layout('fr')") == "fr"
    for machine in ("q35,i8042=off", "pc,i8042=off"):
        vm = boot(extra=["-machine", machine]).boot()
        assert vm.eval("__import__('keyboard').present()") is False


@pytest.mark.qemu
@pytest.mark.smp(2)
def test_burst(vm):
    """Typed as fast as QEMU can with the CPUs busy nothing is lost, and Ctrl-C passes it."""
    vm.exec("""
        import cpus, machine, time
        call = cpus.all()[1].run("while True: pass")
        data = bytes(200)
        timer = machine.Timer(-1, period=3, hard=True, callback=lambda timer: sum(data))
        def busy():
            print("##")
            while True:
                sum(range(1000))
    """)
    text = (string.ascii_letters + string.digits) * 5
    vm.repl.sendline("busy()")
    vm.repl.expect_exact("\r\n##\r\n")
    for at in range(0, len(text), 2):
        events = []
        for one in text[at : at + 2]:
            keys = ["shift"] * one.isupper() + [one.lower()]
            events += [(key, True) for key in keys] + [(key, False) for key in reversed(keys)]
        vm.send_keys(*events)
    vm.press("ctrl", "c")
    vm.repl.expect_exact("KeyboardInterrupt")
    # The line editor has got all of it.
    vm.repl.expect_exact(f">>> {text}")
    vm.press("ctrl", "c")
    vm.repl.expect_exact(">>> ")
    # A full ring drops whole keys, and Ctrl-C is still seen.
    vm.repl.sendline("busy()")
    vm.repl.expect_exact("\r\n##\r\n")
    for _ in range(130):
        vm.send_keys(*[(key, down) for key in "abcdefgh" for down in (True, False)])
    vm.press("ctrl", "c")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> " + "abcdefgh" * 128)
    vm.press("ctrl", "c")
    vm.repl.expect_exact(">>> ")
    # Any CPU chooses the layout.
    vm.exec(
        "call.cancel(); cpus.all()[1].run('import keyboard; keyboard.layout(\"fr\")').result()"
    )
    assert read(vm, 3, lambda: vm.type("qw2")) == "azé".encode()[:3]
    vm.exec("timer.deinit()")


@pytest.mark.qemu
def test_what_keyboards_send(vm):
    """Held keys show, garbage, a mouse and lost keys leave the keyboard working."""
    vm.exec("""
        import keyboard, machine, random, select, sys
        def inject(data):
            # i8042's command to act as if the keyboard had sent the next byte.
            for byte in data:
                while machine.port8[0x64] & 2:
                    pass
                machine.port8[0x64] = 0xd2
                machine.port8[0x60] = byte
        poll = select.poll()
        poll.register(sys.stdin.buffer, select.POLLIN)
        def drop():
            while poll.poll(0):
                sys.stdin.buffer.read(1)
    """)
    vm.send_keys(("shift", True), ("alt_r", True))
    assert vm.eval("keyboard.pressed()") == (0x2A, 0xB8)
    vm.send_keys(("shift", False), ("alt_r", False))
    assert vm.eval("keyboard.pressed()") == ()
    # Lost keys: all count as up.
    vm.exec("inject(b'\\x2a\\x1d\\x38')")
    assert vm.eval("keyboard.pressed()") == (0x1D, 0x2A, 0x38)
    vm.exec("inject(b'\\0')")
    assert vm.eval("keyboard.pressed()") == ()
    # Prefixes without an end, answers that nobody awaits.
    vm.exec("inject(b'\\xe0\\xe0\\xe1\\xe1\\xfa\\xfe\\xee\\xaa\\xff\\xe0\\0')")
    vm.exec("""
        random.seed(1)
        for _ in range(2000):
            byte = random.getrandbits(8)
            # Not Ctrl-C.
            if byte & 0x7f != 0x2e:
                inject(bytes((byte,)))
        inject(b'\\0')
        drop()
    """)
    assert vm.eval("keyboard.pressed()") == ()
    # A mouse that somebody has told to report.
    vm.exec("machine.port8[0x64] = 0xd4; machine.port8[0x60] = 0xf4")
    for _ in range(5):
        vm.qmp.command(
            "input-send-event",
            events=[{"type": "rel", "data": {"axis": "x", "value": 5}}],
        )
    vm.exec("keyboard.layout('us')")
    assert read(vm, 2, lambda: vm.type("e1")).lower() == b"e1"
