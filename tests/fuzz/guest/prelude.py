# What the random programs of programs.py begin with, after SEED and SCALE.
import array
import asyncio
import binascii
import collections
import gc
import hashlib
import heapq
import io
import json
import re
import struct

import micropython

P = [None] * 12
LIMIT = 1 << 3000


def rnd(n):
    SEED[0] = (SEED[0] * 1103515245 + 12345) & 0x7FFFFFFF
    return (SEED[0] >> 8) % n if n > 0 else 0


def crc(x):
    return binascii.crc32(x)


def dg(x, d=0):
    """A number for what x is worth."""
    if x is None:
        return 1
    t = type(x)
    if t is bool or t is int:
        return x % 1000003
    if t is float:
        return crc(("%.9g" % x).encode())
    if t is str:
        return crc(x.encode())
    if t is bytes or t is bytearray or t is array.array or t is memoryview:
        return crc(bytes(x))
    if t is list or t is tuple or t is Point:
        h = len(x)
        if d < 3:
            for i in range(0, len(x), len(x) // 40 + 1):
                h = (h * 31 + dg(x[i], d + 1)) % 1000003
        return h
    if t is dict or t is collections.OrderedDict:
        h = len(x)
        if d < 3:
            for k in x:
                h += dg(k, d + 1) * 3 + dg(x[k], d + 1)
        return h % 1000003
    if t is set:
        return (len(x) + sum(dg(k, 3) for k in x)) % 1000003
    if isinstance(x, Node):
        return x.digest()
    if t is Fin:
        return x.digest()
    return len(t.__name__)


def show(i, name):
    x = P[i]
    t = type(x)
    if t is int and (x > LIMIT or x < -LIMIT):
        P[i] = x = x % 1000000007
    elif t is str or t is bytes or t is list or t is tuple or t is bytearray:
        if len(x) > 3000 * SCALE:
            P[i] = x = x[: 100 + len(x) % 7]
    elif (t is dict or t is set) and len(x) > 600 * SCALE:
        P[i] = x = None
    print(name, t.__name__, dg(x))


class Node:
    def __init__(self, n, *links):
        self.n = n
        self.links = list(links)
        self.data = bytearray(bytes([n & 255]) * (n % 50 + 1))

    def digest(self):
        if self.data != bytes([self.n & 255]) * (self.n % 50 + 1):
            print("CORRUPT node", self.n)
        return self.n * 5 + len(self.links)


class Base:
    kind = 1

    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def total(self, m):
        return self.n + m + self.kind

    @property
    def twice(self):
        return self.n * 2

    def __getattr__(self, name):
        return len(name)


class Sub(Base):
    kind = 2

    def __init__(self, n, extra):
        super().__init__(n)
        self.extra = [extra]

    def total(self, m):
        return super().total(m) * self.twice + self.anything

    def __eq__(self, other):
        return self.n == other.n

    def __hash__(self):
        return self.n


class Fin:
    """Looks at itself when it is collected."""

    def __init__(self, n):
        self.n = n
        self.data = [n] * (n % 40 + 1)
        self.text = str(n) * 3

    def digest(self):
        if self.data != [self.n] * (self.n % 40 + 1) or self.text != str(self.n) * 3:
            print("CORRUPT finaliser", self.n)
        return self.n

    def __del__(self):
        if self.n % 40 + 1 != len(self.data) or self.data[-1] != self.n or len(self.text) < 3:
            print("CORRUPT finaliser", self.n)
        self.data = [self.data, bytearray(self.n)]


Point = collections.namedtuple("Point", "x y")


def add(a, b):
    if type(a) is int and type(b) is int:
        return a + b
    if type(a) is type(b) and type(a) in (list, tuple, str, bytes, bytearray):
        return a + b
    return a + b if type(a) is int and type(b) is float else (a, b)


def mul(a, n):
    return a * n if type(a) in (int, float, list, tuple, str, bytes) else [a] * n


def cut(a, i, j, n):
    if type(a) in (list, tuple):
        return a[i % 50 : (j % 500) - 7 : n or 1]
    if type(a) in (str, bytes, bytearray, array.array, memoryview):
        return a[i % (len(a) + 1) :][: j % 90]
    return [a][: i % 3]


def big(a, b):
    a = a if type(a) is int else dg(a)
    b = b if type(b) is int else dg(b)
    return (a * b ^ (a << 70) | b) % (LIMIT - 159) - (b >> 3) + a // (abs(b) + 1)


def grow(a, b):
    t = type(a)
    if t is list and len(a) < 2000 * SCALE:
        a.extend([b] * 17)
        a.append(b)
        a.insert(len(a) // 2, 5)
    elif t is bytearray and len(a) < 20000 * SCALE:
        a.extend(b"grow" * 9)
        a += bytes(len(a) // 3 + 1)
    elif t is dict and len(a) < 500 * SCALE:
        for k in range(40):
            a[rnd(5000)] = b
    elif t is set and len(a) < 500 * SCALE:
        a.update(range(rnd(90)))
    elif t is array.array and len(a) < 1000 * SCALE:
        a.extend(a)
        a.append(3)


def shrink(a, n):
    t = type(a)
    if t is list:
        del a[n : n + len(a) // 2]
        if a:
            a.pop()
    elif t is bytearray:
        a[n : n * 5] = b"xy"
    elif t is dict:
        for k in sorted(k for k in a if type(k) is int)[:: n + 2]:
            del a[k]
    elif t is set:
        a.difference_update(range(0, 5000, n + 2))


def put(a, n, b):
    t = type(a)
    if t is list and a:
        a[n % len(a)] = b
        a[n : n + 2] = [b, n, b]
    elif t is dict:
        a[n] = b
    elif isinstance(a, Node):
        a.links.append(b)


def swap(i, j):
    i %= len(P)
    j %= len(P)
    P[i], P[j] = P[j], P[i]


def tie(a, b):
    for x, y in ((a, b), (b, a)):
        if type(x) is list and len(x) < 500:
            x.append(y)
        elif isinstance(x, Node):
            x.links.append(y)


def replace(a, n):
    if type(a) is str:
        return a.replace("a", "bc" * n).upper().lower().strip("b")
    if type(a) is bytes:
        return a.replace(b"a", b"bc" * n)
    return (a,) * n


def chain(m, z):
    first = x = Node(0)
    for i in range(m):
        y = Node(i, x)
        x.links.append(y)
        x = y
    x.links.append(first)
    return [x, first.digest(), z]


def tree(n, z):
    return [] if n == 0 else [tree(n - 1, z), bytearray(z), tree(n - 1, z + 1)]


def flat(x):
    for y in x:
        if type(y) is list:
            yield from flat(y)
        else:
            yield len(y)


def mesh(m, z):
    nodes = [Node(i + z) for i in range(m + 1)]
    for _ in range(3 * m):
        nodes[rnd(m + 1)].links.append(nodes[rnd(m + 1)])
    for i in range(m // 2):
        nodes[rnd(m + 1)] = None
    return sum(x.digest() for x in nodes if x)


def walk(a, n):
    seen = 0
    todo = [a]
    while todo and seen < 60 * n:
        x = todo.pop()
        seen += 1
        if type(x) is list or type(x) is tuple:
            todo.extend(x[:20])
        elif isinstance(x, Node):
            todo.extend(x.links[:9])
            seen += x.digest() & 1
    return seen


def count(n, m):
    try:
        for i in range(n, m):
            got = yield (i, [i] * (i % 5))
            if got:
                yield got
    finally:
        SEED[0] ^= 1


def take(g, n):
    found = []
    for x in g:
        found.append(x)
        if len(found) > n:
            break
    try:
        found.append(g.send([n]))
    except StopIteration:
        found.append("end")
    except TypeError:
        found.append("type")
    g.close()
    return found


def adder(n):
    total = n

    def add(m):
        nonlocal total
        total += m
        return lambda: total

    return lambda m: (add(m)(), add(m)())


def closures(n):
    return [lambda x, k=k: (x, k, n) for k in range(n)]


class Wrong(Exception):
    def __init__(self, n, data):
        super().__init__(n)
        self.n = n
        self.data = data


def throws(n, a):
    def inner(k):
        if k == 0:
            raise Wrong(n, [a, bytearray(n)])
        try:
            return inner(k - 1)
        finally:
            SEED[0] += 1

    try:
        inner(n)
    except Wrong as error:
        return (error.n, len(error.data), error.args)


def nested(n):
    found = []
    for k in range(n + 1):
        try:
            try:
                found.append(10 // (k - 1))
                if k & 1:
                    raise ValueError(k)
                [][k]
            except ZeroDivisionError:
                raise KeyError(k)
            except ValueError as error:
                found.append(error.args[0])
                continue
        except (KeyError, IndexError) as error:
            found.append(type(error).__name__)
        finally:
            found.append(k)
    return found


def finals(n):
    def f(k):
        for i in range(k):
            try:
                if i == 3:
                    return "r%d" % i
                if i == 2:
                    continue
            finally:
                found.append(i)
        return "e"

    found = []
    return [f(k) for k in range(n)], found


def text(m, z):
    out = io.StringIO()
    for i in range(m):
        out.write("%d:%s," % (i, "z" * (z % 13)))
    return out.getvalue().split(",")[:: m // 9 + 1]


def stream(m, z):
    out = io.BytesIO()
    for i in range(m):
        out.write(bytes([i & 255]) * (z % 37))
    out.seek(z % (m + 1))
    return out.read(m * 3) + out.getvalue()[:z]


def ordered(m):
    x = collections.OrderedDict()
    for i in range(m):
        x[i * 37 % (m + 1)] = str(i)
    for i in range(0, m, 3):
        x.pop(i, None)
    return list(x.items())


def queue(m, n):
    x = collections.deque((), n)
    for i in range(m):
        x.append([i])
        if i % 5 == 0 and len(x):
            x.popleft()
    return [y[0] for y in x]


def heap(m):
    x = []
    for i in range(m):
        heapq.heappush(x, (rnd(50), i))
    return [heapq.heappop(x) for _ in range(len(x) // 2)]


def names(m, n):
    x = Base(n)
    for i in range(m):
        setattr(x, "name_%d_%d" % (n, i), [i])
    return sum(getattr(x, "name_%d_%d" % (n, i))[0] for i in range(m)), x.n


def dynamic(n, i):
    space = {"n": n, "i": i}
    exec(
        "def f(x):\n" + "    x = x * 3 + n\n" * (n + 1) + "    return x % 1000003\ny = f(i)", space
    )
    return space["y"], eval("[q * i for q in range(n)]", space)


@micropython.native
def machine_code(m):
    x = []
    for i in range(m):
        x.append((i, str(i)))
        if i % 7 == 6:
            x = x[3:]
    return x


def packed(n):
    data = b"".join(struct.pack(">iB", i * 77777 - 5, i & 255) for i in range(n))
    return [struct.unpack_from(">iB", data, 5 * i) for i in range(0, n, 3)]


def pattern(n, k):
    return bytes([k & 255, n & 255, 7]) * n


def churn(m, z):
    """Blocks of odd sizes that come and go, each with a pattern of its own."""
    held = [None] * 40
    for k in range(m * 2):
        at = rnd(40)
        if held[at]:
            n, old, data = held[at]
            if data != pattern(n, old):
                print("CORRUPT block", n, old)
        n = rnd(z // 3 + 2)
        held[at] = (n, k, bytearray(pattern(n, k)))
    return sum(x[0] for x in held if x)


def holes(m, z):
    x = [[i] * (i % 23 + 1) for i in range(m)]
    for i in range(0, m, 2):
        x[i] = None
    y = [bytearray(z % 97 + i) for i in range(m // 2)]
    for i in range(1, m, 2):
        if x[i] != [i] * (i % 23 + 1):
            print("CORRUPT list", i)
    return len(y), sum(len(k) for k in y)


def resize(n, z):
    x = bytearray()
    y = []
    for i in range(n * 9):
        x.extend(bytes([i & 255]) * (rnd(z + 1) // 9 + 1))
        y.extend([i] * rnd(30))
        if i % 5 == 4:
            x = x[len(x) // 2 :]
            del y[: len(y) // 3]
    return crc(x), len(x), sum(y)


def large(m, z):
    """One block each that grows beyond all others, over the end of what the heap has."""
    n = (m * 97 + z) % 5000 * SCALE * 4
    x = []
    for i in range(n):
        x.append(i)
    y = bytearray()
    step = bytes(range(z % 251 + 1))
    while len(y) < n * 5:
        y.extend(step)
        if len(y) % 64 == 1:
            step += b"x"
    z = [i for i in range(n // 2)]
    return len(x), x[n // 2 :][:3], sum(x[::97]), len(y), crc(y), len(z), z[-1:]


def memo(n, seen={}):
    if n < 2:
        return n
    if n not in seen:
        seen[n] = memo(n - 1) + memo(n - 2)
    return seen[n]


def deep(n):
    return [deep(n - 1)] if n else "end"


def shuffle(m):
    x = list(range(m))
    for i in range(m - 1, 0, -1):
        j = rnd(i + 1)
        x[i], x[j] = x[j], x[i]
    x.sort(key=lambda k: k % 10)
    return x[: m // 2], x.index(m // 2) if m else -1


async def work(n, m):
    async def one(k):
        total = 0
        for i in range(m):
            await asyncio.sleep(0)
            total += i * k
        return [total]

    return await asyncio.gather(*[one(k) for k in range(n)])


def run(job):
    asyncio.new_event_loop()
    return asyncio.run(job)
