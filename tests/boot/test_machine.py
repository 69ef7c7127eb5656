"""machine: timers, raw memory, ports and registers, resets and the end of the machine."""

import re
import time
import uuid

import pytest
import ringzero_vm

BOARDS = ("q35", "pc", "microvm")
ENDED = 125  # the launcher's status where QEMU ended without one of the guest's
UUID = "11223344-5566-7788-99aa-bbccddeeff00"


ICOUNT = ("-icount", "shift=0,sleep=off")

TIMERS = """
import time
from machine import Timer
counts = [0] * 8
def count(i):
    def callback(timer):
        counts[i] += 1
    return callback
timers = [Timer(period=5 * (i + 1), callback=count(i)) for i in range(6)]
timers.append(Timer(mode=Timer.ONE_SHOT, period=30, callback=count(6)))
timers.append(Timer(freq=100, callback=count(7)))
"""


@pytest.mark.board(*BOARDS)
def test_timers(vm):
    """Several timers run at once, one-shot and periodic, until they are stopped."""
    vm.exec(TIMERS)
    # However busy the host is, they all get on.
    vm.exec("while min(counts[:6] + counts[7:]) < 5 or not counts[6]: time.sleep_ms(10)")
    vm.exec("for timer in timers: timer.deinit()\nstopped = list(counts)\ntime.sleep_ms(100)")
    assert vm.eval("counts == stopped and counts[6] == 1")


@pytest.mark.parametrize("board", BOARDS)
def test_timers_exact(boot, board):
    """Where time is counted in instructions, timers come when they should and do not drift."""
    vm = boot(board=board, extra=ICOUNT).boot()
    vm.exec(TIMERS + "time.sleep_ms(303)\nfor timer in timers: timer.deinit()\n")
    assert vm.eval("counts") == [60, 30, 20, 15, 12, 10, 1, 30]
    vm.exec("""
        moments = []
        timer = Timer(freq=1000, callback=lambda t: moments.append(time.ticks_us()))
        time.sleep(1)
        timer.deinit()
    """)
    first, last, count = vm.eval("(moments[0], moments[-1], len(moments))")
    assert 999 <= count <= 1000
    assert abs(last - first - (count - 1) * 1000) < 100


def test_hard_and_soft(vm):
    """A hard callback interrupts running code, with the heap locked; a soft one waits."""
    assert (
        vm.exec("""
        import time
        from machine import Timer
        seen = bytearray(4)
        def callback(i):
            def callback(timer):
                seen[i] += 1
                try:
                    bytearray(100)
                except MemoryError:
                    seen[i + 1] += 1
            return callback
        @micropython.native
        def busy(ms):
            # Nothing here is a place where soft callbacks run.
            x = 0
            for i in range(ms * 20000):
                x ^= i
        hard = Timer(period=1, callback=callback(0), hard=True)
        soft = Timer(period=1, callback=callback(2))
        busy(20)
        hard.deinit()
        during = bytes(seen)
        soft_ran = during[2]
        time.sleep_ms(5)
        soft.deinit()
        assert during[0] >= 5 and during[0] == during[1], during
        assert soft_ran == 0, during
        assert seen[2] > 0 and seen[3] == 0, seen
    """)
        == ""
    )


def test_callback_errors(vm):
    """What a callback raises is printed; a hard timer stops then, a soft one goes on."""
    said = vm.exec("""
        import time
        from machine import Timer
        def deep(n):
            return 1 + deep(n)
        def bad(timer):
            deep(0)
        hard = Timer(period=5, callback=bad, hard=True)
        time.sleep_ms(50)
        print('--')
        soft = Timer(freq=50, callback=lambda t: 1 / 0)
        time.sleep_ms(70)
        soft.deinit()
    """)
    hard, soft = said.split("--")
    assert hard.count("RuntimeError: maximum recursion depth exceeded") == 1
    assert soft.count("ZeroDivisionError") >= 2


@pytest.mark.parametrize(
    "arguments",
    [
        "period=0",
        "period=-1",
        "freq=0.0",
        "freq=-5",
        "freq=100000",
        "mode=7, period=5",
        "period=5, callback=3",
        "period=5, tick_hz=0",
        "freq=float('nan')",
    ],
)
def test_bad_timers(vm, arguments):
    """A timer that cannot be raises, and none runs."""
    assert (
        vm.exec(f"""
        import machine
        try:
            machine.Timer({arguments})
        except (ValueError, ZeroDivisionError):
            print('refused')
    """)
        == "refused\n"
    )


