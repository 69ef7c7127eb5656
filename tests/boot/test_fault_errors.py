"""A program's fault is a FaultError that says what and where; the machine goes on."""

import re

import pytest
from elftools.elf.elffile import ELFFile
from native_code import NATIVE, RETURN
from ringzero_vm import PANIC, Panic

pytestmark = pytest.mark.board("microvm")

NOT_CANONICAL = b"\x00\x00\x00\x00\x00\x00\x00\x80"
# name: the machine code, the vector it raises.
RAISED = {
    "div": (b"\x31\xc9\x31\xd2\xf7\xf1", 0),
    "single step": (b"\x9c\x48\x81\x0c\x24\x00\x01\x00\x00\x9d\x90\x90", 1),  # RFLAGS.TF
    "int3": (b"\xcc", 3),
    "ud2": (b"\x0f\x0b", 6),
    "SSE with CR0.TS": (b"\x0f\x20\xc0\x0c\x08\x0f\x22\xc0\x0f\x57\xc0", 7),
    "mov fs, 0xfff8": (b"\xb8\xf8\xff\x00\x00\x8e\xe0", 13),
    "read of a non-canonical address": (b"\x48\xb8" + NOT_CANONICAL + b"\x48\x8b\x00", 13),
    "read of 0": (b"\x31\xc0\x48\x8b\x00", 14),
    "write to 0": (b"\x31\xc0\x48\x89\x00", 14),
    "jump to 0": (b"\x31\xc0\xff\xe0", 14),
    "call of 0": (b"\x31\xc0\x48\x83\xec\x08\xff\xd0\x48\x83\xc4\x08", 14),
    # fldcw with ZM clear; fld1; fldz; fdivp; fwait
    "x87 division by zero": (
        b"\x68\x7b\x03\x00\x00\xd9\x2c\x24\x58\xd9\xe8\xd9\xee\xde\xf9\x9b",
        16,
    ),
}
RAISED |= {f"int {vector}": (bytes([0xCD, vector]), vector) for vector in range(32)}


def test_vectors(vm):
    """All of vectors 0 to 31 that software can raise are exceptions, and floats still work."""
    vm.exec(NATIVE)
    for name, (code, vector) in RAISED.items():
        result = vm.exec(f"""
            try:
                run({code + RETURN!r})
                print("nothing")
            except FaultError as error:
                print(error.vector, error.errno, 1.5 * 2.0)
        """)
        assert result == f"{vector} 14 3.0\n", name


def test_page_fault(vm):
    """A page fault says the address, what was done and why it could not be."""
    result = vm.exec("""
        import machine, pages
        def show(access):
            try:
                access()
            except FaultError as error:
                print(error, error.vector, error.addr, error.kind)
        machine_mem = machine.mem32
        def write(addr):
            machine_mem[addr] = 5
        show(lambda: machine_mem[0])
        show(lambda: machine_mem[0x123456789004])
        show(lambda: write(0x468))
    """)
    assert result.splitlines() == [
        "page fault: read of 0x0: not mapped 14 0 read",
        "page fault: read of 0x123456789004: not mapped 14 20015998341124 read",
        "page fault: write to 0x468: not mapped 14 1128 write",
    ]
    result = vm.exec("""
        with pages.alloc() as p:
            va = pages.reserve(1)
            pages.map(va, p.addr, 1, pages.READ)
            machine_mem[va]
            try:
                write(va + 8)
            except FaultError as error:
                print(error.addr == va + 8, error.kind, isinstance(error, OSError))
                print(str(error).endswith(": read-only"))
            pages.unmap(va)
    """)
    assert result == "True write True\nTrue\n"


def test_traceback(vm):
    """The traceback leads to the line, through a function in machine code."""
    result = vm.exec("""
        import sys
        @micropython.viper
        def peek(addr: int) -> int:
            p = ptr32(addr)
            return p[0]
        def f():
            return peek(0)
        try:
            f()
        except FaultError as error:
            sys.print_exception(error)
    """)
    assert result.splitlines()[0] == "Traceback (most recent call last):"
    assert result.splitlines()[-2].strip() == 'File "<stdin>", line 8, in f'
    assert result.splitlines()[-1] == "FaultError: page fault: read of 0x0: not mapped"


