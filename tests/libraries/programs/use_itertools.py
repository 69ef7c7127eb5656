# needs: micropython-itertools micropython-functools
# also: cpython

import functools
import itertools

print(list(itertools.islice(itertools.count(10, 3), 5)))
print(list(itertools.chain([1, 2], "ab", (3,))))
print([x for x, _ in zip(itertools.cycle("abc"), range(10))])
print(list(itertools.repeat(5, 3)), list(itertools.starmap(pow, [(2, 5), (3, 2)])))
print(functools.reduce(lambda a, b: a + b, range(100)), functools.partial(pow, 2)(11))
