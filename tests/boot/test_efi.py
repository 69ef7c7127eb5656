"""efi calls UEFI's runtime services, and whatever they do is an answer or an exception."""

import re
import struct
import subprocess
import uuid

import pytest
import ringzero_vm
from images import pack
from ringzero_vm import PANIC

OWN = "6f4c2cba-9a3d-4f0e-8a55-0c7b9be4b7d1"
GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
DATA = bytes(range(256)) * 5
# OVMF's flash of 4 MiB ends at 4 GiB and begins with the variables.
FLASH = 0xFFC00000
FLASH_SIZE = 0x40000


@pytest.fixture
def uefi(boot, kernel, folder):
    """A guest that UEFI has started, at 2031-02-03 04:05:06."""
    image = pack("disk", kernel, folder / "ringzero.disk")
    launcher = ["--image", image, "--firmware", "uefi"]
    extra = ["-rtc", "base=2031-02-03T04:05:06"]
    vm = boot(launcher=launcher, extra=extra, smp=2, wait=100).boot()
    vm.exec("import efi, frames")
    return vm


def stored(flash):
    """{(name, GUID): (attributes, bytes)} of a store as EDK II's VariableFormat.h describes it."""
    header = struct.unpack_from("<H", flash, 48)[0]
    signature, size, form, state = struct.unpack_from("<16sIBB", flash, header)
    assert str(uuid.UUID(bytes_le=signature)) == "aaf32c78-947b-439a-a180-2e144ec37792"
    assert (form, state) == (0x5A, 0xFE)
    found = {}
    at = header + 28
    while at < header + size:
        start, state, attributes = struct.unpack_from("<HBxI", flash, at)
        if start != 0x55AA:
            break
        name_size, data_size, guid = struct.unpack_from("<II16s", flash, at + 36)
        data = at + 60 + name_size
        if state == 0x3F:  # added, and not deleted
            name = flash[at + 60 : data - 2].decode("utf-16-le")
            content = flash[data : data + data_size]
            found[name, str(uuid.UUID(bytes_le=guid))] = attributes, content
        at = data + data_size + 3 & ~3
    return found


def check_tables(vm):
    """The system table and those that it names are what others find on other ways."""
    addr, revision, vendor, _ = vm.eval("tuple(efi.system_table())")
    assert vm.memory(addr, 8) == b"IBI SYST"
    assert revision[0] == 2 and vendor == "EDK II"
    tables = vm.eval("efi.tables()")
    for guid, start in tables.items():
        words = vm.eval(f"efi.words({guid!r})")
        mark = {"ACPI 2.0 root pointer": b"RSD PTR ", "SMBIOS": b"_SM_"}.get(words, b"")
        assert vm.memory(start, 8).startswith(mark) and words
    # The loader hands over a copy of the root pointer.
    copy = vm.memory(vm.eval("__import__('memmap').rsdp"), 36)
    assert copy == vm.memory(tables["8868e871-e4f1-11d3-bc22-0080c73c8881"], 36)
    assert vm.eval(f"efi.words({GLOBAL.upper()!r})") == "global variable"
    assert vm.eval("efi.words('00000000-0000-0000-0000-000000000000')") is None


def check_memory(vm):
    """The memory map is whole, and none of firmware's own memory is given out."""
    found = vm.eval("[tuple(one) for one in efi.memory_map()]")
    assert all(start < end for start, end, _, _ in found)
    assert all(a[1] <= b[0] for a, b in zip(found, found[1:], strict=False))
    own = [one for one in found if "RUNTIME" in one[3].split()]
    assert {one[2] for one in own} >= {"RuntimeServicesCode", "RuntimeServicesData"}
    usable = vm.eval("[(r.start, r.end) for r in __import__('memmap').regions() if r.kind == 1]")
    for start, end, _, _ in own:
        assert not [one for one in usable if one[0] < end and start < one[1]]
    # What is conventional is usable, but for what the loader has in it.
    size = sum(end - start for start, end, kind, _ in found if kind == "Conventional")
    assert size < sum(end - start for start, end in usable)
    # Of the firmware's code none can be written, but where that is code and data in one.
    flags = vm.eval("list(efi._get().regions)")[2::3]
    assert 2 in flags and 1 in flags and not [one for one in flags if one & 3 == 3]


def rtc(vm):
    now = vm.qmp.command("qom-get", path="/machine", property="rtc-time")
    names = ("tm_mday", "tm_hour", "tm_min", "tm_sec")
    return (now["tm_year"] + 1900, now["tm_mon"] + 1) + tuple(now[name] for name in names)


