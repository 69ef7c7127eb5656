"""Time: as fast as the host's, as precise as it says, and the CMOS clock's date."""

import calendar
import datetime
import re
import struct
import subprocess
import time

import pytest
import ringzero_vm
from gdbstub import attach

CLOCKS = [
    ("q35", ()),
    ("pc", ()),
    ("microvm", ()),
    ("q35", ("-machine", "hpet=off")),
    ("pc", ("-machine", "hpet=off,acpi=off")),
    ("microvm", ("-machine", "pit=off")),
    ("microvm", ("-cpu", "max,-hypervisor")),
]
RFLAGS_IF = 1 << 9
ICOUNT = ("-icount", "shift=0,sleep=off")


def read_both(vm, expression):
    """The guest's clock, and the host's before and after; of several tries, the quickest."""
    best = None
    for _ in range(5):
        before = time.monotonic()
        value = vm.eval(expression)
        after = time.monotonic()
        if best is None or after - before < best[2] - best[1]:
            best = value, before, after
    return best


@pytest.mark.parametrize("board, extra", CLOCKS)
def test_rate(boot, board, extra):
    """Over 5 s the clocks are within 0.5 % of the host's, whatever they are measured with."""
    vm = boot(board=board, extra=extra).boot()
    vm.exec("import time")
    clocks = "(time.ticks_us(), time.ticks_ms() * 1000, time.time_ns() // 1000)"
    start, before, after = read_both(vm, clocks)
    vm.exec("time.sleep(5)")
    end, before_end, after_end = read_both(vm, clocks)
    least = (before_end - after) * 1e6
    most = (after_end - before) * 1e6
    for i in range(3):
        assert least * 0.995 - 1000 <= end[i] - start[i] <= most * 1.005 + 1000


def acpi_table(folder, signature, body):
    """The arguments that give QEMU an ACPI table more."""
    header = signature + struct.pack(
        "<IBB6s8sI4sI", 36 + len(body), 1, 0, b"TESTER", b"TEST", 1, b"TEST", 1
    )
    table = bytearray(header + body)
    table[9] = -sum(table) & 0xFF
    path = folder / f"{signature.decode()}.aml"
    path.write_bytes(table)
    return "-acpitable", f"file={path}"


@pytest.mark.parametrize("period", [10_000_000, 1, 100_000_000])
def test_counter_that_stands_still(boot, folder, period):
    """An HPET that never counts is left for the next reference, and time goes on."""
    addr = 0x8000000  # plain memory, which nothing has written to yet
    place = struct.pack("<BBBBQ", 0, 64, 0, 0, addr)
    hpet = acpi_table(folder, b"HPET", struct.pack("<I", 0) + place + bytes(4))
    vm = boot(
        extra=(
            *("-machine", "hpet=off", *hpet),
            *("-device", f"loader,addr={addr + 4},data={period},data-len=4"),
        )
    ).boot()
    vm.exec("import time")
    start, before, after = read_both(vm, "time.ticks_us()")
    vm.exec("time.sleep(1)")
    end, before_end, after_end = read_both(vm, "time.ticks_us()")
    assert (before_end - after) * 0.98e6 <= end - start <= (after_end - before) * 1.02e6


