#!/usr/bin/env python3
"""Write programs at random; the kernel has to print what MicroPython's unix port prints."""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "kit"))

from ringzero_vm import VM, GuestError  # noqa: E402

MEMORIES = ["5M", "8M", "16M", "64M", "256M", "1G"]
SHORT = "#SHORT"  # of memory: what follows is not compared

# The steps of a program: {n} is a number up to 12, {m} one up to 300, {z} one of odd sizes, {i}
# any number, {a} and {b} values that there are, {x} a place for a new one. What is shown of each
# depends on no address, on no depth of the stack, and not on when the collector runs.
STEPS = """
{x} = [rnd(100) for _ in range({m})]
{x} = [{a}, {b}, {i}] * {n}
{x} = [bytearray(b"ab" * (rnd({z}) + 1)) for _ in range({n})]
{x} = add({a}, {b})
{x} = mul({a}, {n})
{x} = cut({a}, {i}, {i}, {n})
{x} = {i} * {i} + {i}
{x} = big({a}, {b})
{x} = [str(i) * {n} for i in range({m})]
{x} = "".join([chr(65 + i % 26) for i in range({z})])
{x} = ("%d|%s|{{}}" % ({i}, {n})).format({i}) * {n}
{x} = "{{:>{n}}}{{:x}}{{!r}}".format({n}, {m}, "q")
{x} = f"{{{i}}}{{{n}:04d}}{{{m}:#x}}"
{x} = {{rnd(1000): (i, [i]) for i in range({m})}}
{x} = {{i * 7 % {m}: str(i) for i in range({z} % 500)}}
{x} = set(rnd({m} + 1) for _ in range({z} % 700))
{x} = tuple(rnd(9) for _ in range({z} % 90))
{x} = array.array("{c}", [rnd(100) for _ in range({z} % 900)])
{x} = bytes(rnd(256) for _ in range({z} % 900))
{x} = bytearray({z})
{x} = memoryview(bytearray(range(200)))[{n} : {m}]
{x} = struct.pack("<HIQ", {n}, {m}, {m} * {m}) * {n}
{x} = (lambda q: struct.unpack("<" + "H" * q, bytes(q * 2)))({n})
{x} = Node({n}, {a})
{x} = chain({m}, {z})
{x} = tree({n} % 6, {z} % 60)
{x} = mesh({m} % 60, {z})
{x} = Fin({z})
{x} = [Fin(i * 13 % {z} + 1) for i in range({m} % 50)]
{x} = Sub({n}, {a}).total({m})
{x} = list(count({n}, {m}))
{x} = take(count({n}, {m} + 5), {n})
{x} = list(flat(tree({n} % 5, {n})))
{x} = adder({i})({i})
{x} = [f({n}) for f in closures({n})]
{x} = throws({n}, {a})
{x} = nested({n})
{x} = finals({n})
{x} = sorted([rnd({m} + 1) for _ in range({z} % 400)], key=lambda q: -q % 17)
{x} = [k for k in zip(range({m}), reversed(range({m})), "abcdefghi" * {n})]
{x} = list(map(lambda q: q * {i}, range({n})))
{x} = sum(k * k % 97 for k in range({m} * 3))
{x} = json.loads(json.dumps({{"a": [{n}, {m}, None, "x" * {n}], "b": {{"c": {i}}}}}))
{x} = hashlib.sha256(bytes({z})).digest()
{x} = binascii.unhexlify(binascii.hexlify(bytes(rnd(256) for _ in range({m}))))
{x} = binascii.b2a_base64(bytes({z} % 700))
{x} = re.sub("([a-c]+)(y)", r"\\g<2>{n}\\1", "xaby" * {n})
{x} = re.compile("\\\\d+-").split("a{n}-{m}b" * {n})
{x} = text({m}, {z})
{x} = stream({m}, {z})
{x} = ordered({m})
{x} = queue({m}, {n} + 1)
{x} = heap({m})
{x} = Point({n}, {m})._replace(y={i}) if hasattr(Point, "_replace") else Point({n}, {i})
{x} = names({m}, {n})
{x} = dynamic({n}, {i})
{x} = machine_code({m})
{x} = packed({z} % 300)
{x} = churn({m}, {z})
{x} = holes({m}, {z})
{x} = resize({n}, {z})
{x} = large({m}, {z})
{x} = large({z}, {m})
{x} = replace({a}, {n})
{x} = memo({n} + 6)
{x} = int.from_bytes(({i} & ((1 << 200) - 1)).to_bytes(25, "little"), "big")
{x} = divmod({i} * {i} + 1, {m} + 3)
{x} = pow({m} + 2, {m}, {z} + 2)
{x} = (1 << {m}) - ({i} & 0xffff) >> {n}
{x} = str({i} ** {n})[:300]
{x} = {n} / 7 * {m} - 1e-3
{x} = round({m} / 3, {n} % 5)
{x} = float("%d.%d" % ({n}, {m})) // 0.7
{x} = deep({n} * 3)
{x} = walk({a}, {n})
{x} = shuffle({m})
{x} = run(work({n}, {m} % 9))
""".strip().splitlines()