@pytest.mark.qemu
def test_soft_reset_stops_timers(vm):
    """A soft reset ends timers of both kinds, and says so as the cause."""
    vm.exec("import machine")
    assert vm.eval("machine.reset_cause() == machine.PWRON_RESET")
    # The serial port's scratch register keeps what they say, and does not mix it with answers.
    vm.exec("""
        def mark(bit):
            def callback(timer):
                machine.port8[0x3ff] |= bit
            return callback
        machine.port8[0x3ff] = 0
        soft = machine.Timer(period=1, callback=mark(1))
        hard = machine.Timer(period=1, callback=mark(2), hard=True)
        while machine.port8[0x3ff] != 3:
            pass
    """)
    vm.soft_reset()
    vm.exec("import machine, time\nmachine.port8[0x3ff] = 0\ntime.sleep_ms(50)")
    assert vm.eval("machine.port8[0x3ff]") == 0
    assert vm.eval("machine.reset_cause() == machine.SOFT_RESET")


def test_slow_callback(vm):
    """A soft callback that takes longer than its period leaves the prompt and Ctrl-C usable."""
    vm.exec("""
        import machine, time
        count = [0, 0]
        def callback(timer):
            count[0] += 1
            time.sleep_ms(60)
    """)
    vm.run("timers = [machine.Timer(period=20, callback=callback) for _ in range(2)]")
    assert vm.run("6 * 7") == "42\r\n"
    vm.repl.sendline("print('go'); exec('while True: count[1] += 1')")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("\x03")
    vm.repl.expect_exact("KeyboardInterrupt")
    vm.repl.expect_exact(">>> ")
    vm.run("before = count[0]; time.sleep_ms(500); during = count[0] - before")
    vm.run("for timer in timers: timer.deinit()\r\r\r")
    # None of the two goes without, and none waits for long.
    assert 4 <= vm.eval("during") <= 20
    assert vm.eval("count[1]") > 0
    vm.run("before = count[0]; time.sleep_ms(200); after = count[0]")
    assert vm.eval("after == before")


@pytest.mark.parametrize("growth", ["bytearray(8 << 20)", "[bytes(i) for i in range(3000)]"])
def test_soft_reset_with_pending_callbacks(vm, growth):
    """What waits for its turn at a soft reset is forgotten, whatever the next heap holds."""
    for _ in range(3):
        vm.exec("""
            import io, machine, micropython, sys
            def callback(timer):
                pass
            timers = [machine.Timer(period=1, callback=callback) for _ in range(50)]
            uart = machine.UART(0)
            irq = uart.irq(callback, uart.IRQ_RX)
            @micropython.native
            def busy(n):
                # No place where soft callbacks run.
                x = 0
                for i in range(n):
                    x ^= i
            def at_exit():
                machine.Timer(period=1, callback=callback)
                for _ in range(8):
                    micropython.schedule(callback, None)
                busy(200000)
            sys.atexit(at_exit)
        """)
        vm.soft_reset()
        vm.exec(f"import time\nx = {growth}\ntime.sleep_ms(20)\ndel x")


def test_timer_from_finaliser(vm):
    """A timer that a finaliser starts as the heap goes is stopped as well."""
    vm.exec("""
        import machine, os, vfs
        class Disk:
            data = bytearray(64 * 512)
            ending = False
            def readblocks(self, block, buf):
                buf[:] = self.data[block * 512:block * 512 + len(buf)]
            def writeblocks(self, block, buf):
                self.data[block * 512:block * 512 + len(buf)] = buf
                if self.ending:
                    machine.Timer(period=1, callback=print)
                    machine.Timer(period=1, callback=print, hard=True)
                    machine.UART(0).irq(print, machine.UART.IRQ_RX)
            def ioctl(self, op, arg):
                return {4: 64, 5: 512}.get(op, 0)
        disk = Disk()
        vfs.VfsFat.mkfs(disk)
        vfs.mount(vfs.VfsFat(disk), '/fat')
        file = open('/fat/file', 'w')
        file.write('text')
        disk.ending = True
    """)
    vm.soft_reset()
    vm.exec("import time\nx = bytearray(8 << 20)\ntime.sleep_ms(20)")
    assert vm.run("1 + 1") == "2\r\n"


