# Latency that nobody asked for: how long, and how often, the CPU is taken away by its firmware in
# system management mode, which shows in the time stamp counter alone.

import micropython

LIMITS_US = (1, 10, 100, 1000, 10000, 100000, 1000000)
_SLICE_US = const(1000)  # with interrupts off


@micropython.native
def _watch(now, span, limits, counts):
    # Looks at a clock for `span` of its ticks, and counts the gaps between two looks by length:
    # up to each of the limits, and longer ones. How many ticks it was, and the longest gap.
    first = last = now()
    usual = limits[0]
    longest = looks = 0
    while True:
        at = now()
        gap = at - last
        last = at
        if gap > longest:
            longest = gap
        if gap > usual:
            i = 1
            while i < len(limits) and gap > limits[i]:
                i += 1
            counts[i] += 1
            # This has taken time as well.
            last = now()
        else:
            looks += 1
        if at - first >= span:
            break
    counts[0] += looks
    return at - first, longest


def _by_slices(watch, ticks):
    # Calls watch(ticks of a slice), which returns those that it has watched, with interrupts off,
    # until there are enough: how many there were, and SMIs meanwhile, or None.
    import machine

    span = machine.freq() * _SLICE_US // 1000000
    before = count()
    total = 0
    while total < ticks:
        state = machine.disable_irq()
        try:
            total += watch(span)
        finally:
            machine.enable_irq(state)
    after = count()
    return total, None if before is None else after - before & 0xFFFFFFFF


def measure(ms=1000):
    """Watch this CPU for so long: a dict of what it has not seen.

    "gaps" counts the times between two looks at the clock: up to each of LIMITS_US, and longer.
    "longest_us" is the longest, "ms" how long it was watched, "smis" how many SMIs there were
    meanwhile, or None where the CPU does not count them.
    """
    from time import ticks_cpu

    import machine

    if not isinstance(ms, int) or ms <= 0:
        raise ValueError("ms=%r: a number from 1 on" % (ms,))
    hz = machine.freq()
    limits = [hz * limit // 1000000 for limit in LIMITS_US]
    counts = [0] * (len(limits) + 1)
    longest = 0

    def watch(span):
        nonlocal longest
        watched, gap = _watch(ticks_cpu, span, limits, counts)
        longest = max(longest, gap)
        return watched

    total, smis = _by_slices(watch, hz * ms // 1000)
    return {
        "gaps": counts,
        "longest_us": longest * 1000000 // hz,
        "ms": total * 1000 // hz,
        "smis": smis,
    }


def count(n=None):
    """SMIs of CPU n, or of the one that runs this, since its reset; None where it does not say."""
    from msr import cpu

    value = cpu(n).read("SMI_COUNT")
    return None if value is None else value & 0xFFFFFFFF


def show(ms=1000):
    """Print what measure() finds, as a histogram."""
    found = measure(ms)
    names = ["up to %7d us" % limit for limit in LIMITS_US] + ["longer than that"]
    for name, gaps in zip(names, found["gaps"]):
        if gaps:
            print("%-17s %9d" % (name, gaps))
    print("longest: %d us, in %d ms" % (found["longest_us"], found["ms"]))
    smis = found["smis"]
    print("SMIs: %s" % ("the CPU does not count them" if smis is None else smis))


del micropython
