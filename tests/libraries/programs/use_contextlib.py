# needs: micropython-contextlib micropython-ucontextlib
# needs: micropython-collections micropython-collections-deque

import contextlib

import ucontextlib


@ucontextlib.contextmanager
def tag(name):
    print("<%s>" % name)
    try:
        yield name * 2
    finally:
        print("</%s>" % name)


with tag("a") as x:
    with tag("b"):
        print(x)
with contextlib.suppress(KeyError):
    {}[1]
try:
    with tag("c"):
        raise ValueError(3)
except ValueError as error:
    print(error.args)


class Thing:
    def close(self):
        print("closed")


with contextlib.closing(Thing()):
    print("open")