CHANGES = """
grow({a}, {b})
grow({a}, {m})
shrink({a}, {n})
put({a}, {n}, {b})
swap({n}, {m})
tie({a}, {b})
gc.collect()
P[{m} % len(P)] = None
for k in range({n}): P[rnd(len(P))] = [k] * rnd({z} % 600 + 1)
for k in range({m}): t = (k, str(k), [k])
for k in range({n}): P[rnd(len(P))] = bytearray(rnd({z} + 1))
""".strip().splitlines()

PRELUDE = Path(__file__).with_name("guest").joinpath("prelude.py").read_text()


def program(seed, scale=1, count=10):
    """The text of a program of so many parts."""
    rng = random.Random(seed)
    sizes = [
        1,
        3,
        7,
        15,
        16,
        17,
        31,
        33,
        63,
        64,
        65,
        127,
        129,
        255,
        257,
        511,
        513,
        1000,
        2047,
        4097,
    ]

    def fill(text):
        choices = {
            "n": lambda: str(rng.randrange(13)),
            "m": lambda: str(rng.randrange(1, 100 if rng.random() < 0.7 else 300 * scale)),
            "z": lambda: str(rng.choice(sizes) * (scale if rng.random() < 0.2 else 1)),
            "i": lambda: str(
                rng.choice((rng.randrange(99), rng.getrandbits(31), rng.getrandbits(64)))
                if rng.random() < 0.8
                else rng.getrandbits(rng.choice((62, 63, 128, 400)))
            ),
            "a": lambda: f"P[{rng.randrange(12)}]",
            "b": lambda: f"P[{rng.randrange(12)}]",
            "c": lambda: rng.choice("BHIQbhiqfd"),
        }
        text = re.sub(r"\{([nmziabc])\}", lambda found: choices[found[1]](), text)
        return text.replace("{{", "{").replace("}}", "}")

    def step(indent, number):
        pad = "    " * indent
        lines = []
        if rng.random() < 0.3:
            lines.append(pad + fill(rng.choice(CHANGES)))
        at = rng.randrange(12)
        text = fill(rng.choice(STEPS).replace("{x}", f"P[{at}]"))
        lines += [pad + text, f"{pad}show({at}, {number})"]
        return lines

    def block(indent, count, number):
        """Steps, some of them in a loop, a function, a generator or a handler."""
        pad = "    " * indent
        lines = []
        while count > 0:
            inner = min(count, rng.randrange(1, 5))
            kind = rng.random() if indent < 3 else 1
            body = block(indent + 1, inner, number * 10 + count % 10) if kind < 0.42 else []
            if kind < 0.12:
                lines += [f"{pad}for r{indent} in range({rng.randrange(1, 4)}):", *body]
            elif kind < 0.2:
                name = f"f{rng.randrange(1000)}"
                lines += [f"{pad}def {name}(a, *b, c=3, **d):", *body, f"{pad}    return a"]
                lines.append(f"{pad}print({name}(1, 2, 3, c=4, e=5))")
            elif kind < 0.27:
                name = f"g{rng.randrange(1000)}"
                lines += [f"{pad}def {name}(a):", *body, f"{pad}    yield a", *body]
                lines.append(f"{pad}print(next({name}({count})))")
            elif kind < 0.36:
                lines += [f"{pad}try:", *body, f"{pad}    raise ValueError({count})"]
                lines += [f"{pad}except ValueError as error:", f"{pad}    print(error.args)"]
            elif kind < 0.42:
                lines += [f"{pad}if rnd(2):", *body, f"{pad}else:", f"{pad}    gc.collect()"]
            else:
                for _ in range(inner):
                    lines += step(indent, number)
            count -= inner
        return lines

    def guarded(lines):
        return [
            "try:",
            *("    " + line for line in lines),
            "except MemoryError:",
            f"    print('{SHORT}')",
            "    raise SystemExit",
            "except Exception as error:",
            "    print(type(error).__name__)",
        ]

    lines = []
    for number in range(count):
        lines += guarded(block(0, rng.randrange(2, 9), number))
    start = f"SEED = [{rng.getrandbits(30)}]\nSCALE = {scale}\n"
    return start + PRELUDE + "\n".join(lines) + "\n"


