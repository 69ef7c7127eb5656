"""The part of unittest that upstream's tests use. Upstream has its own in a library that is not
in the source package. The guest finds this one in a ROMFS image, and not among its own modules."""

import sys


class SkipTest(Exception):
    pass


class _Raises:
    def __init__(self, expected):
        self.expected = expected

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind is None:
            raise AssertionError("%r was not raised" % self.expected)
        self.exception = value
        return issubclass(kind, self.expected)


class _SubTest:
    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        return False


class TestCase:
    def setUp(self):
        pass

    def tearDown(self):
        pass

    @classmethod
    def setUpClass(cls):
        pass

    @classmethod
    def tearDownClass(cls):
        pass

    def subTest(self, msg=None, **params):
        return _SubTest()

    def fail(self, msg=None):
        raise AssertionError(msg)

    def skipTest(self, reason):
        raise SkipTest(reason)

    def assertTrue(self, value, msg=None):
        if not value:
            self.fail(msg or "%r is not true" % (value,))

    def assertFalse(self, value, msg=None):
        self.assertTrue(not value, msg or "%r is not false" % (value,))

    def assertEqual(self, first, second, msg=None):
        self.assertTrue(first == second, msg or "%r is not %r" % (first, second))

    def assertNotEqual(self, first, second, msg=None):
        self.assertTrue(first != second, msg or "both are %r" % (first,))

    def assertIs(self, first, second, msg=None):
        self.assertTrue(first is second, msg or "%r is not %r itself" % (first, second))

    def assertIsNot(self, first, second, msg=None):
        self.assertTrue(first is not second, msg or "both are the same %r" % (first,))

    def assertIsNone(self, value, msg=None):
        self.assertIs(value, None, msg)

    def assertIsNotNone(self, value, msg=None):
        self.assertIsNot(value, None, msg)

    def assertIn(self, member, container, msg=None):
        self.assertTrue(member in container, msg or "%r is not in %r" % (member, container))

    def assertNotIn(self, member, container, msg=None):
        self.assertTrue(member not in container, msg or "%r is in %r" % (member, container))

    def assertIsInstance(self, value, kind, msg=None):
        self.assertTrue(isinstance(value, kind), msg or "%r is no %r" % (value, kind))

    def assertLess(self, first, second, msg=None):
        self.assertTrue(first < second, msg or "%r is not below %r" % (first, second))

    def assertLessEqual(self, first, second, msg=None):
        self.assertTrue(first <= second, msg or "%r is above %r" % (first, second))

    def assertGreater(self, first, second, msg=None):
        self.assertTrue(first > second, msg or "%r is not above %r" % (first, second))

    def assertGreaterEqual(self, first, second, msg=None):
        self.assertTrue(first >= second, msg or "%r is below %r" % (first, second))

    def assertAlmostEqual(self, first, second, places=7, msg=None, delta=None):
        limit = 0.5 * 10**-places if delta is None else delta
        self.assertTrue(abs(first - second) <= limit, msg or "%r is not %r" % (first, second))

    def assertRaises(self, expected, function=None, *args, **kwargs):
        context = _Raises(expected)
        if function is None:
            return context
        with context:
            function(*args, **kwargs)


def skip(reason):
    def wrap(function):
        def skipped(*_args):
            raise SkipTest(reason)

        return skipped

    return wrap


def skipIf(condition, reason):
    return skip(reason) if condition else lambda function: function


def skipUnless(condition, reason):
    return skipIf(not condition, reason)


def _run(case, name, counts):
    print("%s (%s) ..." % (name, type(case).__name__), end="")
    try:
        case.setUp()
        try:
            getattr(case, name)()
        finally:
            case.tearDown()
        print(" ok")
    except SkipTest as e:
        counts["skipped"] += 1
        print(" skipped:", e.args[0])
    except Exception as e:
        counts["failures" if isinstance(e, AssertionError) else "errors"] += 1
        print(" FAIL")
        sys.print_exception(e)


def main(module="__main__"):
    """Runs every test of a module and ends with the lines that upstream's runner looks for."""
    counts = {"run": 0, "skipped": 0, "failures": 0, "errors": 0}
    module = __import__(module)
    for kind in [getattr(module, name) for name in dir(module)]:
        if not isinstance(kind, type) or not issubclass(kind, TestCase) or kind is TestCase:
            continue
        kind.setUpClass()
        for name in dir(kind):
            if name.startswith("test"):
                counts["run"] += 1
                _run(kind(), name, counts)
        kind.tearDownClass()

    print("-" * 70)
    print("Ran %d tests\n" % counts["run"])
    if counts["failures"] or counts["errors"]:
        print("FAILED (failures=%(failures)d, errors=%(errors)d)" % counts)
    elif counts["skipped"]:
        print("OK (skipped=%(skipped)d)" % counts)
    else:
        print("OK")
