# BITS has CPUs that wait use MWAIT with a hint. Here they halt, and there is no hint to give.


class use_hint:
    """For `with`, which BITS's scripts have around what measures frequencies."""

    def __init__(self, hint=None):
        self.hint = hint

    def __enter__(self):
        pass

    def __exit__(self, *error):
        pass
