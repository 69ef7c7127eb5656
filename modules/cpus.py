# The machine's CPUs: each runs an interpreter of its own. What goes between them are values.

from _sync import *

try:
    import _calls
    from _calls import *
except ImportError:
    # Not in a kernel: there are no other CPUs.
    pass

_all = None


def all():
    """All CPUs, as a tuple of Cpu, by number; the first call starts them."""
    global _all
    if _all is not None:
        return _all
    found = _calls.all()
    if _calls._used():
        _all = found
    return found


def _cancel(calls):
    for call in calls:
        call.cancel()


def map(function, iterable):
    """Results of function(item), in order, taken by all CPUs that are not busy."""
    me = all()[here()]
    free = [cpu for cpu in all() if not cpu.busy]
    if not free:
        free = [me]
    results = []
    calls = []
    items = []

    def take():
        # Its CPU may be busy with something else by now, which may wait for this: it is done here.
        call = calls[0]
        if not call.wait(10) and call._withdraw():
            calls[0] = call = me.run(function, items[0])
        results.append(call.result())
        calls.pop(0)
        items.pop(0)

    try:
        for item in iterable:
            # Each has one that runs and one that waits; the oldest one's is the next to be free.
            if len(calls) == 2 * len(free):
                take()
            calls.append(free[0].run(function, item))
            items.append(item)
            free.append(free.pop(0))
        while calls:
            take()
    except BaseException:
        _cancel(calls)
        raise
    return results


def each(function, *args, **kwargs):
    """Results of function(*args, **kwargs) on every CPU, by number."""
    from machine import cpuid, rdmsr, wrmsr

    cpus = all()
    if function in (cpuid, rdmsr, wrmsr):
        # They have an answer from a CPU that is busy, too.
        return [function(*args, cpu=cpu.n, **kwargs) for cpu in cpus]
    calls = [cpu.run(function, *args, **kwargs) for cpu in cpus if cpu.n != here()]
    try:
        calls.insert(here(), cpus[here()].run(function, *args, **kwargs))
        return [call.result() for call in calls]
    except BaseException:
        _cancel(calls)
        raise


def _wait_for(call):
    from asyncio import core

    waits = core._io_queue
    try:
        while not call.done():
            if id(call) in waits.map:
                # For another task, and it takes no two.
                yield from core.sleep_ms(1)
            else:
                yield waits.queue_read(call)
    except core.CancelledError:
        call.cancel()
        raise
    try:
        return call.result()
    except KeyboardInterrupt:
        # Cancelled by whom else waits for it: the loop itself goes on.
        raise core.CancelledError from None
