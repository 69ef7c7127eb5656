# Prints what Python's steps cost, in ticks of the CPU: instructions, under QEMU's -icount.
import gc
from time import ticks_cpu, ticks_diff

COUNT = 2000


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


def c_call(count):
    call = gc.isenabled
    for _ in range(count):
        call()


def float_multiply(count):
    a = 1.5
    b = 2.5
    for _ in range(count):
        a * b  # noqa: B018


def measure(run, *args):
    gc.collect()
    start = ticks_cpu()
    run(*args)
    return ticks_diff(ticks_cpu(), start)


def step(run):
    # What is the same for any count falls out.
    return (measure(run, 2 * COUNT) - measure(run, COUNT)) / COUNT


def perf(name, params):
    module = __import__(name)
    run, _ = module.bm_setup(params)
    return measure(run)


loop = step(empty)
print("empty for step", round(loop))
for name, run in (
    ("Python call", python_call),
    ("attribute access", attribute),
    ("C call", c_call),
    ("float multiply", float_multiply),
):
    print(name, round(step(run) - loop))
for name, params in (("misc_pystone", (80,)), ("bm_fannkuch", (6,))):
    try:
        print(name, perf(name, params))
    except ImportError:
        pass
