# Prints what Python's steps and MicroPython's benchmarks cost, in instructions under QEMU's
# -icount, where the CPU's ticks count them, and Linux's nanoseconds do with it.
import gc
import os
import sys
import time

COUNT = 2000
KERNEL = sys.platform != "linux"
# The smallest of each benchmark's own, but for these.
PARAMS = {"misc_pystone": (80,), "bm_fannkuch": (6,)}

now = time.ticks_cpu if KERNEL else time.time_ns
if not KERNEL:
    sys.path.insert(0, "/rom")


def empty(count):
    for _ in range(count):
        pass


def python_call(count):
    for _ in range(count):
        nothing()


def nothing():
    pass


def attribute(count):
    this = Thing()
    for _ in range(count):
        this.x  # noqa: B018


class Thing:
    def __init__(self):
        self.x = 1

    def method(self):
        pass


def c_call(count):
    call = gc.isenabled
    for _ in range(count):
        call()


def float_multiply(count):
    a = 1.5
    b = 2.5
    for _ in range(count):
        a * b  # noqa: B018


# An expression in the terms of n, an integer that counts, and of what operation() has.
OPERATIONS = {
    "integer add": "n + 1",
    "integer multiply": "n * 7",
    "integer divide": "n // 7",
    "integer modulo": "n % 7",
    "integer shift, and": "n >> 3 & 15",
    "integer compare": "n < 100",
    "big integer add": "big + n",
    "float add": "x + y",
    "float divide": "x / y",
    "list read": "items[1]",
    "list store": "items[1] = n",
    "list append": "more.append(n)",
    "list make": "[n, n]",
    "list sort": "[5, n, 3].sort()",
    "tuple make": "(n, n)",
    "tuple unpack": "a, b = pair",
    "dict read": "table['two']",
    "dict store": "table['two'] = n",
    "dict of integers": "numbers[n & 7]",
    "in a list": "3 in items",
    "in a dict": "'two' in table",
    "global read": "COUNT",
    "method call": "this.method()",
    "closure call": "(lambda: n)()",
    "keyword call": "keyword(a=n)",
    "instance make": "Thing()",
    "try": "\n  try: n\n  except ValueError: pass",
    "raise, catch": "\n  try: raise ValueError\n  except ValueError: pass",
    "generator step": "next(endless)",
    "string concatenate": "text + other",
    "string %": "'%d %s' % (n, text)",
    "string format": "'{} {}'.format(n, text)",
    "string slice": "other[1:4]",
    "string compare": "text == other",
    "string split": "'a b c'.split()",
    "string join": "','.join(pair_of_strings)",
    "string find": "other.find('h')",
    "str(n)": "str(n)",
    "bytes slice": "data[3:9]",
    "bytearray store": "buffer[3] = 7",
    "slice of a list": "items[1:3]",
    "range loop of 10": "\n  for _ in range(10): pass",
}


def keyword(a=0, b=0):
    pass


def count_for_ever():
    while True:
        yield 1


def operation(expression):
    names = {
        "COUNT": COUNT,
        "Thing": Thing,
        "keyword": keyword,
        "big": 1 << 70,
        "x": 1.5,
        "y": 2.5,
        "items": [1, 2, 3, 4],
        "more": [],
        "pair": (1, 2),
        "table": {"one": 1, "two": 2, "three": 3},
        "numbers": {number: number for number in range(8)},
        "this": Thing(),
        "endless": count_for_ever(),
        "text": "abc",
        "other": "defghij",
        "pair_of_strings": ("abc", "defghij"),
        "data": b"some bytes that are read",
        "buffer": bytearray(8),
    }
    arguments = ", ".join(f"{name}={name}" for name in names if name != "COUNT")
    exec(f"def run(count, {arguments}):\n for n in range(count):\n  {expression}\n", names)
    return names["run"]


def measure(run, *args):
    gc.collect()
    start = now()
    run(*args)
    # The counter of the CPU's ticks may wrap.
    return time.ticks_diff(now(), start) if KERNEL else now() - start


def step(run):
    # What is the same for any count falls out.
    return (measure(run, 2 * COUNT) - measure(run, COUNT)) / COUNT


def benchmark(name):
    module = __import__(name)
    params = PARAMS.get(name) or module.bm_params[min(module.bm_params)]
    run, _ = module.bm_setup(params)
    count = measure(run)
    if "import_mpy" in name:
        os.umount("/__remote")
    return count


loop = step(empty)
print("empty for step", round(loop))
for name, run in (
    ("Python call", python_call),
    ("attribute access", attribute),
    ("C call", c_call),
    ("float multiply", float_multiply),
):
    print(name, round(step(run) - loop))
for name, expression in OPERATIONS.items():
    print(name, round(step(operation(expression)) - loop))
for name in sorted(os.listdir("/rom")):
    name = name.rsplit(".", 1)[0]
    if name != "main":
        try:
            print(name, benchmark(name))
        except (ImportError, AttributeError, SystemExit) as error:
            print(f"{name} is left out: {error!r}")