@pytest.mark.board("q35", "microvm")
def test_sleep(vm):
    """Sleeps last as long as they should, and no clock goes backwards."""
    lasted = vm.exec("""
        import time
        for us in 1, 30, 300, 3000, 30000:
            start = time.ticks_us()
            time.sleep_us(us)
            print(us, time.ticks_diff(time.ticks_us(), start))
        for ms in 0, 1, 10, 100:
            start = time.ticks_us()
            time.sleep_ms(ms)
            print(ms * 1000, time.ticks_diff(time.ticks_us(), start))
        start = time.ticks_us()
        time.sleep(0.25)
        print(250000, time.ticks_diff(time.ticks_us(), start))
    """)
    for line in lasted.splitlines():
        wanted, got = map(int, line.split())
        assert wanted <= got < wanted + 2000000, line
    assert (
        vm.exec("""
        last = time.ticks_us(), time.ticks_cpu(), time.time_ns()
        back = 0
        for _ in range(20000):
            now = time.ticks_us(), time.ticks_cpu(), time.time_ns()
            back += any(b < a for a, b in zip(last, now))
            last = now
        print(back)
    """)
        == "0\n"
    )


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_counted_instructions(boot, board):
    """Where QEMU counts instructions, time is theirs: 100 s go by at once and exactly."""
    vm = boot(board=board, extra=ICOUNT).boot()
    vm.exec("import machine, time")
    assert abs(vm.eval("machine.freq()") - 10**9) < 100000
    start = time.monotonic()
    vm.exec("start = time.ticks_us()\ntime.sleep(100)\nend = time.ticks_us()")
    assert time.monotonic() - start < 20
    assert 100000000 <= vm.eval("time.ticks_diff(end, start)") < 100010000


@pytest.mark.qemu
@pytest.mark.board("q35", "pc", "microvm")
def test_date(vm):
    """The date is the host's, in UTC, for time and for machine.RTC."""
    vm.exec("import machine, time")
    before = time.time()
    seconds, nanoseconds, local, rtc = vm.eval(
        "(time.time(), time.time_ns(), time.localtime(), machine.RTC().datetime())"
    )
    after = time.time()
    # The CMOS clock knows whole seconds only, and is read at an unknown moment of one.
    assert before - 2 <= seconds <= after + 1
    assert 0 <= nanoseconds // 10**9 - seconds <= 1
    assert 0 <= calendar.timegm(local[:6]) - seconds <= 1
    assert 0 <= calendar.timegm((*rtc[:3], *rtc[4:7])) - seconds <= 2
    assert rtc[3] == local[6] == datetime.date(*local[:3]).weekday()
    assert local[7] == datetime.date(*local[:3]).timetuple().tm_yday


def test_calendar(vm):
    """gmtime and mktime are each other's inverse, before 1970 as well."""
    vm.exec("import time")
    assert vm.eval("time.gmtime(0)") == (1970, 1, 1, 0, 0, 0, 3, 1)
    for seconds in 951782400, 1709164800, 4102444799, 2**33:
        assert vm.eval(f"time.mktime(time.gmtime({seconds}))") == seconds
        date = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
        assert vm.eval(f"time.gmtime({seconds})")[:6] == date.timetuple()[:6]
    for seconds in -1, -86400, -31536000, -2000000000:
        assert vm.eval(f"time.mktime(time.gmtime({seconds}))") == seconds


@pytest.mark.parametrize("board", ["q35", "pc", "microvm"])
def test_cmos_clock(boot, board):
    """machine.RTC reads the CMOS clock and sets it, at once for time.time as well."""
    vm = boot(board=board, extra=("-rtc", "base=2031-02-03T04:05:06")).boot()
    vm.exec("import machine, time\nrtc = machine.RTC()")
    assert vm.eval("rtc.datetime()")[:5] == (2031, 2, 3, 0, 4)
    vm.exec("rtc.datetime((2044, 12, 31, 0, 23, 58, 5, 250000))")
    assert vm.eval("rtc.datetime()")[:6] == (2044, 12, 31, 5, 23, 58)
    assert vm.eval("time.localtime()")[:5] == (2044, 12, 31, 23, 58)
    # The hardware, past the driver: minute, hour, day, month, year and century, in BCD.
    vm.exec("""
        def cmos(register):
            machine.port8[0x70] = register
            return machine.port8[0x71]
    """)
    registers = vm.eval("[cmos(r) for r in (2, 4, 7, 8, 9, 0x32)]")
    assert [f"{register:02x}" for register in registers] == ["58", "23", "31", "12", "44", "20"]
    # Another hand on the hardware: the driver follows.
    vm.exec("machine.port8[0x70] = 9; machine.port8[0x71] = 0x45")
    assert vm.eval("rtc.datetime()")[0] == 2045
    assert vm.eval("time.localtime()")[0] == 2045


