# Page memory: whole frames, zeroed, reached as buffers.
#
# `with alloc(4) as p:` gives a Pages object: p.addr, p.va, len(p), p[i], p[i:j], memoryview(p) and
# whatever else takes a buffer. Its frames go back with close() or at the end of `with`, never by
# themselves. After that all but close(), repr() and bool() is a ValueError. A memoryview that was
# taken before still points at the frames: let none live longer than its pages.

from _pages import *

try:
    from _space import *
except ImportError:
    # Not in a kernel: there are no page tables.
    pass