def test_no_timer(boot):
    """Without a local APIC what needs a timer's interrupt says so, and the rest works."""
    vm = boot(extra=("-cpu", "max,-apic")).boot()
    vm.exec("import machine, time")
    for call in (
        "machine.Timer(period=5, callback=print)",
        "machine.Timer().init(period=5)",
        "machine.WDT(timeout=1000)",
        "machine.UART(0).irq(print, machine.UART.IRQ_RX)",
    ):
        with pytest.raises(ringzero_vm.GuestError, match="RuntimeError: .*interrupt"):
            vm.exec(call)
    vm.exec("time.sleep_ms(20)\nmachine.lightsleep(1)\nmachine.Timer().deinit()")


def test_timers_outlive_collection(vm):
    """A timer that nothing refers to goes on, through collections, until it is done."""
    assert (
        vm.exec("""
        import gc, time
        from machine import Timer
        done = []
        def callback(timer):
            done.append(bytes(100))
        for i in range(100):
            Timer(mode=Timer.ONE_SHOT, period=20 + i % 10, callback=callback)
        for i in range(20):
            gc.collect()
            time.sleep_ms(3)
        time.sleep_ms(50)
        print(len(done), all(d == bytes(100) for d in done))
    """)
        == "100 True\n"
    )


@pytest.mark.board(*BOARDS)
def test_memory_and_ports(vm, board):
    """mem8 to mem64 and port8 to port32 read and write what they name."""
    vm.exec(
        "import machine, uctypes\nb = bytearray(range(24))\na = -(-uctypes.addressof(b) // 8) * 8"
    )
    vm.exec("b[:] = bytes(24)\nmachine.mem64[a] = 0x8877665544332211")
    assert vm.eval("machine.mem64[a]") == 0x8877665544332211
    assert vm.eval("(machine.mem32[a + 4], machine.mem16[a + 2], machine.mem8[a])") == (
        0x88776655,
        0x4433,
        0x11,
    )
    # The serial port's scratch register, and what lies above it.
    vm.exec("machine.port8[0x3ff] = 0x5b")
    assert vm.eval("machine.port8[0x3ff]") == 0x5B
    assert vm.eval("machine.port16[0x3fe] >> 8") == 0x5B
    if board == "microvm":
        assert vm.eval("machine.port32[0x3fc] >> 24") == 0x5B
    else:
        # PCI's register for addresses takes 32 bits at once.
        vm.exec("machine.port32[0xcf8] = 0x80000304")
        assert vm.eval("machine.port32[0xcf8]") == 0x80000304
    assert vm.eval("repr((machine.mem64, machine.port16))") == "(<64-bit memory>, <16-bit port>)"


@pytest.mark.parametrize(
    "what, error",
    [
        ("machine.mem64[4]", "ValueError"),
        ("machine.port8[0x10000]", "ValueError"),
        ("machine.port16[0xffff]", "ValueError"),
        ("machine.port32[-1]", "ValueError"),
        ("machine.port8['x']", "TypeError"),
        ("machine.cpuid(1 << 32)", "ValueError"),
    ],
)
def test_refusals(vm, what, error):
    """Addresses and ports that there are not raise."""
    vm.exec("import machine")
    with pytest.raises(ringzero_vm.GuestError, match=error):
        vm.exec(what)


def test_processor(vm):
    """cpuid, rdmsr, wrmsr and freq tell of the CPU."""
    vm.exec("import machine")
    leaf = vm.eval("machine.cpuid(0)")
    assert b"".join(leaf[i].to_bytes(4, "little") for i in (1, 3, 2)) in (
        b"AuthenticAMD",
        b"GenuineIntel",
    )
    # SDM 4: IA32_APIC_BASE, enabled, of the boot CPU; IA32_KERNEL_GS_BASE, which nobody here uses.
    assert vm.eval("machine.rdmsr(0x1b)") == 0xFEE00900
    for value in 0xFFFF_8000_0000_0000, 0x1234_5678_9ABC:
        vm.exec(f"machine.wrmsr(0xc0000102, {value})")
        assert vm.eval("machine.rdmsr(0xc0000102)") == value
    assert vm.eval("machine.rdmsr(0xc0000102)") == 0x123456789ABC
    assert 10**8 <= vm.eval("machine.freq()") < 10**10


