# Two tasks hand numbers on to each other while a third counts time.

import asyncio

__version__ = "1.0"


class Channel:
    """Holds one value at a time."""

    def __init__(self):
        self._value = None
        self._full = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    async def put(self, value):
        await self._empty.wait()
        self._empty.clear()
        self._value = value
        self._full.set()

    async def get(self):
        await self._full.wait()
        self._full.clear()
        self._empty.set()
        return self._value


async def produce(channel, count, pause_ms):
    for i in range(count):
        await channel.put(i * i)
        await asyncio.sleep_ms(pause_ms)
    await channel.put(None)


async def consume(channel):
    values = []
    while True:
        value = await channel.get()
        if value is None:
            return values
        values.append(value)


async def tick(ticks):
    while True:
        await asyncio.sleep_ms(1)
        ticks.append(len(ticks))


async def relay(count, pause_ms):
    """The first `count` squares, and whether time went on meanwhile."""
    channel = Channel()
    ticks = []
    ticker = asyncio.create_task(tick(ticks))
    _, values = await asyncio.gather(produce(channel, count, pause_ms), consume(channel))
    ticker.cancel()
    return values, len(ticks) >= count
