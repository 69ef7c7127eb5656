# BITS prints to its screen and to a log. Here the serial line is both.


class _Both:
    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass


def log():
    """What is printed goes to screen and log."""
    return _Both()


def logonly():
    """What is printed goes to the log; here it is seen as well."""
    return _Both()


def nolog():
    """What is printed goes to the screen; here it is logged as well."""
    return _Both()