def test_unique_id(boot):
    """unique_id is the machine's UUID."""
    vm = boot(extra=("-uuid", UUID)).boot()
    assert uuid.UUID(bytes_le=vm.eval("__import__('machine').unique_id()")) == uuid.UUID(UUID)


@pytest.mark.board(*BOARDS)
def test_unique_id_without_uuid(vm):
    """Where the machine has no UUID there are 16 bytes all the same, and always the same ones."""
    vm.exec("import machine")
    found = vm.eval("machine.unique_id()")
    assert len(found) == 16 and len(set(found)) > 4
    vm.soft_reset()
    assert vm.eval("__import__('machine').unique_id()") == found


def test_frequency_is_fixed(vm):
    """The CPU's rate can be asked for, not set."""
    vm.exec("import machine")
    rate = vm.eval("machine.freq()")
    with pytest.raises(ringzero_vm.GuestError, match="NotImplementedError: the frequency is fix"):
        vm.exec("machine.freq(1000000)")
    assert abs(vm.eval("machine.freq()") - rate) < rate // 100


def test_interrupts_can_be_off(vm):
    """Between disable_irq and enable_irq no timer interrupts, and they nest."""
    assert (
        vm.exec("""
        import machine, time
        count = bytearray(1)
        def callback(timer):
            count[0] += 1
        outer = machine.disable_irq()
        timer = machine.Timer(period=1, callback=callback, hard=True)
        inner = machine.disable_irq()
        time.sleep_ms(10)
        machine.enable_irq(inner)
        time.sleep_ms(10)
        print(count[0])
        machine.enable_irq(outer)
        time.sleep_ms(10)
        timer.deinit()
        print(count[0] > 0)
    """)
        == "0\nTrue\n"
    )


def test_soft_reset_turns_interrupts_on(vm):
    """The next program has its timers and Ctrl-C, whatever the last one has turned off."""
    for end in "\x04", "import machine; machine.soft_reset()\r\n":
        vm.run("import machine; state = machine.disable_irq()")
        vm.repl.send(end)
        vm.repl.expect_exact("soft reboot")
        vm.repl.expect_exact(">>> ")
        vm.repl.sendline("print('go'); exec('while True: pass')")
        vm.repl.expect_exact("go\r\n")
        vm.repl.send("\x03")
        vm.repl.expect_exact("KeyboardInterrupt", timeout=10)
        vm.repl.expect_exact(">>> ")


def test_fault_with_interrupts_off(vm):
    """A fault of the interpreter's own is an exception, too, where Python has turned them off."""
    assert (
        vm.exec("""
        import machine
        class Clearing:
            def __lt__(self, other):
                items.clear()
                return True
        items = [Clearing() for _ in range(400)]
        state = machine.disable_irq()
        machine.enable_irq(1)  # no state that disable_irq() has given: they stay off
        try:
            items.sort()
        except FaultError:
            print("caught")
        machine.enable_irq(state)
    """)
        == "caught\n"
    )


def test_numbers_beyond_64_bits(vm):
    """What the machine's modules take is out of range there, as any other number is."""
    for call in (
        "poweroff({})", "WDT(timeout={})", "UART({})", "UART(0, baudrate={})", "cpuid({})",
        "cpuid(0, {})",
        "rdmsr({})", "wrmsr({}, 0)", "Timer(period={})", "Timer({})", "RTC().datetime(({},) * 8)",
        "mem8[{}]", "port8[{}]",
    ):  # fmt: skip
        for number in "1 << 64", "1 << 3000", "-(1 << 64)":
            with pytest.raises(ringzero_vm.GuestError, match="ValueError: ."):
                vm.exec("import machine; machine." + call.format(number))