SET_CMOS = """
import machine
def cmos(register, *value):
    machine.port8[0x70] = register
    if value:
        machine.port8[0x71] = value[0]
    return machine.port8[0x71]
def set_cmos(mode, century, year, month, day, hold=0):
    encode = (lambda n: n) if mode & 4 else (lambda n: n // 10 << 4 | n % 10)
    cmos(11, mode | 0x80)
    for register, n in (0, 5), (2, 6), (4, 7), (7, day), (8, month), (9, year), (0x32, century):
        cmos(register, encode(n))
    cmos(11, mode | hold)
rtc = machine.RTC()
"""


@pytest.mark.parametrize("base", ["2091-01-02", "2094-12-31", "2096-02-29", "2099-12-30"])
def test_late_dates(boot, base):
    """The century's last years are read as they are, also where QEMU's clock wraps."""
    vm = boot(extra=("-rtc", f"base={base}T04:05:06")).boot()
    date = tuple(map(int, base.split("-")))
    assert vm.eval("__import__('machine').RTC().datetime()")[:3] == date
    assert vm.eval("__import__('time').localtime()")[:3] == date


def test_every_year(vm):
    """The hardware's registers are read right in each year, mode and at each month's end."""
    vm.exec(SET_CMOS)
    wrong = vm.exec("""
        for mode in (0, 2, 4, 6):
            for year in range(1970, 2100):
                for month, day in ((1, 1), (2, 28), (12, 31)):
                    set_cmos(mode, year // 100, year % 100, month, day)
                    got = rtc.datetime()
                    if got[:3] != (year, month, day) or got[4:6] != (7, 6):
                        print(mode, year, month, day, got)
    """)
    assert wrong == ""


def test_index_and_data_are_one_step(boot, kernel):
    """Wherever the kernel uses the clock's two ports, no interrupt comes between them."""
    text = subprocess.check_output(["objdump", "-d", "--no-show-raw-insn", kernel], text=True)
    places = re.findall(r"(?m)^ *([0-9a-f]+):\t(?:in +\$0x71,|out +%\w+,\$0x7[01]$)", text)
    places = {int(place, 16) for place in places}
    assert len(places) >= 4
    vm = boot().boot()
    vm.exec("import machine; rtc = machine.RTC()")
    vm.repl.send("for _ in range(99): rtc.datetime((2026, 1, 2, 0, 3, 4, 5, 0)); rtc.datetime()\r")
    vm.repl.expect_exact("... ")
    gdb = attach(vm)
    seen = set()
    try:
        for place in places:
            gdb.set_breakpoint(place)
        vm.repl.send("\r")
        gdb.resume()
        assert gdb.receive().startswith("T05")
        for _ in range(300):
            rip, rflags = gdb.registers()
            assert not rflags & RFLAGS_IF, hex(rip)
            seen.add(rip)
            gdb.run_to_breakpoint()
        for place in places:
            gdb.clear_breakpoint(place)
        gdb.resume()
    finally:
        gdb.close()
    assert seen == places
    vm.repl.expect_exact(">>> ")
    assert vm.eval("rtc.datetime()[0]") == 2026


def test_no_date_in_the_clock(vm):
    """Registers that hold no date are not believed: the kernel's own time goes on."""
    vm.exec(SET_CMOS)
    before = vm.eval("rtc.datetime()[:3]")
    for mode, *date in (
        (2, 20, 31, 2, 30),
        (2, 20, 31, 13, 1),
        (2, 20, 31, 0, 1),
        (2, 20, 31, 4, 0),
    ):
        vm.exec(f"set_cmos({mode}, *{date}, 0x80)")
        assert vm.eval("rtc.datetime()[:3]") == before


