"""The prompt: what a person or a tool types, and what comes back."""

import hashlib
import random
import re
import unicodedata

import pexpect
import pytest
from ringzero_vm import CTRL_C, CTRL_D, CTRL_E, GuestError

UP = "\x1b[A"
RIGHT_2 = b"\x1b[C\x1b[C"

pytestmark = pytest.mark.board("microvm")


class Screen:
    """One line of a terminal, as far as the line editor uses it; wide characters take two."""

    def __init__(self):
        self.cells = []
        self.at = 0

    def feed(self, text):
        for special, count, kind, char in re.findall(r"(\x1b\[(\d*)([DK])|\x08)|(.)", text, re.S):
            if kind == "K":
                del self.cells[self.at :]
            elif special:
                self.at -= int(count or 1)
                assert self.at >= 0
            elif char not in "\r\n":
                wide = unicodedata.east_asian_width(char) in "WF"
                self.cells[self.at : self.at + 1 + wide] = [char] + [""] * wide
                self.at += 1 + wide

    def text(self):
        return "".join(self.cells)


def text_of(size):
    """Random printable text in lines, the same each time."""
    choose = random.Random(size)
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .,:;()+-*/"
    lines = []
    while sum(map(len, lines)) < size:
        lines.append("".join(choose.choices(letters, k=choose.randint(1, 90))))
    return lines


@pytest.mark.board("q35", "pc", "microvm")
def test_first_prompt(vm, mpy_version):
    """Every machine comes to a prompt of the same kernel, which knows itself."""
    banner = vm.transcript()
    assert f"MicroPython v{mpy_version}" in banner and "x86_64" in banner
    assert vm.eval("__import__('sys').platform") == "x86_64"
    assert mpy_version in vm.exec("import os; print(os.uname())")
    assert vm.run("1 << 100") == f"{1 << 100}\r\n"


def test_editing(vm):
    """History, backspace and completion work; an exception at the prompt leaves it usable."""
    assert vm.run("6 * 7") == "42\r\n"
    vm.repl.send(UP + "0\r")
    vm.repl.expect_exact("420\r\n")
    vm.repl.send("1 + 12\x7f\r")
    vm.repl.expect_exact("\n2\r\n")
    vm.repl.send("import sys\rsys.platf\t\r")
    vm.repl.expect_exact("'x86_64'\r\n")
    answer = vm.run("1 / 0")
    assert "Traceback (most recent call last):" in answer
    assert "ZeroDivisionError: divide by zero" in answer
    assert vm.run("'still here'") == "'still here'\r\n"


@pytest.mark.parametrize(
    "busy",
    ["while True: pass", "time.sleep(1000)", "input()", "sum(0 for _ in range(1 << 60))"],
)
def test_ctrl_c(vm, busy):
    """Ctrl-C ends what runs with KeyboardInterrupt, and the prompt is back."""
    vm.run("import time")
    vm.repl.send(CTRL_E)
    vm.repl.expect_exact("=== ")
    vm.repl.send(f"print('n' + 'ow')\r{busy}" + CTRL_D)
    vm.repl.expect_exact("now\r\n")
    vm.repl.send(CTRL_C)
    vm.repl.expect_exact("KeyboardInterrupt: ")
    vm.repl.expect_exact("\n>>> ")
    assert vm.run("1 + 1") == "2\r\n"


LEFT, RIGHT, HOME, END, DELETE = "\x1b[D", "\x1b[C", "\x1b[H", "\x1b[F", "\x1b[3~"


