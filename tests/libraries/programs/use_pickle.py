# needs: micropython-pickle
# also: cpython

import pickle

x = {"a": [1, 2.5, None, True], "b": ("t", b"bytes"), 3: {"n": "\u00e9"}}
print(pickle.loads(pickle.dumps(x)) == x)
