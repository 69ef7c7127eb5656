# needs: micropython-bisect
# also: cpython

import bisect

x = []
n = 7
for _ in range(300):
    n = n * 1103515245 + 12345 & 0x7FFFFFFF
    bisect.insort(x, n % 1000)
print(x == sorted(x), x[:10], bisect.bisect_left(x, 500), bisect.bisect_right(x, 500))