def check_time(vm):
    """Its clock is QEMU's, and what is set is set there, and in machine.RTC(), too."""
    before, found, after = rtc(vm), vm.eval("tuple(efi.time())"), rtc(vm)
    assert (2031, 2, 3, 4, 5, 6) <= before <= found[:6] <= after < (2031, 2, 3, 4, 15)
    assert found[6:] == (0, None, 0)
    vm.exec("efi.set_time((2040, 2, 29, 23, 59, 30))")
    assert (2040, 2, 29, 23, 59, 30) <= rtc(vm) < (2040, 3, 1, 0, 5)
    assert vm.eval("efi.time()[:2]") == (2040, 2)
    assert vm.eval("__import__('machine').RTC().datetime()[:2]") == (2040, 2)
    vm.exec("efi.set_time((2033, 1, 2, 3, 4, 5, 0, -60, 1))")
    assert vm.eval("tuple(efi.time())")[6:] == (0, -60, 1)
    assert rtc(vm)[:3] == (2033, 1, 2)


def check_variables(vm):
    """What is written is in the flash, and what is in the flash is read."""
    vm.exec(f"efi.set('Ringzero', {DATA}, {OWN!r}); efi.set('BootNext', b'\\2\\0')")
    vm.exec(f"efi.set('\\xe9\\u20ac', b'x', {OWN!r}, 7); efi.set('gone', b'1', {OWN!r})")
    vm.exec(f"efi.set('small', b'two bytes', {OWN!r})")
    vm.exec(f"efi.delete('gone', {OWN!r})")
    vm.exec(f"efi.set('Ringzero', b'and more', {OWN!r}, 7 + efi.APPEND_WRITE)")
    flash = stored(vm.memory(FLASH, FLASH_SIZE))
    listed = vm.eval("efi.variables()")
    assert len(set(listed)) == len(listed)
    assert flash["Ringzero", OWN] == (7, DATA + b"and more")
    assert flash["BootNext", GLOBAL] == (7, b"\2\0")
    assert ("\xe9\u20ac", OWN) in flash and ("gone", OWN) not in flash
    for key, value in flash.items():
        # Without runtime access a variable is the firmware's alone by now.
        if value[0] & 4:
            assert key in listed
            assert vm.eval(f"efi.get({key[0]!r}, {key[1]!r})") == value
        else:
            assert key not in listed
    for call, error in (
        ("get('gone', OWN)", "ENOENT: EFI_NOT_FOUND"),
        ("delete('gone', OWN)", "ENOENT: EFI_NOT_FOUND"),
        ("set('gone', b'1')", "EINVAL: EFI_INVALID_PARAMETER"),  # none of UEFI's own
        ("set('a', b'1', OWN, 6)", "EINVAL: EFI_INVALID_PARAMETER"),  # UEFI 2.10, 8.2.3
        ("set('SecureBoot', b'1', attributes=6)", "EACCES: EFI_WRITE_PROTECTED"),
        ("set('Boot0000', bytes(100000))", "EIO: EFI_|EINVAL: EFI_|ENOMEM: EFI_OUT_OF_RESOURCES"),
    ):
        with pytest.raises(ringzero_vm.GuestError, match=error):
            vm.exec(f"OWN = {OWN!r}; efi.{call}")
    text = vm.exec("efi.show()")
    assert re.search(r"BootOrder 0x7 \d+ bytes\n +Boot0000 Boot0001", text)
    assert re.search(r"Boot0001 .*\n +'UEFI QEMU HARDDISK.*' PciRoot\(0x0\)/Pci\(.*/Sata\(", text)
    assert re.search(r"BootNext 0x7 2 bytes\n +Boot0002\n", text)


FAULTS = """
    import _efi
    def fault(service, *args):
        try:
            return _efi.call(efi._get().regions, efi._int(efi._get().services, service, 8), args)
        except FaultError as error:
            return str(error)
"""


def check_faults(vm):
    """A fault in the firmware is an exception, and it still answers then."""
    vm.exec(FAULTS)
    found = vm.eval("fault(24, 0x123456789000, 0)")
    assert re.fullmatch(
        r"page fault in firmware at 0x[0-9a-f]+: write to 0x1234567890..: not mapped", found
    )
    # Nothing of Python's is there: its memory, and what no EFI memory map has.
    page = "__import__('pages').alloc()"
    vm.exec(f"p = {page}")
    assert "not mapped" in vm.eval("fault(24, p.addr, 0)")
    assert vm.eval("bytes(p) == bytes(4096)")
    assert "in firmware" in vm.eval("fault(24, 1 << 63, 0)")
    # The kernel's code is there, for what a trap needs, and cannot be written.
    assert "write to 0x1000" in vm.eval("fault(24, 0x100000, 0)")
    assert vm.eval("efi.time()[0]") == 2033