@pytest.mark.parametrize("board, extra", [("microvm", ()), ("pc", ("-machine", "acpi=off"))])
def test_no_century_register(boot, board, extra):
    """Where the FADT names no register for the century, none is written, and dates still stay."""
    vm = boot(board=board, extra=("-rtc", "base=2031-02-03T04:05:06", *extra)).boot()
    vm.exec(SET_CMOS)
    for year in 1985, 2085, 2031:
        vm.exec(f"rtc.datetime(({year}, 5, 6, 0, 7, 8, 9, 0))")
        assert vm.eval("cmos(0x32)") == 0x20
        assert vm.eval("rtc.datetime()")[:3] == (year, 5, 6)


@pytest.mark.parametrize(
    "date",
    [
        "(2031, 2, 29, 0, 0, 0, 0, 0)",
        "(2031, 13, 1, 0, 0, 0, 0, 0)",
        "(1969, 1, 1, 0, 0, 0, 0, 0)",
        "(2100, 1, 1, 0, 0, 0, 0, 0)",
        "(2031, 1, 1, 0, 24, 0, 0, 0)",
        "(2031, 1, 1, 0, 0, 0, 0, -1)",
    ],
)
def test_no_such_date(vm, date):
    """A date that there is not raises ValueError, and the clock stays as it was."""
    vm.exec("import machine\nrtc = machine.RTC()\nbefore = rtc.datetime()[:3]")
    assert (
        vm.exec(f"""
        try:
            rtc.datetime({date})
            print('taken')
        except ValueError:
            pass
        assert rtc.datetime()[:3] == before
    """)
        == ""
    )


def test_no_cmos_clock(boot):
    """Without a CMOS clock the date begins with 1970, and can be set."""
    vm = boot(board="microvm", extra=("-machine", "rtc=off")).boot()
    vm.exec("import machine, time")
    assert vm.eval("time.localtime()")[:3] == (1970, 1, 1)
    vm.exec("machine.RTC().datetime((2030, 5, 6, 0, 7, 8, 9, 0))")
    assert vm.eval("time.localtime()")[:5] == (2030, 5, 6, 7, 8)
    assert vm.eval("machine.RTC().datetime()")[:6] == (2030, 5, 6, 0, 7, 8)


def test_file_times(boot):
    """Files on FAT carry the date."""
    vm = boot(extra=("-rtc", "base=2031-02-03T04:05:06")).boot()
    seconds = vm.exec("""
        import os, vfs
        class Disk:
            data = bytearray(64 * 512)
            def readblocks(self, block, buf):
                buf[:] = self.data[block * 512:block * 512 + len(buf)]
            def writeblocks(self, block, buf):
                self.data[block * 512:block * 512 + len(buf)] = buf
            def ioctl(self, op, arg):
                return {4: 64, 5: 512}.get(op, 0)
        disk = Disk()
        vfs.VfsFat.mkfs(disk)
        vfs.mount(vfs.VfsFat(disk), '/fat')
        open('/fat/file', 'w').close()
        print(os.stat('/fat/file')[8])
    """)
    written = datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc)
    assert written.timetuple()[:4] == (2031, 2, 3, 4)


INTEGERS = (
    ("0", "-2", "-(1 << 61)", "-(1 << 63)", "-(1 << 70)"),
    ("1 << 62", "1 << 70", "(1 << 62) - 1"),
)
FLOATS = (
    ("-2.5", "-1e300", "-float('inf')", "-0.0", "-1"),
    ("1e300", "float('inf')", "float('nan')"),
)