@pytest.mark.parametrize(
    "typed, line",
    [
        ("'héllo, wörld ✓ 日本 🙂'", "'héllo, wörld ✓ 日本 🙂'"),
        ("'hé" + LEFT + "x", "'hxé"),
        ("'日本" + LEFT * 2 + "x" + RIGHT + "y", "'x日y本"),
        ("'é日🙂" + "\x7f" * 2, "'é"),
        ("'é日🙂z" + LEFT * 3 + DELETE, "'é🙂z"),
        ("é'" + HOME + "x" + END + "y", "xé'y"),
        ("'ab" + LEFT + "é", "'aéb"),
        ("'xé" + "\x01" + "u" + "\x05" + "z", "u'xéz"),
        ("'é" + "\x7f" * 2 + "x", "x"),
        # What is no UTF-8 is not typed: a rest, a start, a byte too many, a surrogate.
        (b"'a\x80\xc3b\xe2\x82c\xe9d\xff\xed\xa0\x80e", "'abcde"),
    ],
)
def test_utf8(vm, typed, line):
    """UTF-8 at the prompt arrives, is moved over and deleted by the character, and the terminal
    shows the line that it is."""
    data = typed if isinstance(typed, bytes) else typed.encode()
    shown = Screen()
    vm.repl.send(b"# " + data.replace(b"\x1b[H", b"\x01").replace(b"\x01", b"\x01" + RIGHT_2))
    vm.repl.send("\x05\r")
    vm.repl.expect_exact("\r\n>>> ")
    shown.feed(vm.repl.before)
    assert shown.text() == "# " + line
    vm.repl.send(UP + '\x01\x1b[3~\x1b[3~kept = r"""\x05"""\r')
    vm.repl.expect_exact("\r\n>>> ")
    assert vm.eval("kept") == line


def test_utf8_paste_and_input(vm):
    """UTF-8 also arrives in paste mode, at input() and in the raw REPL."""
    vm.repl.send(CTRL_E)
    vm.repl.expect_exact("=== ")
    vm.repl.send("text = 'grüße, 日本'\rprint(len(text))\r" + CTRL_D)
    vm.repl.expect_exact("\r\n9\r\n>>> ")
    vm.repl.sendline("name = input('? ')")
    vm.repl.expect_exact("? ")
    vm.repl.send("Zoë\r")
    vm.repl.expect_exact("Zoë\r\n>>> ")
    assert vm.run("name == 'Zo\\xeb', len(name)") == "(True, 3)\r\n"
    assert vm.eval("(text, name)") == ("grüße, 日本", "Zoë")


def test_bracketed_paste(vm):
    """The marks that a terminal puts around what is pasted are not typed, wherever it is pasted;
    what only begins like one is."""
    start, end = "\x1b[200~", "\x1b[201~"
    assert vm.run(f"{start}6 * 7{end}") == "42\r\n"
    vm.repl.send(CTRL_E)
    vm.repl.expect_exact("=== ")
    vm.repl.send(f"{start}print('pas' 'ted')\r{end}" + CTRL_D)
    vm.repl.expect_exact("\r\npasted\r\n>>> ")
    vm.repl.sendline("got = input()")
    vm.repl.expect_exact("\r\n")
    vm.repl.send(f"{start}é{end}\r")
    vm.repl.expect_exact("\n>>> ")
    assert vm.eval("got") == "é"
    # A delete key in the middle of it, and escapes that come to nothing.
    vm.repl.send("'ab\x1b[D\x1b[3~\x1b[D\x1b\x1b[C'\r")
    vm.repl.expect_exact("\n>>> ")
    assert vm.eval(repr(start)) == start


def test_ctrl_c_at_the_prompt(vm):
    """Ctrl-C drops a half-typed line and a half-typed statement."""
    vm.repl.send("raise Exception" + CTRL_C)
    vm.repl.expect_exact("\n>>> ")
    vm.repl.send("def f():\r")
    vm.repl.expect_exact("... ")
    vm.repl.send(CTRL_C)
    vm.repl.expect_exact("\n>>> ")
    assert vm.run("1 + 1") == "2\r\n"


def test_ctrl_c_while_a_name_is_completed(vm):
    """Ctrl-C ends an object's own __getattr__, which is asked for every name there is."""
    vm.exec("""
        class Endless:
            def __getattr__(self, name):
                print('asked')
                while True:
                    pass
        endless = Endless()
    """)
    vm.repl.send("endless.\t")
    vm.repl.expect_exact("asked")
    vm.repl.send(CTRL_C)
    vm.repl.expect_exact("\n>>> ")
    assert vm.run("1 + 1") == "2\r\n"