CONTEXTS = """
    import _thread, cpus, machine, time
    found = {}
    def ask(key):
        try:
            found[key] = efi.time().year
        except Exception as error:
            found[key] = type(error).__name__
    def wait():
        for _ in range(500):
            if key in found:
                break
            time.sleep_ms(10)
    key = "thread"
    _thread.start_new_thread(ask, (key,))
    wait()
    key = "soft"
    timer = machine.Timer(-1, mode=0, period=1, callback=lambda timer: ask(key))
    wait()
    key = "hard"
    def hard(timer):
        global found
        try:
            get()
        except RuntimeError:
            found = "refused"
        except MemoryError:
            found = "no memory"
    def get():
        call(regions, 0, ())
    from _efi import call
    regions = efi._get().regions
    state = found
    timer = machine.Timer(-1, mode=0, period=1, hard=True, callback=hard)
    for _ in range(500):
        if found is not state:
            break
        time.sleep_ms(10)
    print(state, found)
    print(cpus.all()[1].run("import efi\\nefi.system_table()").result())
"""


def check_contexts(vm):
    """Threads and soft callbacks can call it; hard ones and other CPUs are refused."""
    said = vm.exec(CONTEXTS)
    assert "{'thread': 2033, 'soft': 2033} refused\n" in said.replace(
        "{'soft': 2033, 'thread': 2033}", "{'thread': 2033, 'soft': 2033}"
    )
    with pytest.raises(ringzero_vm.GuestError, match="RuntimeError: only CPU 0 calls firmware"):
        vm.exec("cpus.all()[1].run('import efi; efi.time()').result()")
    # A CPU that changes its mappings meanwhile waits for no longer than a call takes.
    vm.exec("""
        call = cpus.all()[1].run(
            "import pages, frames\\n"
            "va, addr = pages.reserve(1), frames.alloc()\\n"
            "for _ in range(100):\\n"
            "    pages.map(va, addr); pages.unmap(va)\\n"
            "frames.free(addr)"
        )
        while not call.done():
            efi.time()
        call.result()
    """)


def check_shell(vm):
    """The firmware's own shell, which BootNext has named, has the same."""
    vm.repl.expect_exact("Press ")
    vm.repl.send("\x1b")
    vm.repl.expect_exact("Shell> ")
    for line, expected in (
        (f"dmpstore small -guid {OWN}", r"NV\+RT\+BS.* 00000000: 74 77 6F 20 62 79 74 65-73 "),
        ("date", "01/02/2033"),
    ):
        # Where the host is busy its driver gives up characters.
        for _ in range(5):
            vm.repl.sendline(line)
            vm.repl.expect_exact("Shell> ")
            if re.search(expected, vm.repl.before, re.S):
                break
        else:
            pytest.fail(f"{line}: no {expected}")
    vm.repl.sendline("reset")


@pytest.mark.timeout(200)
def test_runtime_services(uefi):
    """All that there is of UEFI, also by its own shell, and what is left of it after a reset."""
    vm = uefi
    check_tables(vm)
    check_memory(vm)
    before = vm.eval("efi.time() and frames.stats().free")
    check_time(vm)
    check_variables(vm)
    assert vm.eval("frames.stats().free") == before
    check_faults(vm)
    check_contexts(vm)
    vm.exec("p.close(); frames.check()")

    vm.qmp.command("set-action", reboot="reset")
    with pytest.raises(ringzero_vm.GuestError, match="ValueError: 'hot': a reset is cold, warm"):
        vm.exec("efi.reset('hot')")
    vm.repl.sendline("efi.reset('warm')")
    check_shell(vm)
    vm.boot()
    assert vm.eval(f"__import__('efi').get('Ringzero', {OWN!r})[1][-8:]") == b"and more"
    with pytest.raises(ringzero_vm.GuestError, match="EFI_NOT_FOUND"):
        vm.exec("import efi; efi.get('BootNext')")  # it is for one start
    vm.qmp.command("set-action", shutdown="pause")
    vm.repl.sendline("efi.reset('shutdown')")
    while vm.qmp.command("query-status")["status"] == "running":
        pass
    assert vm.qmp.command("query-status")["status"] == "shutdown"