ACCESSES = """
B[0] / bytes(B) / B[3:9] / memoryview(B)[3:5] == b"xy" / struct.unpack("<Q", B) / exec("B[3] = 4")
uctypes.struct(1 << 41, {"a": uctypes.UINT32}).a / uctypes.bytes_at(1 << 42, 4) / sum(B) / list(B)
sys.stdout.buffer.write(B) / sys.stdout.write(B) / print(B) / int.from_bytes(B, "little") / int(B)
str(B, "utf8") / B.decode() / b"x" in B / B.find(b"x") / b"aa" + B / b"".join([B, B]) / sorted(B)
hashlib.sha256(B) / binascii.hexlify(B) / binascii.crc32(B) / json.load(io.BytesIO(B))
io.BytesIO(B).read(4) / io.BytesIO().write(B) / exec(B) / bytearray(9).extend(B) / max(B)
framebuf.FrameBuffer(B, 10, 10, framebuf.MONO_HLSB).fill(1) / struct.pack_into("<I", B, 0, 1)
open("/fault", "wb").write(B) / open("/some", "rb").readinto(B) / C == B / div(1, 0) / div(1, 0)
machine.mem64[0] / machine.mem64[1 << 40] / machine.mem64[0x468] = 1 / machine.UART(0).write(B)
machine.Signal(3).value() / uctypes.bytes_at(0, 4)
"""


@pytest.mark.parametrize("at", [1 << 40, 1 << 62, (1 << 47) + 8])
def test_accesses(vm, at):
    """Whatever uses a buffer that is not mapped, or not canonical, raises and names it."""
    vm.exec(f"B = __import__('uctypes').bytearray_at({at}, 10000)")
    vm.exec("""
        import binascii, framebuf, hashlib, io, json, machine, struct, sys, uctypes
        C = bytearray(10000)
        with open("/some", "wb") as f:
            f.write(C)
        @micropython.viper
        def div(a: int, b: int) -> int:
            return a // b
    """)
    for access in ACCESSES.replace("\n", " / ").split(" / "):
        if access.strip():
            result = vm.exec(f"""
                try:
                    {access}
                except FaultError as error:
                    print("\\nfault", error.addr, error)
            """)
            assert "fault" in result, access
            addr, text = result.splitlines()[-1].split(None, 2)[1:]
            if re.search(r"\bB\b", access):
                assert at <= int(addr) < at + 10000, (access, result)
                assert f"0x{int(addr):x}: not " in text
    assert vm.eval("1 + 1") == 2


@pytest.mark.parametrize("stream", ["sys.stdin", "sys.stdin.buffer", "machine.UART(0)"])
def test_input(vm, stream):
    """What is typed cannot be read to where no memory is: that raises, and loses one key."""
    vm.exec("import machine, sys, uctypes\nB = uctypes.bytearray_at(1 << 40, 1)")
    vm.exec(f"def read():\n print('go')\n while not {stream}.readinto(B): pass")
    vm.repl.sendline("read()")
    vm.repl.expect_exact("go\r\n")
    vm.repl.send("x")
    vm.repl.expect_exact("FaultError: page fault: write to 0x10000000000: not mapped\r\n>>> ")
    assert vm.run("1 + 1") == "2\r\n"


@pytest.mark.timeout(600)
def test_a_million(vm):
    """A million faults leave heap, frames and mappings as they were."""
    result = vm.exec(
        """
        import frames, gc, machine, pages
        def faults(count):
            read = machine.mem8
            for _ in range(count):
                try:
                    read[0]
                except FaultError:
                    pass
        def state():
            gc.collect()
            return gc.mem_alloc(), frames.stats(), pages.walk()
        faults(1000)
        before = state()
        before = state()
        faults(1000000)
        print(state() == before)
        """,
        timeout=500,
    )
    assert result == "True\n"


def test_locked_heap(vm):
    """With the heap locked a fault still is an exception."""
    result = vm.exec("""
        import machine, micropython
        def f(read):
            micropython.heap_lock()
            try:
                read[0]
            except FaultError as error:
                vector = error.vector
            micropython.heap_unlock()
            return vector
        print(f(machine.mem32))
    """)
    assert result == "14\n"


def symbol(vm, name):
    with open(vm.kernel, "rb") as file:
        (found,) = ELFFile(file).get_section_by_name(".symtab").get_symbol_by_name(name)
    return found["st_value"]


@pytest.mark.qemu
def test_kernel_fault(vm):
    """A fault in the collector's C is a panic with a stack trace and the Python lines."""
    with pytest.raises(Panic) as caught:
        vm.exec(f"""
            import gc, machine
            grown = bytearray(4 << 20)
            machine.mem64[{symbol(vm, "blocks_grown") + 16}] = 1 << 40  # where its words are
            def deep():
                return gc.collect()
            deep()
        """)
    assert vm.wait_exit() == PANIC
    text = str(caught.value)
    assert text.startswith("panic: exception 14 (page fault)")
    assert "mp_execute_bytecode+" in text and "kernel_main+" in text
    assert 'File "<stdin>", line 6, in deep' in text


# What the interpreter believes without a look, and the function that finds out.
BELIEVED = {
    "broken = [1, 2]; machine.mem64[id(broken)] = 1 << 40; len(broken)": "page fault",
    "broken = [1, 2]; machine.mem64[id(broken)] = 1 << 63; len(broken)": "general protection",
    "__build_class__(lambda: 3, 'x')": "page fault",
    "__build_class__(lambda: 1 << 40, 'x')()": "page fault",
    "uctypes.struct(16, {'a': (0,)}, uctypes.NATIVE).a.foo": "page fault",
    "_asyncio.TaskQueue().remove(5)": "page fault",
    "_asyncio.Task((i for i in ())).cancel()": "page fault",
    "l = [Clear() for _ in range(100)]; l.remove(5)": "page fault",
}


