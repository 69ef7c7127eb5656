# The tests that scripts register, how they are run, and what is printed of each.

import sys

import ttypager

V_NONE, V_FAIL, V_DETAIL, V_PASS = range(4)

verbose = V_DETAIL
pass_count = 0
fail_count = 0
last_test_failed = False
tests = {}
submenus = []


def set_verbose(value):
    """What is printed: V_NONE, V_FAIL: failures, V_DETAIL: with detail, V_PASS: all of it."""
    global verbose
    if not V_NONE <= value <= V_PASS:
        raise ValueError("verbosity %s: 0 to 3" % value)
    verbose = value


def reset():
    """Start counting at 0."""
    global last_test_failed, pass_count, fail_count
    pass_count = fail_count = 0
    last_test_failed = False


def get_summary_count():
    """(passed, failed)"""
    return pass_count, fail_count


def test(desc, value):
    """Count a condition as passed or failed; whether it has passed."""
    global last_test_failed, pass_count, fail_count
    last_test_failed = not value
    if value:
        pass_count += 1
    else:
        fail_count += 1
    if verbose == V_PASS or verbose >= V_FAIL and not value:
        print("[assert] %s %s" % (desc, "PASS" if value else "FAIL"))
    return bool(value)


def print_info(text):
    """Print a text if all is printed."""
    if verbose == V_PASS:
        print("[info] %s" % text)


def show_detail():
    """Whether detail of the last condition is printed."""
    return verbose == V_PASS or verbose == V_DETAIL and last_test_failed


def format_detail(text):
    """A text in lines that fit, indented."""
    return "\n".join([ttypager._wrap("  " + line) for line in str(text).split("\n")])


def print_detail(text):
    """Print a text if detail of the last condition is printed."""
    if show_detail():
        print(format_detail(text))


def summary():
    """Print how many have passed and failed, and start again."""
    print("Summary: %d passed, %d failed" % (pass_count, fail_count))
    reset()


class _Test:
    def __init__(self, name, func, runall, runsub):
        self.name = name
        self.func = func
        self.runall = runall
        self.runsub = runsub


def add_test(name, func, submenu=None, runall=True, runsub=None):
    """Register a test in a submenu; whether it runs with all tests, and with all of those."""
    if submenu not in tests:
        tests[submenu] = []
        if submenu is not None:
            submenus.append(submenu)
    tests[submenu].append(_Test(name, func, runall, runall if runsub is None else runsub))


def _run(one, heading):
    # What it has passed and failed. An exception is a failure.
    print(heading % one.name)
    try:
        one.func()
    except Exception as error:
        test("Internal error; test threw exception", False)
        sys.print_exception(error)
    counts = get_summary_count()
    summary()
    return counts


def _run_all(found, heading, total):
    for one in found:
        passed, failed = _run(one, heading)
        total = total[0] + passed, total[1] + failed
    return total


def run_submenu(submenu):
    """Run the tests of a submenu; how many conditions have passed and failed."""
    print("\n==== %s ====" % submenu)
    reset()
    total = _run_all([one for one in tests[submenu] if one.runsub], "---- %s ----", (0, 0))
    print("\n==== Overall summary: %d passed, %d failed ====" % total)
    return total


def run_all_tests():
    """Run all tests; how many conditions have passed and failed."""
    print("\nRunning all tests")
    reset()
    total = (0, 0)
    for submenu in submenus + [None]:
        found = [one for one in tests.get(submenu, ()) if one.runall]
        if found and submenu is not None:
            print("\n==== %s ====" % submenu)
        total = _run_all(found, "\n==== %s ====" if submenu is None else "---- %s ----", total)
    print("\n==== Overall summary: %d passed, %d failed ====" % total)
    return total
