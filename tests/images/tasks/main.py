import asyncio

import checksum
import tasks

print("tasks:", asyncio.run(tasks.relay(count=5, pause_ms=10)))
print("checksum:", hex(checksum.fletcher16(b"abcde")))
