# Tracebacks of exceptions that are handed over.

import sys


def print_exc(error=None):
    """Print an exception. Without it there is none to print: MicroPython does not keep it."""
    if error is None:
        print("(an exception that is not known)")
    else:
        sys.print_exception(error)