@pytest.mark.parametrize(
    "call, over, endless",
    [
        ("time.sleep({})", *(i + f for i, f in zip(INTEGERS, FLOATS, strict=False))),
        ("time.sleep_ms({})", *INTEGERS),
        ("time.sleep_us({})", *INTEGERS),
        ("machine.lightsleep({})", *INTEGERS),
        ("select.select([], [], [], {})", ("0", "1e-9"), INTEGERS[1] + FLOATS[1]),
        ("nap(asyncio.sleep, {})", ("0", "-2", "-2.5"), ("1 << 70", *FLOATS[1])),
        ("nap(asyncio.sleep_ms, {})", *INTEGERS),
    ],
)
def test_absurd_times(vm, call, over, endless):
    """A time that is over returns at once, on a young machine too; one without end raises."""
    vm.exec("""
        import asyncio, machine, select, time
        def nap(sleep, value):
            async def nap():
                await sleep(value)
            asyncio.run(nap())
        def attempt(call):
            try:
                call()
                return 'returned'
            except (OverflowError, ValueError) as error:
                return 'raised'
    """)
    for value in over:
        start, _, end = vm.eval(f"[time.ticks_ms(), {call.format(value)}, time.ticks_ms()]")
        assert end - start < 500, value
    for value in endless:
        assert vm.eval(f"attempt(lambda: {call.format(value)})") == "raised", value


@pytest.mark.parametrize(
    "call",
    [
        "time.mktime((1 << 62,) * 8)",
        "time.mktime((-(1 << 62),) * 8)",
        "time.mktime((2000, 1, 1 << 62, 0, 0, 0, 0, 0))",
        "time.mktime((2000, 1 << 62, 1, 0, 0, 0, 0, 0))",
        "time.mktime((2000, 1, 1, 0, 0, -(1 << 62), 0, 0))",
        "time.mktime((65536, 1, 1, 0, 0, 0, 0, 0))",
        "time.gmtime(1 << 62)",
        "time.localtime(-(1 << 62))",
        "time.gmtime(2005949145600)",
        "time.gmtime(-62135596801)",
    ],
)
def test_absurd_dates(vm, call):
    """A date that no structure holds raises at once."""
    vm.exec("import time")
    with pytest.raises(ringzero_vm.GuestError, match="OverflowError"):
        vm.exec(call, timeout=5)


def test_last_dates(vm, mpy_minor):
    """The first and the last date that can be had are right; before the first there is none."""
    year, seconds = (1, -62135596800)
    if mpy_minor >= 26:
        year, seconds = (1601, -11644473600)
    vm.exec("import time")
    assert vm.eval("time.gmtime(2005949145599)")[:6] == (65535, 12, 31, 23, 59, 59)
    assert vm.eval(f"time.gmtime({seconds})")[:6] == (year, 1, 1, 0, 0, 0)
    with pytest.raises(ringzero_vm.GuestError, match=f"year is {year} to 65535"):
        vm.exec(f"time.gmtime({seconds - 1})")
    assert vm.eval("time.mktime((65535, 12, 31, 23, 59, 59, 0, 0))") == 2005949145599


@pytest.mark.parametrize("sleep", ["sleep(0)", "sleep(-1)", "sleep_ms(0)"])
def test_no_time_is_time_for_callbacks(vm, sleep):
    """A program that sleeps for no time at all gives way to what is scheduled."""
    vm.exec(
        f"""
        import micropython, time
        def run():
            done = []
            micropython.schedule(done.append, 1)
            time.{sleep}
            return len(done)
        """
    )
    assert vm.eval("run()") == 1


def test_ticks_of_any_size(vm):
    """What is no small int is taken modulo the ticks' period, or is a TypeError."""
    vm.exec("import time")
    results = "(0, 1 << 62), (1 << 70, 0), ((1 << 62) + 5, 3), (-(1 << 80), 1)"
    assert vm.eval(f"[time.ticks_diff(end, start) for end, start in ({results})]") == [0, 0, 2, -1]
    assert vm.eval("time.ticks_add(1 << 62, 7)") == 7
    for code in ("time.ticks_diff(0, None)", "time.ticks_diff('', 0)", "time.ticks_add(1.5, 0)"):
        with pytest.raises(ringzero_vm.GuestError, match="TypeError"):
            vm.exec(code)
