# What the random calls of calls.py are made of: values, guards, and the places to call from. Runs
# in the kernel, and in MicroPython's unix port to see what upstream makes of the same calls.
import builtins
import gc
import io
import sys

import micropython

MODULES = (
    "array asyncio _asyncio binascii bootinfo builtins cmath cmdline collections deflate errno"
    " framebuf frames gc hashlib heapq io json machine marshal math memmap micropython os pages"
    " platform ramdisk random re select struct sys time uctypes vfs websocket _handoff _space"
    " _pages _files cpus _calls _sync _thread pci acpi aml smbios efi _efi cpuid msr mtrr"
    " keyboard _keyboard disks network socket ssl tls cryptolib _nics"
    " asyncio.core asyncio.event asyncio.funcs asyncio.lock asyncio.stream"
)
for _name in MODULES.split():
    try:
        _one = __import__(_name)
        for _part in _name.split(".")[1:]:
            _one = getattr(_one, _part)
        globals()[_name.replace(".", "_")] = _one
    except Exception:
        pass  # a module that this port has not
del _one

# A program may put anything in their places.
_print, _type, _dir, _getattr, _setattr = print, type, dir, getattr, setattr
_len, _range, _isinstance = len, range, isinstance
_BASE, _KeyboardInterrupt = BaseException, KeyboardInterrupt
_MODULE = type(sys)
_collect, _gc_enable, _unlock = gc.collect, gc.enable, micropython.heap_unlock
_locked, _schedule = micropython.heap_locked, micropython.schedule
_atexit, _dupterm = getattr(sys, "atexit", None), getattr(os, "dupterm", None)
_Timer = getattr(machine, "Timer", None)
_VfsFat = vfs.VfsFat
_kbd_intr = getattr(micropython, "kbd_intr", None)
_disable_irq, _enable_irq = (
    getattr(machine, "disable_irq", None),
    getattr(machine, "enable_irq", None),
)
_check = frames.check
_start_new_thread = getattr(globals().get("_thread"), "start_new_thread", None)
_cpus = getattr(globals().get("_calls"), "all", None)

COUNT = 32
v = [None] * COUNT  # what the calls have returned
S = []  # the functions of the batch, for callbacks
trace = False  # say which attribute is taken
_timers = []
_depth = 0

# What destroys or ends the machine by design, by name and by identity: README.md says why.
_NAMES = (
    "wrmsr reset poweroff bootloader deepsleep WDT bytearray_at kbd_intr system disable_irq"
    " write8 write16 write32 write64 _write _access"
).split()
_BARRED = [
    getattr(module, name)
    for module in (machine, uctypes, micropython, os)
    for name in _NAMES
    if hasattr(module, name)
]
_FIRMWARE = [
    getattr(acpi, name)
    for name in ("hardware", "namespace", "evaluate", "sleep")
    if "acpi" in globals()
]
_BARRED += _FIRMWARE
_struct, _bytearray_at = uctypes.struct, uctypes.bytearray_at
_BARRED.append(_struct)
_MEMORY = [
    getattr(machine, kind + bits)
    for kind in ("mem", "port")
    for bits in ("8", "16", "32", "64")
    if hasattr(machine, kind + bits)
]
_PAGES = globals()["_pages"].Pages if "_pages" in globals() else None


def _barred(x):
    for one in _BARRED:
        if x is one:
            return True
    return False


def A(o, n):
    """An attribute of o, by number."""
    kind = _type(o)
    names = _dir(o)
    for _ in _range(_len(names)):
        name = names[n % _len(names)]
        n += 1
        if name in _NAMES or kind is _MODULE and name == "__dict__":
            continue
        # A memoryview of pages lives on when they are closed: that is the program's fault.
        if kind is _PAGES and name in ("close", "__exit__"):
            continue
        if o is uctypes and name == "struct":
            continue
        if kind is _MODULE and any(_getattr(o, name) is one for one in _FIRMWARE):
            continue
        if trace:
            _print("#A", name)
        return _getattr(o, name)


def C(f, *a, **k):
    if not _barred(f):
        return f(*a, **k)


def SA(o, name, x):
    if name not in _NAMES:
        _setattr(o, name, x)


def P(o, i, x):
    for one in _MEMORY:
        if o is one:
            return
    o[i] = x


def X(o):
    """Some of what it yields."""
    n = 0
    for x in o:
        v[n % COUNT] = x
        n += 1
        if n == 9:
            break


def nop(*_):
    pass


