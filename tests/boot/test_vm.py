"""What the interpreter's loop does without a call; CPython is the oracle."""

import random

import pytest

INTEGERS = "+ - * // % & | ^ << >> < > <= >= == !=".split()
FLOATS = "+ - * / < > <= >= == != // %".split()
EDGES = [
    sign * ((1 << bits) + offset)
    for bits in (0, 1, 2, 31, 32, 61, 62, 63, 64)
    for offset in (-2, -1, 0, 1)
    for sign in (1, -1)
]


# On both sides.
OUTCOME = """
import struct
def outcome(function):
    try:
        value = function()
    except Exception as error:
        return type(error).__name__
    if isinstance(value, float):
        return struct.pack('<d', value).hex() if value == value else 'nan'
    return repr(value)
"""
HOST = {}
exec(OUTCOME, HOST)
outcome = HOST["outcome"]

GUEST_OUTCOME = (
    OUTCOME
    + """
def both(function, inplace, a, b):
    first, second = outcome(lambda: function(a, b)), outcome(lambda: inplace(a, b))
    return first if first == second else first + ' but in place ' + second
"""
)


def in_cpython(operator, pairs):
    function = eval(f"lambda a, b: a {operator} b")
    return [outcome(lambda pair=pair: function(*pair)) for pair in pairs]


def in_guest(vm, operator, pairs):
    inplace = (
        "a {}= b; return a" if operator[0] not in "<>=!" or operator in ("<<", ">>") else None
    )
    vm.exec(f"def function(a, b): return a {operator} b")
    vm.exec(f"def inplace(a, b): {(inplace or 'return a {} b').format(operator)}")
    text = vm.exec(f"for a, b in {pairs!r}: print(both(function, inplace, a, b))", 60)
    return text.splitlines()


@pytest.mark.parametrize("seed", range(2))
def test_integers(vm, seed):
    """Every operation on integers around all limits, as a value and in place."""
    rng = random.Random(seed)
    vm.exec(GUEST_OUTCOME)
    for operator in INTEGERS:
        left = rng.sample(EDGES, 12) + [rng.getrandbits(rng.randint(1, 64)) for _ in range(4)]
        right = rng.sample(EDGES, 12) + [rng.randint(-70, 70) for _ in range(6)]
        if operator in ("<<", ">>"):
            right = [*range(-2, 4), *range(58, 68)]
        pairs = [(a, b) for a in left for b in right]
        wanted = in_cpython(operator, pairs)
        got = in_guest(vm, operator, pairs)
        for pair, one, other in zip(pairs, got, wanted, strict=True):
            assert one == other, (operator, pair)


def test_floats(vm):
    """Every operation on floats, with the infinities, zeros and what is no number."""
    rng = random.Random(0)
    vm.exec(GUEST_OUTCOME + "inf = float('inf'); nan = float('nan')")
    values = [0.0, -0.0, 1.5, -2.25, 1e308, -1e308, 5e-324, 0.1, float("inf"), float("nan")]
    values += [rng.uniform(-1e6, 1e6) for _ in range(4)]
    pairs = [(a, b) for a in values for b in values]
    for operator in FLOATS:
        if operator in ("//", "%"):
            pairs = [(a, b) for a, b in pairs if abs(a) < 1e7 and abs(b) < 1e7 and b and a > 0 < b]
        wanted = in_cpython(operator, pairs)
        got = in_guest(vm, operator, pairs)
        for pair, one, other in zip(pairs, got, wanted, strict=True):
            assert one == other, (operator, pair)


ITEMS = """
def program(outcome):
    class List(list): pass
    class Tuple(tuple): pass
    found = []
    indexes = [0, 1, 2, 3, -1, -3, -4, True, 'c', None, 1.0]
    indexes += [1 << 61, -(1 << 61), (1 << 62) - 1, -(1 << 62), 1 << 64]
    for make in (lambda: [1, 'b', None], lambda: (1, 'b', None), lambda: {0: 'a', -1: 'b', 'c': 2},
                 lambda: [], lambda: (), lambda: {}, lambda: List([1, 2]), lambda: Tuple((1, 2)),
                 lambda: 'abc', lambda: 5):
        for index in indexes:
            thing = make()
            def write(value=7): thing[index] = value
            def change(): thing[index] += 1
            def delete(): del thing[index]
            for action in (lambda: thing[index], write, lambda: thing[index], change, delete):
                found.append(outcome(action))
            if isinstance(thing, (list, tuple)):
                found.append(repr(list(thing)))
    return found
"""
# MicroPython says it in fewer ways.
ERRORS = {"OverflowError", "IndexError", "KeyError", "TypeError", "AttributeError"}


def test_items(vm):
    """Items of lists, tuples, dictionaries and others are read, written and deleted, or raise."""
    names = {}
    exec(ITEMS, names)
    wanted = names["program"](outcome)
    vm.exec(GUEST_OUTCOME + ITEMS)
    got = vm.exec("for one in program(outcome): print(one)", 60).splitlines()
    assert len(got) == len(wanted) > 700
    for number, (one, other) in enumerate(zip(got, wanted, strict=True)):
        assert one == other or {one, other} <= ERRORS, number
