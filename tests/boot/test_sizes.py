"""No size that a program names is too large for the interpreter: it works or raises."""

import subprocess
import sys

import pytest
from ringzero_vm import GuestError

pytestmark = pytest.mark.board("microvm")

HUGE = """
[0] * ((1 << 61) + 1) / (0,) * ((1 << 61) + 1) / (0,) * ((1 << 61) - 1) / (0, 1) * ((1 << 60) + 1)
'ab' * ((1 << 63) - 1) / b'abcd' * (1 << 62) / l = [1, 2]; l *= (1 << 61) + 1
[1, 2, 3, 4] * (1 << 62) / t = (1,); t *= (1 << 61)
bytearray(1 << 62) / bytearray((1 << 63) - 1) / bytearray(-1) / bytes(-1)
bytearray(range(1 << 61))
struct.pack('9999999999999s', b'') / struct.calcsize('99999999999999999999999s')
struct.pack('18446744073709551617s', b'') / struct.pack('%dQ' % (1 << 61), *range(100))
struct.pack_into('%dQ' % (1 << 61), bytearray(8), 0, *range(100))
struct.pack('9223372036854775808s9223372036854775808s', b'', b'')
struct.unpack('%dQ' % (1 << 61), b'')
'%99999999999d' % 1 / '{:2147483647}'.format(1) / '%2147483647s' % 'a' / '%2147483647x' % 1
'{:2147483647b}'.format(1) / '%2147483647f' % 1.5 / '%.2147483647d' % 1
list(range(-(1 << 62), 1 << 62)) / 1 << (1 << 40) / 1 << (1 << 62) / (1 << 100) << (1 << 61)
(5).to_bytes(1 << 62, 'big') / (1 << 100).to_bytes(1 << 61, 'little') / (5).to_bytes(-1, 'big')
deque((), 1 << 61) / deque((), (1 << 61) - 1) / deque((), (1 << 62) - 1)
io.BytesIO(1 << 61) / io.BytesIO((1 << 63) - 1) / b = io.BytesIO(); b.seek(1 << 35); b.write(b'x')
b = io.BytesIO(); b.seek((1 << 63) - 1); b.write(b'xyz') / io.BytesIO(b'123').read(1 << 62)
io.BufferedWriter(io.BytesIO(), -8) / io.BufferedWriter(io.BytesIO(), 1 << 62)
array('Q', range(1 << 61)) / array('Q', range((1 << 61) + 1)) / 'a'.center(1 << 62)
'a b c'.rsplit(' ', (1 << 61) - 1) / 'a b c'.rsplit(' ', (1 << 61))
f.scroll(1 << 32, 1 << 32) / f.scroll((1 << 31) + 5, 0) / f.line(0, 0, 1 << 40, 5, 1)
f.line(-(1 << 62), 0, 1 << 62, 5, 1) / f.ellipse(0, 0, 1 << 40, 5, 1)
f.blit(f, 1 << 31, -(1 << 31))
pow(3, 5, 0) / pow(1 << 70, 1 << 62, 0) / pow(0, 0, (1 << 100) - (1 << 100))
FrameBuffer(bytearray(10), 1 << 32, 1 << 32, 1) / FrameBuffer(bytearray(10), 65537, 65537, 5)
marshal.loads(b'M\\x06\\x00\\x1f\\x00\\x00') / marshal.loads(b'M\\x06\\x00\\x1f' + b'\\xff' * 20)
"""


@pytest.mark.memory("32M")
@pytest.mark.timeout(120)
def test_huge(vm):
    """Sizes that go round at 64 bits, or at 32, are refused before anything is written."""
    vm.exec("""
        import io, marshal, struct
        from array import array
        from collections import deque
        from framebuf import FrameBuffer
        f = FrameBuffer(bytearray(100), 10, 10, 5)
        keep = [[i] for i in range(5000)]
        def attempt(code):
            try:
                exec(code)
                return "none"
            except (EOFError, MemoryError, OverflowError, ValueError, OSError) as error:
                assert not isinstance(error, FaultError), error
                return type(error).__name__
    """)
    for code in HUGE.replace("\n", " / ").split(" / "):
        if code.strip():
            assert vm.exec(f"print(attempt({code.strip()!r}))") != "none\n", code
    assert vm.exec("print(all(keep[i] == [i] for i in range(5000)))") == "True\n"