def names():
    """Print what can be called: functions, types and what types have, like os.listdir."""
    skipped = _NAMES + ["close", "__exit__", "__dict__"]
    for module in sorted(key for key in globals() if _type(globals()[key]) is _MODULE):
        for key in sorted(_dir(globals()[module])):
            x = _getattr(globals()[module], key)
            if key in _NAMES or key[:2] == "__" or _barred(x) or not callable(x):
                continue
            _print(module + "." + key)
            if isinstance(x, _type):
                for part in sorted(_dir(x)):
                    if part not in skipped:
                        _print(module + "." + key + "." + part)


# ---- Hostile values


def _do(m, name, result, me, a):
    global _depth
    k = (m * 31 + _len(name) * 7 + ord(name[2])) % 17
    if k < 6:
        return result
    if k == 6:
        raise ValueError(name)
    if k == 7:
        _collect()
    elif k == 8:
        return v[m % COUNT]
    elif k == 9:
        for x in a:
            if _type(x) in (list, dict, set, bytearray):
                x.clear() if _type(x) is not bytearray else x.extend(b"12345678")
        v[m % COUNT] = None
    elif k == 10:
        return me
    elif k == 11:
        if S and _depth < 3:
            _depth += 1
            try:
                return S[m % _len(S)](me)
            finally:
                _depth -= 1
    elif k == 12:
        raise OSError(1 << 70)
    elif k == 13:
        v[m % COUNT] = a[0] if a else me
    elif k == 14:
        return (-1, 1 << 64, "x", b"", None, 1.5, me)[m % 7]
    elif k == 15:
        raise (StopIteration, KeyboardInterrupt, SystemExit, MemoryError, FileError)[m % 5]("x")
    elif k == 16:
        for i in _range(COUNT):
            if i & 1:
                v[i] = None
        _collect()
        [bytearray(17) for _ in _range(50)]
    return result


class FileError(OSError):
    def __repr__(self):
        return _do(_len(v), "__repr__", "FileError", self, ())

    __str__ = __repr__


def _method(name, result):
    return lambda self, *a, **k: _do(self.m, name, result, self, a)


_RESULTS = {
    "__eq__": False, "__ne__": True, "__lt__": True, "__gt__": False, "__le__": True,
    "__ge__": False, "__hash__": 7, "__len__": 3, "__bool__": True, "__contains__": True,
    "__repr__": "H", "__str__": "H", "__call__": 1, "__getitem__": 1, "__setitem__": None,
    "__delitem__": None, "__next__": 1, "__enter__": 1, "__exit__": False, "__int__": 3,
    "__float__": 2.5, "__complex__": 1j, "__index__": 2, "__neg__": 1, "__pos__": 1,
    "__invert__": 1, "__abs__": 1, "__add__": 1, "__radd__": 1, "__iadd__": 1, "__sub__": 1,
    "__mul__": 1, "__rmul__": 1, "__mod__": 1, "__pow__": 1, "__matmul__": 1, "__lshift__": 1,
    "__or__": 1, "__and__": 1, "__truediv__": 1, "__floordiv__": 1, "__divmod__": (1, 1),
    "__sizeof__": 8, "__del__": None, "__aenter__": 1, "__await__": (), "__aexit__": None,
    "__reversed__": (), "__format__": "x", "send": 1, "throw": 1, "close": None, "append": 1,
    "read": b"x", "readline": b"x", "decode": "x", "readblocks": None, "writeblocks": None,
}  # fmt: skip


def _class(name, bases, extra=()):
    methods = {key: _method(key + "__", value) for key, value in _RESULTS.items()}
    methods["m"] = 0
    methods["__iter__"] = lambda self: _do(self.m, "__iter__", self, self, ())
    methods.update(extra)
    return _type(name, bases, methods)


def _set_m(self, m=0, *rest):
    self.m = m


def _getattr_(self, name):
    if name == "m":
        raise AttributeError(name)
    return _do(5, "__getattr__", 1, self, (name,))


H = _class("H", (object,), {"__init__": _set_m})
HA = _class(
    "HA",
    (object,),
    {
        "__getattr__": _getattr_,
        "__setattr__": lambda self, name, x: _do(_len(name), "__setattr__", None, self, (x,)),
        "__delattr__": lambda self, name: _do(_len(name), "__delattr__", None, self, ()),
        "__get__": lambda self, *a: _do(3, "__get__", 1, self, a),
        "__set__": lambda self, *a: _do(4, "__set__", 1, self, a),
        "__delete__": lambda self, *a: _do(6, "__delete__", 1, self, a),
        "__set_name__": lambda self, *a: _do(2, "__set_name__", 1, self, a),
    },
)


class SL(list):
    m = 3


class SD(dict):
    m = 4


class ST(tuple):
    pass


class SS(str):
    pass


class SB(bytes):
    pass


class SBA(bytearray):
    pass


class SI(int):
    pass


class SE(Exception):
    pass


class SO(collections.OrderedDict):
    pass