def test_interpreter(vm):
    """A fault in the interpreter's own C is a FaultError that says so; the machine goes on."""
    vm.exec("""
        import _asyncio, gc, machine, uctypes
        class Clear:
            def __eq__(self, other):
                l.clear()
                gc.collect()
    """)
    for _ in range(2):
        for code, name in BELIEVED.items():
            result = vm.exec(f"""
                try:
                    exec({code!r})
                except FaultError as error:
                    print(error)
            """)
            assert result.startswith(f"{name} in the interpreter ("), (code, result)
    assert vm.exec("gc.collect(); print([i for i in range(3)])") == "[0, 1, 2]\n"


def test_finaliser(vm):
    """A finaliser may fault, collect and raise what cannot be printed: the heap is not locked."""
    result = vm.exec("""
        import gc, machine, vfs
        class Disk:
            data = bytearray(4096 * 64)
            action = None
            calls = 0
            def act(self):
                if self.action:
                    self.calls += 1
                    self.action()
            def readblocks(self, block, buf, offset=0):
                self.act()
                buf[:] = self.data[block * 4096 + offset :][: len(buf)]
            def writeblocks(self, block, buf, offset=0):
                self.act()
                self.data[block * 4096 + offset : block * 4096 + offset + len(buf)] = buf
            def ioctl(self, op, arg):
                return 64 if op == 4 else 4096 if op == 5 else 0
        class Raises(Exception):
            def __init__(self):
                self.args = 5
            def __repr__(self):
                raise OSError(1 << 70)
            __str__ = __repr__
        def fail():
            raise OSError(1 << 70)
        def fail_worse():
            raise Raises
        def lose(disk):
            open("/lost/file", "wb").write(b"something")
        for action in (lambda: machine.mem8[0], gc.collect, fail, fail_worse):
            disk = Disk()
            vfs.VfsLfs2.mkfs(disk)
            vfs.mount(disk, "/lost")
            lose(disk)
            [[] for _ in range(100)]
            disk.action = action
            gc.collect()
            disk.action = None
            vfs.umount("/lost")
            print(disk.calls > 0, len([i for i in range(1000)]))
    """)
    assert result.count("True 1000\n") == 4, result


def test_in_a_hard_callback(vm):
    """A fault in a hard callback that interrupts collections is an exception in it."""
    result = vm.exec("""
        import gc, machine
        calls = faults = 0
        def callback(timer):
            global calls, faults
            calls += 1
            try:
                machine.mem8[0]
            except FaultError:
                faults += 1
        timer = machine.Timer(-1, period=1, callback=callback, hard=True)
        while calls < 200:
            keep = [[i] for i in range(1000)]
            gc.collect()
        timer.deinit()
        print(faults == calls, keep[999])
    """)
    assert result == "True [999]\n"


@pytest.mark.qemu
def test_double_fault(vm):
    """A fault whose stack is not mapped is a double fault, which has a stack of its own."""
    # SDM 3A 7.7: the first interrupt stack's pointer is at 36 in the task's state.
    pointer = symbol(vm, "tss") + 36
    with pytest.raises(Panic) as caught:
        vm.exec(f"import machine; machine.mem32[{pointer}] = 256; machine.mem8[0]")
    assert vm.wait_exit() == PANIC
    text = str(caught.value)
    assert text.startswith("panic: exception 8 (double fault)")
    assert "machine_mem_subscr+" in text


@pytest.mark.qemu
def test_fault_while_panicking(vm):
    """A fault on the way of a panic ends the machine with what was said before."""
    with pytest.raises(Panic) as caught:
        vm.exec(f"""
            import machine, pages
            machine.mem64[{symbol(vm, "space")}] = 1 << 45  # the top page table's address
            pages.translate(0)
        """)
    assert vm.wait_exit() == PANIC
    text = str(caught.value)
    assert text.startswith("panic: exception 14 (page fault)")
    assert "panic: fault while panicking: page fault at 0x" in text


def test_faults_of_the_interpreter_in_a_hard_callback(vm):
    """A fault of upstream's C is an exception, wherever in the heap the program was."""
    vm.exec("""
        import machine, os
        entries = os.ilistdir('/')
        faults = 0
        def callback(timer):
            global faults
            try:
                next(entries)
            except FaultError:
                faults += 1
            except Exception:
                pass
        timer = machine.Timer(-1, period=1, callback=callback, hard=True)
        for i in range(600):
            [[j] for j in range(300)]
            grown = []
            for j in range(100):
                grown.append(bytearray(j))
        timer.deinit()
    """)