@pytest.mark.board("microvm")
def test_without_uefi(vm):
    """Where there is no UEFI it says so, and arguments that make no sense are refused before."""
    vm.exec("import efi")
    for call in (
        "system_table() tables() memory_map() variables() get('a') set('a',b'1') delete('a')"
        " time() set_time((2000,1,1,0,0,0)) reset() show()"
    ).split():
        with pytest.raises(ringzero_vm.GuestError, match="ENODEV: UEFI has not started this"):
            vm.exec(f"efi.{call}")
    for call, error in (
        ("get(5)", "TypeError"),
        ("get('')", "ValueError"),
        ("get('a\\0')", "ValueError"),
        ("get('\\U00010000')", "ValueError"),
        ("get('a', 'x')", "ValueError"),
        ("get('a', b'x')", "TypeError"),
        ("set('a', b'')", "ValueError"),
        ("set('a', 'b')", "TypeError"),
        ("set('a', b'b', attributes=0)", "ValueError"),
        ("set('a', b'b', attributes=1 << 64)", "ValueError"),
        ("set('a', b'b', attributes=-1)", "ValueError"),
        ("set('a', b'b', attributes='7')", "TypeError"),
        ("set_time(5)", "TypeError"),
        ("set_time((2000, 1, 1))", "ValueError"),
        ("set_time((2000, 1, 1, 0, 0, '0'))", "TypeError"),
        ("set_time((1 << 64, 1, 1, 0, 0, 0))", "ValueError"),
        ("set_time((2001, 2, 29, 0, 0, 0))", "ValueError"),
        ("set_time((2001, 2, 28, 0, 0, 0, 0, 1441))", "ValueError"),
        ("words('x')", "ValueError"),
        ("reset(None)", "ValueError"),
        ("explain('Boot0000', 5)", "TypeError"),
        ("explain(5, b'')", "TypeError"),
        ("Error('x')", "TypeError"),
    ):
        with pytest.raises(ringzero_vm.GuestError, match=rf"\n{error}: "):
            vm.exec(f"efi.{call}")
    assert vm.eval("efi.Error(1 << 63 | 26).args") == (13, "EFI_SECURITY_VIOLATION")
    assert vm.eval("efi.Error(-1).args[0]") == 5


# ---- the way into firmware, with code that does what firmware should not


def assembled(folder, source):
    """Machine code, as hex."""
    (folder / "code.s").write_text(source + "\n")
    subprocess.run(["as", "code.s", "-o", "code.o"], cwd=folder, check=True)
    subprocess.run(["objcopy", "-O", "binary", "code.o", "code.bin"], cwd=folder, check=True)
    return (folder / "code.bin").read_bytes().hex()


PREPARE = """
    import _efi, frames, pages
    from array import array
    p = pages.alloc()
    regions = array("L", (p.addr, 1, pages.EXECUTE))
    def call(code, *args):
        code = bytes.fromhex(code)
        p[0 : len(code)] = code
        result, found = _efi.call(regions, p.addr, args)
        return result, [one and bytes(one) for one in found]
    def refused(regions, function, args=()):
        before = frames.stats()
        try:
            print(_efi.call(array("L", regions), function, args))
        except Exception as error:
            assert frames.stats() == before and frames.check()
            return type(error).__name__
"""

# Arguments as UEFI 2.10, 2.3.4 has them, then all that it may change, and what it may not.
ARGUMENTS = """
    movq %rcx, %rax
    shlq $4, %rax
    orq %rdx, %rax
    shlq $4, %rax
    orq %r8, %rax
    shlq $4, %rax
    orq %r9, %rax
    .irp at, 40, 48, 56, 64
    shlq $4, %rax
    orq \\at(%rsp), %rax
    .endr
    movq %cr0, %rcx
    orq $8, %rcx
    movq %rcx, %cr0
    clts
    .rept 9
    fld1
    .endr
    pushq $0x7f80
    ldmxcsr (%rsp)
    pcmpeqd %xmm6, %xmm6
    popq %rcx
    movq %rcx, 8(%rsp)
    .irp register, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    movq $-1, %\\register
    .endr
    sti
    std
    ret
"""
FAULTS_OF_CODE = (
    ("ud2", "invalid opcode in firmware at 0x"),
    ("xorl %ecx, %ecx; divl %ecx", "divide"),
    ("int3", "breakpoint"),
    ("1: call 1b", "page fault in firmware at 0x"),  # until the stack ends
    ("movq $8, %rsp; pushq %rax", "page fault in firmware at 0x"),
    ("movq $1, %rsp; rorq %rsp; pushq %rax", "(stack|general protection)"),
    ("movq $1, %rax; rorq %rax; jmp *%rax", "general protection"),
    ("movb $0, (%rcx)", "page fault"),  # behind the buffer
    ("movb $0, 0f(%rip); 0:", "page fault"),  # its code
    ("pushfq; orl $0x100, (%rsp); popfq; nop", "debug"),
)