def test_small_results_of_long_arithmetic(vm):
    """A number is what it is worth, also where arithmetic needed more than a word on the way."""
    vm.exec("import machine, pages, ramdisk; long = lambda n: (n << 80) >> 80")
    vm.exec("p = pages.alloc(); a = p.addr; m = machine")
    vm.exec("m.mem8[a] = long(0xa5); m.mem16[a + 8] = long(-2); m.mem32[long(a) + 16] = long(~0)")
    vm.exec("m.mem64[a + 24] = long(-1); p.store(long(32), long(7))")
    assert vm.eval("(p[0], m.mem16[a + 8], m.mem32[a + 16], m.mem64[a + 24], p.load(32))") == (
        0xA5,
        0xFFFE,
        0xFFFFFFFF,
        (1 << 64) - 1,
        7,
    )
    vm.exec("m.port8[long(0x80)] = long(0x5a); m.port32[long(0x80)] = long(0xffffffff)")
    vm.exec("d = ramdisk.RAMDisk(1 << 16); d.writeblocks(long(3), b'x' * 4096)")
    vm.exec("b = bytearray(2); d.readblocks(long(3), b, long(5))")
    assert vm.eval("bytes(b)") == b"xx"
    with pytest.raises(ringzero_vm.GuestError, match="256 does not fit 8 bits"):
        vm.exec("m.mem8[a] = long(256)")
    vm.exec("d.close(); p.close()")


def test_truth_is_a_number(vm):
    """True and False are 1 and 0 where registers are written, as they are for upstream."""
    vm.exec("import machine, pages; p = pages.alloc(1)")
    for size in 8, 16, 32, 64:
        vm.exec(f"machine.mem{size}[p.addr] = True")
        assert vm.eval(f"machine.mem{size}[p.addr]") == 1
    vm.exec("machine.port8[0x80] = True; machine.port16[0x80] = False")


def test_lightsleep(vm):
    """lightsleep ends when its time is over."""
    vm.exec("import machine, time")
    start, _, end = vm.eval("[time.ticks_ms(), machine.lightsleep(100), time.ticks_ms()]")
    # An interrupt may end it early.
    assert 0 <= end - start < 5000


@pytest.mark.qemu
@pytest.mark.board(*BOARDS)
def test_poweroff(vm):
    """poweroff ends QEMU with the program's status."""
    vm.exec("import machine")
    vm.repl.sendline("machine.poweroff(42)")
    assert vm.wait_exit() == 42


@pytest.mark.parametrize("board", BOARDS)
def test_acpi_poweroff(boot, folder, board):
    """Without QEMU's exit device, poweroff switches the machine off through ACPI."""
    text = (ringzero_vm.ROOT / "board" / board / "qemu.args").read_text()
    lines = [line for line in text.splitlines() if "isa-debug-exit" not in line]
    assert len(lines) < len(text.splitlines())
    (folder / "qemu.args").write_text("\n".join(lines) + "\n")
    vm = boot(board=folder).boot()
    vm.run("import machine")
    vm.repl.sendline("machine.poweroff()")
    assert vm.wait_exit() == ENDED
    assert "may be switched off" not in vm.transcript()


@pytest.mark.qemu
@pytest.mark.board(*BOARDS)
@pytest.mark.parametrize("end", ["reset()", "deepsleep(10)", "WDT(timeout=50)"])
def test_reset(vm, end):
    """reset starts the machine anew, as deepsleep does after its time and a watchdog unfed."""
    vm.qmp.command("set-action", reboot="reset")
    vm.run("import machine")
    vm.repl.sendline(f"machine.{end}")
    vm.repl.expect_exact("MicroPython v")
    vm.repl.expect_exact(">>> ")
    assert vm.run("__import__('machine').reset_cause()") == "1\r\n"


@pytest.mark.parametrize(
    "arguments",
    [
        "timeout=0",
        "timeout=-5",
        "timeout=18446744073710",
        "timeout=1 << 62",
        "id=1",
        "timeout='x'",
    ],
)
def test_bad_watchdogs(vm, arguments):
    """A watchdog that cannot be raises, and none bites."""
    vm.exec("import machine, time")
    with pytest.raises(ringzero_vm.GuestError, match="ValueError|TypeError"):
        vm.exec(f"machine.WDT({arguments})")
    vm.exec("time.sleep_ms(50)")


@pytest.mark.qemu
def test_watchdog_outlives_soft_reset(vm):
    """A soft reset does not stop a watchdog, as nothing does: the next program has to feed it."""
    vm.exec("import machine\ndog = machine.WDT(timeout=5000)")
    vm.soft_reset()
    assert vm.wait_exit() == ENDED