def on_unix(text, unix, mpy_dir):
    """What the unix port prints, and its status. asyncio is in upstream's tree."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(text)
        done = subprocess.run(
            [unix, "-X", "heapsize=64m", str(path)],
            cwd=folder,
            env=dict(os.environ, MICROPYPATH=f"{mpy_dir / 'extmod'}:.frozen"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
        )
    return done.stdout.decode(errors="replace"), done.returncode


def difference(expected, got):
    """What is wrong with it, or None; and whether memory was short."""
    short = SHORT in got
    if short:
        got = got[: got.index(SHORT)]
        expected = expected[: len(got)]
    if "CORRUPT" in got:
        return "an object is not what it was", short
    if got != expected:
        wanted, found = expected.splitlines(), got.splitlines()
        at = next(
            (i for i, (a, b) in enumerate(zip(wanted, found, strict=False)) if a != b), len(found)
        )
        return (
            f"line {at + 1}: the unix port prints {wanted[at : at + 2]}, "
            f"the kernel {found[at : at + 2]}"
        ), short
    return None, short


class Runner:
    def __init__(self, kernel, unix, mpy_dir, out):
        self.kernel, self.unix, self.mpy_dir, self.out = kernel, unix, mpy_dir, out
        self.out.mkdir(parents=True, exist_ok=True)
        self.folder = out / "guests"
        self.count = self.short = 0
        self.vm = None
        self.machine = None

    def guest(self, memory):
        if self.vm is None or self.machine != memory:
            self.close()
            shutil.rmtree(self.folder, ignore_errors=True)
            board = "microvm" if memory in ("5M", "8M") else "q35"
            options = {"board": board, "memory": memory, "wait": 300, "append": "log=quiet"}
            self.vm = VM(self.kernel, self.folder, **options).boot()
            self.machine = memory
        return self.vm

    def close(self):
        if self.vm:
            self.vm.close()
            self.vm = None

    def one(self, seed):
        """What is wrong with the program of this seed, or None."""
        rng = random.Random(-seed)
        memory = MEMORIES[seed // 4 % len(MEMORIES)]
        size = {"M": 1, "G": 1024}[memory[-1]] * int(memory[:-1])
        scale = 1 if size < 16 else rng.choice((1, 2, 8))
        # How many blocks of 16 bytes until the next collection.
        blocks = rng.choice((None, None, 0, 1, 2, 3, 7, 50, 1000, 20000))
        busy = blocks is not None and blocks < 100
        text = program(seed, 1 if busy else scale, 2 if busy else rng.randrange(6, 14))
        expected, status = on_unix(text, self.unix, self.mpy_dir)
        if status or SHORT in expected:
            return self.keep(seed, text, f"the unix port: status {status}, {expected[-500:]}")
        vm = self.guest(memory)
        threshold = f"import gc; gc.threshold({blocks * 16 if blocks is not None else -1})\n"
        before = f"# {memory}, {blocks} blocks between collections\n"
        start = time.monotonic()
        try:
            got = vm.exec(threshold + text)
            vm.soft_reset()
        except GuestError as error:
            vm.raw = False
            got = f"{error}"
            if "SystemExit" not in got:
                return self.keep(seed, before + text, got)
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            self.close()
            return self.keep(seed, before + threshold + text, str(error))
        took = time.monotonic() - start
        if took > 10:
            print(f"seed {seed}, {memory}, {blocks} blocks: {took:.0f} s", flush=True)
        problem, short = difference(expected, got)
        self.count += 1
        self.short += short
        return problem and self.keep(seed, before + threshold + text, problem)

    def keep(self, seed, text, problem):
        path = self.out / f"program-{seed}.py"
        path.write_text(text)
        return f"seed {seed}: {problem}\nthe program: {path}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    add = parser.add_argument
    add("--kernel", type=Path, default=ROOT / "build/kernel/ringzero.elf")
    add("--unix", type=Path, default=ROOT / "build/host/unix/micropython")
    add("--mpy-dir", type=Path, default=ROOT / ".deps/micropython-1.25.0")
    add("--out", type=Path, default=ROOT / "build/fuzz", help="folder for what is found")
    add("--seconds", type=float, default=60, help="for how long")
    add("--seed", type=int, default=int(time.time()), help="to begin with (default: the time)")
    add("--print", action="store_true", help="print the program of this seed and run nothing")
    options = parser.parse_args()
    if options.print:
        print(program(options.seed))
        return 0
    runner = Runner(options.kernel, options.unix, options.mpy_dir, options.out)
    start = time.monotonic()
    wrong = 0
    print(f"seed {options.seed}", flush=True)
    seed = options.seed
    while time.monotonic() - start < options.seconds:
        problem = runner.one(seed)
        if problem:
            wrong += 1
            print(problem, flush=True)
        seed += 1
    runner.close()
    print(f"{runner.count} programs, {runner.short} short of memory, {wrong} wrong", flush=True)
    return bool(wrong) or runner.short > runner.count // 4


if __name__ == "__main__":
    sys.exit(main())