def test_lengths_that_lie(vm):
    """An array is as long as what it is made of, not as long as that said it would be."""
    result = vm.exec("""
        from array import array
        class Short:
            def __len__(self):
                return 1
            def __iter__(self):
                return iter(range(5000))
        class Grow:
            def __int__(self):
                if len(l) < 5000:
                    l.append(self)
                return 7
        print(len(array("Q", Short())))
        l = [Grow()]
        print(len(array("b", l)))
    """)
    assert result == "5000\n5000\n"


def test_lengths_that_are_not_true(vm):
    """Room for what `*` and bytes() get is made as it comes, whatever length it says it has."""
    result = vm.exec("""
        class Wrong:
            def __init__(self, length): self.length = length
            def __len__(self): return self.length
            def __iter__(self): return iter(bytes(3000))
        def count(*items): return len(items)
        for length in (-1, -2, -100, 0, 1, 1 << 60, 1 << 61, -(1 << 60), 1 << 62, "x", None):
            wrong = Wrong(length)
            assert count(*wrong) == 3000 and count(1, *wrong, 2) == 3002
            assert bytes(wrong) == bytes(3000)
        for size in (1 << 60, (1 << 61) - 2, 1 << 61, 1 << 62):
            for call in (lambda: count(*range(size)), lambda: count(1, *range(size), 2)):
                try:
                    call()
                    assert False
                except MemoryError:
                    pass
        print(count(*range(1000), *[1, 2], *(3, 4)), bytes([7] * 1000) == b"\\x07" * 1000)
    """)
    assert result == "1004 True\n"


# What CPython says as well, and what a call gets while its arguments grow.
STARS = """
class M:
    def keys(self):
        for i in range(3000):
            later['k%d' % i] = i
        return ("p", "q")
    def __getitem__(self, key):
        return key

class L:
    def __iter__(self):
        before.extend(range(50000))
        after.extend(range(50000))
        return iter("xy")

def f(*a, **k):
    return a[:4], len(a), sorted(k)[:3], len(k)

class C:
    def m(self, *a, **k):
        return f(*a, **k)

before, after, later = [1, 2], [3], {"z": 1}
print(f(*before, *L(), *after))
before, after, later = [1, 2], [3], {"z": 1}
print(C().m(0, *before, 5, *L(), *after, y=6, **later))
before, after, later = [1, 2], [3], {"z": 1}
print(f(*iter(before), *after, **{"a": 1}, **M(), **later))
before, after, later = [1, 2], [3], {"z": 1}
print(C().m(*iter("ab"), b=1, **M(), **later))
print(f(*range(3), *(7, 8), *[9], **{"a": 1}), f(*iter([]), *[], **{}))
"""


def test_arguments_that_grow(vm, tmp_path):
    """What one starred argument does while it is iterated over, another one may get longer by."""
    program = tmp_path / "stars.py"
    program.write_text(STARS)
    expected = subprocess.run(
        [sys.executable, program], check=True, capture_output=True, text=True
    ).stdout
    for decorator in ("", "@micropython.native\n"):
        lines = "".join(f"    {line}\n" for line in STARS.splitlines() if line)
        glob = "    global M, L, f, C, before, after, later\n"
        vm.exec(f"import micropython\n{decorator}def run():\n{glob}{lines}", timeout=60)
        assert vm.exec("run()", timeout=60) == expected
    assert vm.eval("sum(list(range(1000)))") == 499500


def test_growth_of_what_is_not_the_heaps(vm):
    """A bytearray over memory of others does not grow: MemoryError, and nothing is lost."""
    vm.exec("""
        import gc, pages, uctypes
        other = bytearray(range(250)) + bytearray(range(250))
        inside = uctypes.addressof(other)
        for addr in (pages.alloc().va, 0xb8000, 0x100000, inside + 5, inside + 48, inside + 64):
            for grow in (lambda b: b.append(1), lambda b: b.extend(b'xyz')):
                b = uctypes.bytearray_at(addr, 64)
                try:
                    grow(b)
                    raise SystemExit('it has grown')
                except MemoryError:
                    pass
            del b
        gc.collect()
        assert other == bytearray(range(250)) + bytearray(range(250))
    """)


def test_size_in_the_message(vm):
    """A MemoryError names all of the size."""
    for code, size in (
        ("[0] * (1 << 40)", 1 << 43),
        ("bytearray((1 << 40) + 15)", (1 << 40) + 15),
    ):
        with pytest.raises(GuestError, match=f"allocating {size} bytes"):
            vm.exec(code)
