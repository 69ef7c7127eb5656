# needs: micropython-utokenize micropython-token

import io

import utokenize

SOURCE = """def f(x, y=2):
    # nothing
    if x >= 0x1f:
        return "a b" + 'c'

f(1)
"""
for token in utokenize.tokenize(io.StringIO(SOURCE).readline):
    print(token.type, repr(token.string), token.start)
