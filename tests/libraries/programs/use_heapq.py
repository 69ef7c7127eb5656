# needs: micropython-heapq micropython-itertools
# also: cpython

import heapq

x = []
for i in range(500):
    heapq.heappush(x, (i * 7919) % 1009)
print([heapq.heappop(x) for _ in range(500)] == sorted((i * 7919) % 1009 for i in range(500)))
