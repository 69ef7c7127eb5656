#!/usr/bin/env python3
"""What several CPUs do at once: the same Python work on each, calls and queues between them."""

import argparse
import json
import multiprocessing
import os
import re
import shutil
import sys
import time

from bench_linux import UNIX_OPTIONS
from bench_vm import BUILD, OPTIONS, ROOT, make, run

HERE = ROOT / "tests" / "bench"
NOT_SCALED = ("call", "spin", "queue16", "queue64k")
ROUNDS = 60
HOST_WORK = 7000000  # some 0.1 s
BENCHMARKS = ("bm_fannkuch.py", "misc_pystone.py")


def make_app(mpy_dir, what):
    app = BUILD / f"cpus-{what}"
    shutil.rmtree(app, ignore_errors=True)
    shutil.copytree(HERE / "cpus", app)
    main = app / "main.py"
    main.write_text(f"WHAT = {what!r}\n" + main.read_text())
    for name in BENCHMARKS:
        shutil.copy(mpy_dir / "tests" / "perf_bench" / name, app)
    return app


def measure(kernel, app, cpus, *qemu):
    """The numbers of each line that it prints."""
    command = [sys.executable, ROOT / "scripts/run.py", "--smp", cpus, "--kernel", kernel]
    return read(run([*command, "--timeout", "900", app, "--", *qemu]))


def read(text):
    lines = {}
    for line in text.splitlines():
        found = re.fullmatch(r"(?:scale )?(\w+)((?: [0-9.]+)+)", line.strip())
        if found:
            lines[found[1]] = [float(number) for number in found[2].split()]
    return lines


def unix_port(mpy_dir, gil):
    """Upstream's unix port with threads, with its GIL or without."""
    folder = BUILD / f"unix-threads-{'gil' if gil else 'no-gil'}"
    defines = f"-DMICROPY_PY_THREAD=1 -DMICROPY_PY_THREAD_GIL={int(gil)}"
    arguments = [f"BUILD={folder}", "MICROPY_PY_THREAD=0", "FROZEN_MANIFEST="]
    arguments += [f"VARIANT_DIR={HERE / 'threads'}", f"CFLAGS_EXTRA={defines}"]
    make(mpy_dir / "ports/unix", [*arguments, *UNIX_OPTIONS])
    return folder / "micropython"


def show(rows, kind, work, cpus, times):
    print(f"{kind}: {work or 'work'} on {cpus}: {times:.2f}")
    rows.append({"kind": kind, "work": work, "cpus": cpus, "times": times})


def show_lines(rows, kind, count, lines):
    for name, times in lines.items():
        for some in range(2, count + 1):
            show(rows, kind, name, some, some * times[0] / times[some - 1])


def spend(barrier, times):
    for _ in range(ROUNDS):
        barrier.wait()
        start = time.perf_counter()
        sum(range(HOST_WORK))
        times.put(time.perf_counter() - start)


def of_host(count):
    """Seconds of that in so many processes of the host at once: the least of the slowest."""
    barrier, times = multiprocessing.Barrier(count), multiprocessing.Queue()
    processes = [
        multiprocessing.Process(target=spend, args=(barrier, times)) for _ in range(count)
    ]
    for process in processes:
        process.start()
    # Each round begins when all have ended the one before.
    rounds = [max(times.get() for _ in range(count)) for _ in range(ROUNDS)]
    for process in processes:
        process.join()
    return min(rounds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, parents=[OPTIONS], allow_abbrev=False)
    parser.add_argument("--cpus", type=int, default=max(2, min(os.cpu_count(), 4)))
    options = parser.parse_args()
    kernel = options.kernel.resolve()

    app = make_app(options.mpy_dir, "all")
    cost = make_app(options.mpy_dir, "cost")
    counted = measure(kernel, cost, 2, "-icount", "shift=0,sleep=off")
    timed = measure(kernel, cost, 2)
    here = measure(kernel, app, options.cpus)
    print(f"call there and back: {counted['call'][0]:.0f} instructions of both CPUs")
    print(f"call there and back: {timed['call'][1]:.1f} us, the CPU halted in between")
    print(f"a word there and back: {here['spin'][1]:.1f} us, both CPUs spinning in Python")
    print(f"queue: {1e6 / here['queue16'][1]:.0f} messages/s of 16 bytes")
    print(f"queue: {65536 / here['queue64k'][1]:.0f} MB/s in messages of 64 KiB")

    print("\nwork of one CPU that several do at once, each with a core of the host:")
    rows = []
    alone = of_host(1)
    for count in range(2, options.cpus + 1):
        show(rows, "processes of the host", "", count, count * alone / of_host(count))
    scaled = {name: here[name] for name in here if name not in NOT_SCALED}
    show_lines(rows, "ringzero", options.cpus, scaled)
    for gil in False, True:
        program = unix_port(options.mpy_dir, gil)
        command = [program, "-X", "heapsize=64m", app / "threads.py", options.cpus]
        lines = read(run(command, env={**os.environ, "MICROPYPATH": str(app)}))
        kind = f"the unix port's threads {'with' if gil else 'without'} a GIL"
        show_lines(rows, kind, options.cpus, lines)
    (BUILD / "cpus.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
