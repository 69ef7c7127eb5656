# What memmap gives for a region of its map.


class Region:
    """[start, end) and its kind. Compares and unpacks as a tuple of the three."""

    def __init__(self, start, end, kind):
        self.start = start
        self.end = end
        self.kind = kind

    def __iter__(self):
        return iter((self.start, self.end, self.kind))

    def __eq__(self, other):
        return tuple(self) == tuple(other)

    def __repr__(self):
        return "Region(start=0x%x, end=0x%x, kind=%d)" % (self.start, self.end, self.kind)