class HL(list):
    __eq__ = _method("__eq__", False)
    __hash__ = _method("__hash__", 1)
    m = 16

    def __del__(self):
        _do(_len(self), "__del__", None, self, ())


def _odd(m, n):
    """What a stream's method might return: n is right."""
    return (n, n, n, n, None, -1, n + 1, 1 << 40, 0, -(1 << 63), "x", n // 2, n)[m % 13]


class IO(io.IOBase):
    def __init__(self, m=0):
        self.m = m

    def readinto(self, buf):
        for i in _range(_len(buf)):
            buf[i] = (self.m + i) & 255
        self.m += 1
        _do(self.m, "__readinto__", None, self, ())
        return _odd(self.m, _len(buf))

    def write(self, buf):
        self.m += 1
        _do(self.m, "__write__", None, self, ())
        return _odd(self.m, _len(buf))

    def ioctl(self, op, arg):
        self.m += 1
        return _do(self.m, "__ioctl__", _odd(self.m, 1), self, ())


class BD:
    """A block device that fails now and then."""

    def __init__(self, m=0, count=40, size=512):
        self.m = m
        self.size = size
        self.data = bytearray(count * size)

    def readblocks(self, n, buf, offset=0):
        self.m += self.m & 1
        at = n * self.size + offset
        buf[:] = self.data[at : at + _len(buf)]
        _do(self.m, "__readblocks__", None, self, ())
        return 0 if self.m & 2 else None

    def writeblocks(self, n, buf, offset=0):
        self.m += self.m & 1
        at = n * self.size + offset
        self.data[at : at + _len(buf)] = buf
        _do(self.m, "__writeblocks__", None, self, ())
        return 0 if self.m & 2 else -5 if self.m & 16 else None

    def ioctl(self, op, arg):
        if op == 4:
            return _len(self.data) // self.size
        if op == 5:
            return self.size
        return _do(self.m, "__ioctl__", 0, self, ())


def gen(n=3, x=None):
    try:
        for i in _range(n):
            x = yield i
    except GeneratorExit:
        _do(n, "__gen__", None, None, (x,))
    finally:
        v[n % COUNT] = x


async def coro(n=1, x=None):
    for _ in _range(n % 4):
        await asyncio.sleep(0)
    return x


def closure(n):
    x = [n]

    def inner(*a, **k):
        nonlocal n
        n += 1
        x.append(a)
        return x[-1]

    return inner


def deep(n=50):
    return (deep(n - 1),) if n else ()


def loop(n=3):
    x = []
    x.append(x)
    x.append({n: x})
    return x


def recurse(*_):
    return recurse(*_)


def deco(f):
    return f


if True:
    try:
        exec("""
@micropython.native
def nat(x=1, y=2, *_):
    for i in range(3):
        x = (x, y)
    return x
@micropython.viper
def vip(x, y: int) -> int:
    s = 0
    for i in range(int(y) & 15):
        s += i
    return s
@micropython.viper
def vob(x, y) -> object:
    return [x, y]
""")
    except Exception:
        nat = vip = vob = nop


# ---- What may be done with guards only

_room = bytearray(4096)
_ROOM = uctypes.addressof(_room)
_FIELDS = ("UINT8", "INT8", "UINT16", "INT16", "UINT32", "INT32", "UINT64", "INT64")
_FIELDS += ("FLOAT32", "FLOAT64")


def struct_at(n):
    """A structure in memory that is nobody else's."""
    kind = _getattr(uctypes, _FIELDS[n % _len(_FIELDS)])
    fields = {"a": n % 64 | kind, "f": (n % 64 | uctypes.ARRAY, 3 | kind), "m": (8, {"a": kind})}
    fields["append"] = (n % 7 | uctypes.PTR, kind & ~7)
    fields["main"] = n % 5 | uctypes.BFUINT8 | n % 3 << uctypes.BF_POS | 2 << uctypes.BF_LEN
    return _struct(_ROOM + n % 1024, fields, n % 3)


_socket = _getattr(globals().get("socket"), "socket", None)
_HERE = "127.0.0.1"


def sock(n):
    """A socket: new, bound, listening, connected or closed; a stream, datagrams or raw."""
    if n % 7 == 6:
        return _socket(2, 3, n % 251)
    if n % 7 > 3:
        one = _socket(2, 2)
        one.setblocking(n % 2)
        if n % 3:
            one.bind((_HERE, 7000 + n % 50))
            one.sendto(b"x" * (n % 2000), (_HERE, 7000 + n % 50))
        return one
    one = _socket()
    one.settimeout(n % 5 / 50)
    if n % 7 > 0:
        one.bind((_HERE, 0 if n % 2 else 8000 + n % 50))
    if n % 7 == 3:
        one.close()
    if n % 7 == 2:
        one.listen(n % 4)
        if n % 3:
            other = _socket()
            other.settimeout(0.1)
            other.connect((_HERE, 8000 + n % 50))
            other.send(b"y" * (n % 5000))
            return other if n % 5 else one.accept()[0]
    return one


def bytearray_in(n):
    return _bytearray_at(_ROOM + n % 64, n % 4000)


def closing(n, f):
    """Closes pages that nobody has a view of, some of them unmapped or read-only."""
    p = pages.alloc(n % 5 + 1)
    try:
        if n & 1:
            pages.protect(p.va, n % 3 + 1, pages.READ)
        if n & 2:
            pages.unmap(p.va, 1)
        f()
    finally:
        p.close()
    return p


def masked(n, f):
    """With interrupts off, or with Ctrl-C; f comes to its end by itself."""
    if not hasattr(machine, "disable_irq"):
        return f()
    state = _disable_irq() if n & 1 else None
    _kbd_intr(-1)
    try:
        return f()
    finally:
        _kbd_intr(3)
        if n & 1:
            _enable_irq(state)


# ---- Places to call from


def R(f):
    """At the prompt."""
    try:
        _print("#", f.__name__)
        f()
    except _BASE as error:
        if trace:
            sys.print_exception(error)
        answered(error)


def answered(error):
    """Says that Ctrl-C may have had its effect, although the batch goes on."""
    if _isinstance(error, _KeyboardInterrupt):
        _print("# KeyboardInterrupt")


def E(f):
    def call(*a):
        try:
            f(*a)
        except _BASE as error:
            answered(error)

    return call


def soft(f):
    """By the scheduler."""
    _schedule(f, S)


def soft_safe(f):
    _schedule(E(f), S)


def timer(f, period, hard):
    """By a timer's interrupt, or the scheduler at its request."""
    if _Timer is None:
        if hard:
            micropython.heap_lock()
        try:
            E(f)()
        finally:
            if hard:
                _unlock()
        return
    t = _Timer(-1, period=period, callback=f, hard=hard)
    _timers.append(t)
    if _len(_timers) > 6:
        _timers.pop(0).deinit()


def thread(f):
    """By another thread."""
    _start_new_thread(E(f), ()) if _start_new_thread else E(f)()


def elsewhere(n, text):
    """By another CPU, or here where there is none."""
    v[n % COUNT] = _cpus()[n % _len(_cpus())].run(text) if _cpus else exec(text)


class _Disk:
    """What a file's finaliser writes to: classes' own __del__ is never called."""

    def __init__(self):
        self.data = bytearray(64 * 512)
        self.f = None

    def readblocks(self, n, buf):
        buf[:] = self.data[n * 512 :][: _len(buf)]

    def writeblocks(self, n, buf):
        self.data[n * 512 : n * 512 + _len(buf)] = buf
        if self.f:
            self.f(self)

    def ioctl(self, op, arg):
        return {4: 64, 5: 512}.get(op, 0)


def _drop(disk, n):
    # Deep on the stack, where nothing keeps it alive by chance.
    if n:
        _drop(disk, n - 1)
    else:
        _VfsFat(disk).open("x", "w").write("text")


def fin(f):
    """By the collector, as it closes a file."""
    disk = _Disk()
    _VfsFat.mkfs(disk)
    _drop(disk, 9)
    disk.f = f
    _collect()
    disk.f = None


class _Term(io.IOBase):
    def __init__(self, f):
        self.f = f
        self.n = 0

    def write(self, buf):
        self.n += 1
        if self.n < 20:
            self.f(buf)
        return _len(buf)

    def readinto(self, buf):
        self.n += 1
        if self.n < 20:
            self.f(buf)
        return None

    def ioctl(self, op, arg):
        return 0


def term(f):
    """By the console's output and input."""
    if _dupterm:
        try:
            _dupterm(_Term(f))
            _print("term")
        finally:
            _dupterm(None)


def at_exit(f):
    """At the end of the program."""
    if _atexit:
        _atexit(f)


_TRIES = _range(9)


def end(nonce):
    global _depth
    for _ in _TRIES:
        try:
            while _locked():
                _unlock()
            if _dupterm:
                _dupterm(None)
            for t in _timers:
                t.deinit()
            while _locked():
                _unlock()
            _timers.clear()
            _gc_enable()
            S.clear()
            for i in _range(_len(v)):
                v[i] = None
            _depth = 0
            _collect()
            _collect()
            if _check() is not True:
                _print("#CHECK")
            break
        except RuntimeError as error:
            if "check" in str(error):
                _print("#CHECK", error)
        except _BASE:
            pass
    _print("#END", nonce)