def test_line_in_a_line(vm):
    """A callback reads a line while one is typed at the prompt, which then goes on."""
    vm.exec("""
        import machine
        def callback(timer):
            print('got', input('name? '))
        timer = machine.Timer(-1)
    """)
    vm.run("timer.init(mode=machine.Timer.ONE_SHOT, period=200, callback=callback)")
    vm.repl.send("1 +")
    vm.repl.expect_exact("name? ")
    vm.repl.send("bob\r")
    vm.repl.expect_exact("got bob")
    vm.repl.send(" 41\r")
    vm.repl.expect_exact("42\r\n>>> ")


@pytest.mark.timeout(60)
def test_long_line(vm):
    """The cost of a character does not grow with the line."""
    vm.repl.send("len('" + "x" * 50_000 + "')\r")
    vm.repl.expect_exact("\n50000\r\n>>> ")


def test_paste_mode(vm):
    """A program of several blocks pasted with Ctrl-E and Ctrl-D runs as it stands."""
    vm.repl.send(CTRL_E)
    vm.repl.expect_exact("paste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
    vm.repl.send("def f(x):\r    if x:\r        return 1\r\r    return 2\r\rprint(f(0), f(1))\r")
    vm.repl.send(CTRL_D)
    vm.repl.expect_exact("\r\n2 1\r\n>>> ")


def test_large_paste(vm):
    """10 kB pasted at once arrive to the last byte: in paste mode, and typed ahead of a guest
    that does not read for a while."""
    lines = text_of(10_000)
    text = "\n".join(lines)
    digest = hashlib.sha256(text.encode()).hexdigest()
    vm.run("import hashlib, binascii, time")
    vm.repl.send(CTRL_E)
    vm.repl.expect_exact("=== ")
    vm.repl.send("t = '''" + "\r".join(lines) + "'''\r")
    vm.repl.send("print(len(t), binascii.hexlify(hashlib.sha256(t).digest()).decode())\r")
    vm.repl.send(CTRL_D)
    vm.repl.expect("\r\n([0-9]+) ([0-9a-f]{64})\r\n>>> ")
    assert vm.repl.match.groups() == (str(len(text)), digest)

    vm.run("h = hashlib.sha256()")
    vm.repl.send("time.sleep(1)\r")
    for line in lines:
        vm.repl.send(f"_ = h.update({line!r})\r")
    vm.repl.send("print(binascii.hexlify(h.digest()).decode())\r")
    vm.repl.expect("\r\n([0-9a-f]{64})\r\n>>> ")
    assert vm.repl.match[1] == hashlib.sha256("".join(lines).encode()).hexdigest()


def test_raw_repl(vm):
    """The raw REPL in its plain form, without flow control, in upstream's exact words."""
    repl = vm.repl
    repl.send("\x01")
    repl.expect_exact("raw REPL; CTRL-B to exit\r\n>")
    repl.send("print('plain')" + CTRL_D)
    repl.expect_exact("OKplain\r\n\x04\x04>")
    repl.send("1/0" + CTRL_D)
    repl.expect_exact("OK\x04Traceback (most recent call last):\r\n")
    repl.expect_exact("ZeroDivisionError: divide by zero\r\n\x04>")
    repl.send(CTRL_D)
    repl.expect_exact("OK\r\n")
    repl.expect_exact("soft reboot\r\n")
    repl.expect_exact("raw REPL; CTRL-B to exit\r\n>")
    repl.send("\x02")
    repl.expect_exact("\n>>> ")


def test_raw_paste(vm):
    """Raw paste takes 10 kB of program, its output is whole, and an error is a traceback."""
    lines = text_of(10_000)
    got = vm.exec("\n".join(f"print({line!r})" for line in lines))
    assert got.splitlines() == lines
    with pytest.raises(GuestError, match="NameError: name 'nix' isn't defined"):
        vm.exec("nix")
    with pytest.raises(GuestError, match="SyntaxError: invalid syntax"):
        vm.exec("1 +\n")
    assert vm.eval("'after that'") == "after that"


def test_soft_reset(vm):
    """Ten soft resets: each clears Python's state, none loses a frame."""
    free = vm.eval("__import__('frames').stats().free")
    assert free > 101
    for _ in range(10):
        vm.run("import frames, pages")
        vm.run("kept = pages.alloc(100), frames.alloc()")
        assert int(vm.run("frames.stats().free")) <= free - 101
        vm.soft_reset()
        assert "NameError" in vm.run("kept")
    assert vm.eval("__import__('frames').stats().free") == free
    vm.exec("import frames; frames.check()")


def test_help(vm):
    """Bare help() tells about this port, and what it names is there."""
    text = vm.exec("help()")
    assert text.startswith("Ringzero: MicroPython in ring 0")
    assert max(map(len, text.splitlines())) < 100
    for what in re.findall(r"^  import (\w+)", text, re.M):
        vm.exec(f"import {what}")
    registers = "mem8 mem16 mem32 mem64 port8 port16 port32 cpuid rdmsr wrmsr disable_irq"
    for name in f"{registers} Timer RTC UART WDT reset poweroff".split():
        assert re.search(rf"\b{name}\b", text)
        vm.exec(f"machine.{name}")
    vm.exec("with pages.alloc(4) as p: p[0:2] = b'hi'")
    assert "alloc -- <function>" in vm.exec("help(frames)")


def test_help_modules(vm):
    """help('modules') names the kernel's modules and upstream's, and each of them can be had."""
    text = vm.exec("help('modules')")
    *lines, last = text.splitlines()
    assert last == "Plus any modules on the filesystem"
    names = [name.replace("/__init__", "") for name in " ".join(lines).split()]
    assert len(names) > 40 and names.count("frames") == 1
    for name in "bootinfo cmdline frames memmap pages machine ramdisk asyncio os vfs".split():
        assert name in names
    for name in names:
        assert names.count(name) == 1 and not name.startswith("_")
        vm.exec(f"import {name.replace('/', '.')}")


def test_exit_functions(vm):
    """What sys.atexit was given runs at the end that a board has, its soft reset: once, from both
    prompts, and what it raises is printed."""
    vm.run("import sys; sys.atexit(lambda: print('at the', 'end'))")
    vm.repl.send(CTRL_D)
    vm.repl.expect_exact("MPY: soft reboot\r\nat the end\r\n")
    vm.repl.expect_exact("\n>>> ")
    vm.repl.send(CTRL_D)
    vm.repl.expect_exact("soft reboot\r\nmemmap: ")
    vm.repl.expect_exact("\n>>> ")
    vm.exec("import sys\nsys.atexit(lambda: 1 / 0)")
    vm.repl_.send(CTRL_D)
    vm.repl_.expect_exact("OK\r\nMPY: soft reboot\r\n")
    vm.repl_.expect_exact("ZeroDivisionError: divide by zero\r\n")
    vm.repl_.expect_exact("raw REPL; CTRL-B to exit\r\n>")
    assert vm.run("1 + 1") == "2\r\n"


def test_utf8_without_memory(vm):
    """A line of UTF-8 that runs out of memory is an exception, and the next one is shown again."""
    vm.exec("import micropython")
    vm.repl.sendline("micropython.heap_lock(); input()")
    vm.repl.expect_exact("\r\n")
    vm.repl.send("é" * 100 + LEFT + "x" + "é" * 200 + "\r")
    vm.repl.expect_exact("MemoryError")
    vm.repl.send(CTRL_C)
    vm.repl.expect_exact("\n>>> ")
    vm.run("micropython.heap_unlock()")
    vm.repl.send("'é'" + LEFT * 2 + "ü")
    vm.repl.expect_exact("üé'")
    vm.repl.send("\r")
    vm.repl.expect_exact("\n>>> ")


def test_locked_heap(vm):
    """A line that finds no memory, as the heap has been locked while it is typed, ends there."""
    vm.exec("import machine, micropython")
    # Again and again, as the prompt unlocks it before it waits for a line.
    lock = "lambda t: print('locked') or micropython.heap_lock()"
    vm.run(f"t = machine.Timer(-1, period=1000, callback={lock})")
    vm.repl.expect_exact("locked")
    vm.repl.send("1" * 500)
    vm.repl.expect_exact("MemoryError: memory allocation failed, heap is locked\r\n")
    vm.repl.expect_exact("\n>>> ")
    vm.repl.send(CTRL_C)
    vm.soft_reset()
    assert vm.run("1 + 1") == "2\r\n"


def test_locked_heap_raw(vm):
    """What a callback locks while the raw REPL waits stays so until a line finds no memory."""
    vm.exec("import machine, micropython")
    vm.exec("lock = lambda timer: (print('locked'), micropython.heap_lock())")
    vm.exec("timer = machine.Timer(mode=0, period=300, callback=lock)")
    vm.repl_.expect_exact("locked\r\n")
    vm.repl_.send("1" * 100)
    vm.repl_.expect_exact("MemoryError: memory allocation failed, heap is locked\r\n")
    vm.repl_.expect_exact("raw REPL; CTRL-B to exit\r\n>")
    vm.repl_.send(CTRL_C)
    assert vm.eval("micropython.heap_locked()") == 0


def test_interned_names(vm):
    """Names made at run time are those of the compiler, however many, long and often there are."""
    for _ in range(3):
        vm.exec("""
            lengths = (1, 2, 9, 100, 254, 255)
            names = ['_%d_' % i for i in range(1000)]
            names = [name + 'x' * (lengths[int(name[1:-1]) % 6] - len(name)) for name in names]
            known = set(names)
            class Thing:
                pass
            thing = Thing()
            for name in names:
                exec('global %s; %s = 1' % (name, name))
                assert globals()[name[:1] + name[1:]] == 1
                setattr(thing, name, name)
            for name in names:
                assert eval('thing.' + name) == getattr(thing, name[:2] + name[2:]) == name
                assert len(name) == 255 or hasattr(thing, name + '_') == (name + '_' in known)
                del globals()[name]
            for name in ('x' * 256, 'x' * 1000):
                try:
                    exec(name + ' = 1')
                    print('a long name')
                except RuntimeError:
                    pass
        """)
        vm.soft_reset()


KEYS = (
    *(f"\x1b{key}" for key in ("[", "[A", "[B", "[C", "[D", "[H", "[F", "[3~", "O", "b", "f")),
    *(f"\x1b{key}" for key in ("d", "", "\x7f", "[1;5C", "[1;5D", "[999999999~", "OH", "OF")),
    *"\x00\x02\x05\x06\x08\x0b\x0e\x10\x14\x15\x17\x19\x7f\t\r\xe9\u20ac",
    *("a.b", "(", " ", "    ", "if 1:\r", "(\r", "'''"),
)  # fmt: skip


@pytest.mark.timeout(120)
@pytest.mark.parametrize("seed", range(4))
def test_keys_at_random(vm, seed):
    """Whatever is typed, in lines that go on from others too, the prompt is there afterwards."""
    chosen = random.Random(seed)
    for i in range(30):
        vm.repl.send("if 1:\r" * (i % 2) + "".join(chosen.choices(KEYS, k=200)))
        for _ in range(10):
            # One may have been for a program that ran meanwhile, or the end of a key.
            vm.repl.send(f"\x03\x03\r\x03print('here', {i} * 1000)\r")
            there = [f"\nhere {i * 1000}\r\n", pexpect.TIMEOUT]
            if vm.repl.expect_exact(there, timeout=2) == 0:
                break
        else:
            pytest.fail("no prompt any more")


def test_words_of_other_lines(vm):
    """Keys that go by words leave the lines before alone, and TAB indents where a line begins."""
    vm.repl.send("if 1:\r")
    vm.repl.expect_exact("... ")
    vm.repl.send("\x17\x17\x17\x1b\x7f\x1bb\x15\tx = 4 + 3\r\r\r\r")
    vm.repl.expect_exact(">>> ")
    assert vm.run("x") == "7\r\n"
    vm.repl.send("3 + 4\x01\t\x15\x05 + 5\r")
    vm.repl.expect_exact("\n12\r\n")
