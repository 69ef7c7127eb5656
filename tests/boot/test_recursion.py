"""Recursion without end is a RuntimeError wherever it happens; the machine goes on."""

import pytest

pytestmark = pytest.mark.board("microvm")

SETUP = """
import json, micropython, re
def python(n):
    return python(n + 1)
@micropython.native
def native(n):
    return native(n + 1)
@micropython.viper
def viper(n):
    return viper(n)
def generator():
    yield from generator()
class Mirror:
    def __repr__(self):
        return repr(self)
    def __eq__(self, other):
        return self == other
    def __getattr__(self, name):
        return getattr(self, name)
def nest(wrap):
    inner = ()
    for _ in range(8000):
        inner = wrap(inner)
    return inner
lists, tuples, dicts = nest(lambda x: [x]), nest(lambda x: (x,)), nest(lambda x: {1: x})
def error(f):
    try:
        f()
        print("nothing")
    except RuntimeError as e:
        print(e)
"""

CASES = {
    "python": "python(0)",
    "native": "native(0)",
    "viper": "viper(0)",
    "generator": "list(generator())",
    "method": "repr(Mirror())",
    "attribute": "Mirror().x",
    "operator": "Mirror() == 1",
    "repr of lists": "repr(lists)",
    "repr of tuples": "repr(tuples)",
    "repr of dicts": "repr(dicts)",
    "json": "json.dumps(lists)",
    "equal lists": "lists == nest(lambda x: [x])",
    "equal tuples": "tuples == nest(lambda x: (x,))",
    "equal dicts": "dicts == nest(lambda x: {1: x})",
    "order": "tuples < nest(lambda x: (x,))",
    "hash": "hash(tuples)",
    "re match": "re.match('(a|b)*c', 'ab' * 50000)",
    "re compile": "re.compile('(' * 20000 + ')' * 20000)",
    "compile lists": "compile('[' * 8000 + ']' * 8000, 'x', 'eval')",
    "compile operators": "compile('-' * 20000 + 'a', 'x', 'eval')",
    "compile calls": "compile('f(' * 8000 + ')' * 8000, 'x', 'eval')",
    "compile natively": "exec('@micropython.native\\ndef f(): ' + 'f(' * 8000 + ')' * 8000)",
}


def test_recursion(vm):
    """Python, machine code, the compiler, re, json, repr, comparisons and hashes."""
    vm.exec(SETUP)
    for name, code in CASES.items():
        result = vm.exec(f"error(lambda: {code})")
        assert result == "maximum recursion depth exceeded\n", name
    assert vm.eval("1 + 1") == 2


def test_loads(vm):
    """json.loads needs no stack for what is nested deep."""
    result = vm.exec("import json; print(type(json.loads('[' * 50000 + ']' * 50000)))")
    assert result == "<class 'list'>\n"