@pytest.mark.board("microvm")
@pytest.mark.memory("8M")
def test_call(vm, folder):
    """Whatever code does that is called so, the kernel goes on as if nothing had been."""
    vm.exec(PREPARE)
    before = vm.eval("frames.stats()[:4]")
    # With all its ways of rounding, and copies.
    vm.exec("sums = lambda: [i / 7 for i in range(100)] + [2.0**0.5, bytes(range(200))[3:]]")
    vm.exec("want = sums()")
    code = assembled(folder, ARGUMENTS)
    found = vm.eval(f"call({code!r}, 1, 2, 3, 4, 5, 6, 7, 8)")
    assert found == (0x12345678, [None] * 8)
    assert vm.eval("sums() == want")
    # Bytes go there and back, each at an address of its own.
    code = assembled(folder, "movq (%rcx), %rax; incb 4(%rcx); movb %al, 9(%rdx); ret")
    found = vm.eval(f"call({code!r}, b'12345678', bytearray(10), (1 << 64) - 1)")
    assert found == (int.from_bytes(b"12345678", "little"), [b"12346678", b"\0" * 9 + b"1", None])
    for source, words in FAULTS_OF_CODE:
        code = assembled(folder, source)
        with pytest.raises(ringzero_vm.GuestError, match=f"FaultError: .*{words}"):
            vm.exec(f"call({code!r}, 4096)")
    assert vm.eval("frames.stats()[:4]") == before

    addr = vm.eval("p.addr")
    for regions in (
        (0, 1, 2),
        (addr + 1, 1, 2),
        (addr, 0, 2),
        (addr, 1, 1),  # may not run
        (addr, 1, 2 + 64),
        (addr, 1, 2 + 16),
        (addr, 1, 2 + 32),
        (addr, 1, 2 + (1 << 40)),
        (addr, 1, 2, addr, 1, 2),
        (addr, 1, 2, 0x100000, 1, 2),
        (addr, 1 << 52, 2),
        (addr, 1, 2, 1 << 63, 1, 2),
        (addr, 1, 2, (1 << 64) - 4096, 1, 2),
        (addr + 4096, 1, 2),
        (addr,),
        (),
    ):
        assert vm.eval(f"refused({regions}, p.addr)") == "ValueError", regions
    for function, args, error in (
        ("0", "()", "ValueError"),
        ("0x100000", "()", "ValueError"),  # the kernel's code
        ("(1 << 64) - 1", "()", "ValueError"),
        ("1 << 64", "()", "OverflowError"),
        ("-1", "()", "ValueError"),
        ("'1'", "()", "TypeError"),
        ("p.addr", "(0,) * 9", "ValueError"),
        ("p.addr", "[1]", "TypeError"),
        ("p.addr", "(None,)", "TypeError"),
        ("p.addr", "(1 << 64,)", "OverflowError"),
        ("p.addr", "(bytes(1 << 16),) * 8 + (1,)", "ValueError"),
    ):
        assert vm.eval(f"refused(regions, {function}, {args})") == error, (function, args)
    vm.exec("""
        held = []
        try:
            while True:
                held.append(frames.alloc())
        except MemoryError:
            pass
        found = refused(regions, p.addr)
        for addr in held:
            frames.free(addr)
        held = None
    """)
    assert vm.eval("(found, frames.check())") == ("MemoryError", True)

    # Code without an end can still be told from a kernel that hangs.
    vm.exec(f"code = {assembled(folder, 'jmp .')!r}")
    vm.repl.sendline("call(code)")
    vm.repl.expect_exact("call(code)")
    while f"RIP={addr:016x}" not in registers(vm):
        pass
    vm.nmi()
    assert vm.wait_exit() == PANIC
    assert re.search(rf"panic: .*\n(.*\n)*.*0x0*{addr:x}", vm.transcript())


def registers(vm):
    return vm.qmp.command("human-monitor-command", command_line="info registers")
