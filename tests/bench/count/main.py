# The guest's part of bench_frames_kernel.py: prints "name count" lines.
import gc
from time import ticks_cpu

import framecount
import frames
from framecount import empty0, empty1
from frames import alloc, free

STEPS = 1000


def pairs(get, put):
    start = ticks_cpu()
    for _ in range(STEPS):
        put(get())
    return ticks_cpu() - start


def steps():
    start = ticks_cpu()
    for _ in range(STEPS):
        pass
    return ticks_cpu() - start


before = frames.stats().free
medians = framecount.random()
print("alloc in C", medians[0])
print("free in C", medians[1])
if frames.stats().free != before:
    raise SystemExit("frames are lost")
pairs(empty0, empty1)
pairs(alloc, free)
loop = steps()
empty = pairs(empty0, empty1) - loop
real = pairs(alloc, free) - loop
print("two empty calls from Python", empty // STEPS)
print("alloc and free from Python", real // STEPS)
print("ratio in percent", real * 100 // empty)
gc.collect()
gc.disable()
used = gc.mem_alloc()
for _ in range(STEPS):
    free(alloc())
print("bytes of heap per pair", (gc.mem_alloc() - used) // STEPS)
