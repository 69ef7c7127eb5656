# needs: micropython-pprint

from pprint import pformat, pprint

pprint([1, {"a": 2}, (3, "x")])
print(pformat([None] * 5))
