# How long the CPU is taken away by firmware: the gaps that the time stamp counter shows.

import time

import micropython
from smi import _by_slices


@micropython.native
def _watch(now, span, limits, found):
    first = last = now()
    while True:
        at = now()
        gap = at - last
        i = 0
        while i < len(limits) and gap > limits[i]:
            i += 1
        one = found[i]
        if gap > one[0]:
            one[0] = gap
        one[1] += gap
        one[2] += 1
        if one[2] <= 10:
            one[3].append(at)
        if at - first >= span:
            return at - first
        # What this has taken is nobody else's.
        last = now()


def smi_latency(duration, bins):
    """Watch for `duration` ticks: (longest gap, SMIs or None, bins).

    A bin is (longest, sum, number, times of the first ones) of the gaps up to each limit of
    `bins`, and of longer ones; in ticks of the time stamp counter.
    """
    found = [[0, 0, 0, []] for _ in range(len(bins) + 1)]
    _, smis = _by_slices(lambda span: _watch(time.ticks_cpu, span, bins, found), duration)
    return max([one[0] for one in found]), smis, [tuple(one) for one in found]