@pytest.mark.qemu
def test_watchdog_fed(vm):
    """A watchdog that is fed does not bite; one that is not does."""
    vm.exec("import machine, time\ndog = machine.WDT(timeout=1000)")
    started = time.monotonic()
    vm.exec("for i in range(15):\n dog.feed()\n time.sleep_ms(100)")
    assert time.monotonic() - started > 1.4
    vm.exec("dog.timeout_ms(100000)")
    assert vm.eval("1 + 1") == 2
    vm.repl.sendline("dog.timeout_ms(20)")
    assert vm.wait_exit() == ENDED


@pytest.mark.qemu
@pytest.mark.parametrize("hard", [True, False])
def test_watchdog_bites_in_a_callback(vm, hard):
    """A callback without an end is what a watchdog is for, in an interrupt as well."""
    vm.exec("import machine, time\ndef f(timer):\n while True: pass")
    vm.repl.sendline(
        "dog = machine.WDT(timeout=300); "
        f"timer = machine.Timer(period=20, callback=f, hard={hard}); time.sleep(60)"
    )
    assert vm.wait_exit() == ENDED


def test_memory_and_port_arguments(vm):
    """Addresses and values that do not fit are refused by name, and nothing is read or written."""
    vm.exec("""
        import machine, pages
        p = pages.alloc()
        a = p.va
        def say(call):
            try:
                print(call())
            except Exception as error:
                print(type(error).__name__, error)
        def put(place, addr, value):
            place[addr] = value
    """)
    canonical = "general protection: access to 0x8000000000000000: not canonical"
    addr = vm.eval("a")
    for call, message in (
        ("machine.mem8[1 << 64]", "ValueError an address is 0 to 0xffffffffffffffff"),
        ("machine.mem8[-1]", "ValueError an address is 0 to 0xffffffffffffffff, not -1"),
        ("machine.mem64[-(1 << 70)]", "ValueError an address is 0 to 0xffffffffffffffff"),
        ("machine.mem32[a + 2]", f"ValueError address {addr + 2:#x} is not aligned to 4 bytes"),
        ("machine.mem8[1 << 63]", f"FaultError {canonical}"),
        ("machine.mem64[1 << 63]", f"FaultError {canonical}"),
        ("put(machine.mem16, 1 << 63, 1)", f"FaultError {canonical}"),
        ("put(machine.mem8, a, 256)", "ValueError 256 does not fit 8 bits"),
        ("put(machine.mem8, a, -129)", "ValueError -129 does not fit 8 bits"),
        ("put(machine.mem16, a, 1 << 70)", "ValueError the value does not fit 16 bits"),
        ("put(machine.mem32, a, 1 << 32)", "ValueError 4294967296 does not fit 32 bits"),
        ("put(machine.mem64, a, 1 << 64)", "ValueError the value does not fit 64 bits"),
        ("put(machine.mem64, a, -(1 << 63) - 1)", "ValueError the value does not fit 64 bits"),
        ("put(machine.mem8, a, 1.5)", "TypeError"),
        ("machine.port8[0x10000]", "ValueError port8 has 0 to 0xffff, not 65536"),
        ("machine.port32[0xfffd]", "ValueError port32 has 0 to 0xfffc, not 65533"),
        ("machine.port16[1 << 64]", "ValueError port16 has 0 to 0xfffe"),
        ("put(machine.port8, 0x80, 256)", "ValueError 256 does not fit 8 bits"),
        ("put(machine.port32, 0x80, 1 << 32)", "ValueError 4294967296 does not fit 32 bits"),
    ):
        assert vm.exec(f"say(lambda: {call})").startswith(message), call
    assert vm.eval("p[0:8] == bytes(8)")
    for size, value in (
        (8, 255),
        (8, -128),
        (32, 0xFFFFFFFF),
        (64, (1 << 64) - 1),
        (64, -(1 << 63)),
    ):
        vm.exec(f"machine.mem{size}[a] = {value}")
        assert vm.eval(f"machine.mem{size}[a]") == value % (1 << size)
    assert vm.exec("say(lambda: machine.mem8)") == "<8-bit memory>\n"
    vm.exec("try:\n machine.mem8[1 << 63]\nexcept FaultError as e: error = e")
    assert re.fullmatch(
        r"FaultError\(14, 13, 9223372036854775808, 0, \d+, 1\)", vm.eval("repr(error)")
    )
    assert vm.eval("(error.addr, error.vector, error.kind, error.errno)") == (
        1 << 63,
        13,
        None,
        14,
    )
