# Whether what firmware has left is in order, and agrees with itself and with the machine: the
# checks that BITS has, one line each.

_MODULES = ("_firmware_acpi", "_firmware_aml", "_firmware_smbios", "_firmware_cpu")

PASSED = "PASS"
FAILED = "FAIL"
SKIPPED = "SKIP"


def _checks():
    # (name, source, function) of each check.
    for module in _MODULES:
        yield from __import__(module).CHECKS


def names():
    """The names of all checks, a list, in the order in which they run."""
    return [name for name, _, _ in _checks()]


def _text(value):
    # Numbers in hex, as manuals have them, and lists of such.
    if isinstance(value, list):
        return ", ".join([_text(one) for one in value]) or "none"
    if isinstance(value, int) and not -10 < value < 10:
        return "0x%x" % value
    return "%s" % (value,)


def results(*only):
    """(outcome, name, text) of each line: of all checks, or of those that are named.

    The outcome is PASSED, FAILED or SKIPPED; the text says what was looked at, what was expected
    and found, and which manual says so, or why it does not apply. ValueError for another name.
    """
    known = names()
    for name in only:
        if name not in known:
            raise ValueError("%s: no check; there are %s" % (name, " ".join(known)))
    return _results(only)


def _results(only):
    from _firmware_base import Skip

    for name, source, function in _checks():
        if only and name not in only:
            continue
        try:
            for what, good, expected, found in function():
                expected, found = _text(expected), _text(found)
                text = "%s: expected %s, found %s [%s]" % (what, expected, found, source)
                yield PASSED if good else FAILED, name, text
        except Skip as reason:
            yield SKIPPED, name, "%s" % reason
        except Exception as error:
            text = "%s: %s" % (type(error).__name__, error)
            yield FAILED, name, "all of it: expected an end, found %s [%s]" % (text, source)


def run(*only):
    """Print the lines of all checks, or of those that are named, and how many passed and failed.

    Returns how many failed, 100 at most: a program's status. ValueError for another name.
    """
    counts = {PASSED: 0, FAILED: 0, SKIPPED: 0}
    for outcome, name, text in results(*only):
        counts[outcome] += 1
        print("%s %s: %s" % (outcome, name, text))
    print("Skipped: %d" % counts[SKIPPED])
    print("Summary: %d passed, %d failed" % (counts[PASSED], counts[FAILED]))
    return min(counts[FAILED], 100)
