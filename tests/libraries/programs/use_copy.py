# needs: micropython-copy micropython-types
# also: cpython

import copy

a = [1, [2, 3], {"k": [4]}]
b = copy.copy(a)
c = copy.deepcopy(a)
a[1].append(9)
a[2]["k"].append(8)
print(a, b, c)


class Node:
    def __init__(self, x):
        self.x = x


n = [Node([i]) for i in range(50)]
m = copy.copy(n)
print(m[3] is n[3], copy.deepcopy([[i] * 3 for i in range(20)])[19])
