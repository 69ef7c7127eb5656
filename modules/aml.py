# AML, the language of firmware's DSDT and SSDTs, for everybody.

from _aml import AmlError as AmlError
from _aml import Interpreter as _Interpreter
from _aml import Reference as Reference
from _aml_values import kind_of as _kind_of


class Namespace:
    """The namespace of a machine's tables, as bytes with their headers, the DSDT first.

    `hardware` is what their fields reach; with None they reach nothing. `limit` is how many loops
    and calls an evaluation may take. `on_debug` is called with each value that is stored to Debug,
    `on_notify` with the path of each device that is notified, and a number. `problems` is a list
    of what in the tables could not be run.
    """

    def __init__(self, tables, hardware=None, limit=200000, on_debug=None, on_notify=None):
        interpreter = _Interpreter(tables, hardware, limit, on_debug, on_notify)
        self._interpreter = interpreter
        self.problems = interpreter.problems

    def evaluate(self, path, *args):
        """The value of a name, or what a method returns: int, str, bytes, list, None or Reference.

        Arguments are int, str, bytes and list. AmlError where there is no value.
        """
        return self._interpreter.evaluate(path, *args)

    def names(self):
        """All names: (path, type), each before what is in it."""
        for path, node in self._interpreter.names():
            yield path, _kind_of(node.obj)

    def devices(self):
        """(path, hardware ID or None, whether it is there) of each device and processor."""
        return self._interpreter.devices()

    def resources(self, path):
        """The resources of a device, by its _CRS, or of a name that is a template: dicts.

        Each has its `kind`, and fields by their names. AmlError where there are none.
        """
        return self._interpreter.resources(path)

    def initialize(self):
        """Tell firmware of the regions that can be reached, and have the devices set up.

        Runs _REG of all regions, \\_INI and \\_SB._INI, and _INI of each device that is there, as
        systems do at their start. What fails is added to `problems`.
        """
        self._interpreter.initialize()


class Trace:
    """Another Hardware, with a list of what is asked of it: `log`.

    An entry is (region's path, offset, size in bytes, value read, value written).
    """

    def __init__(self, hardware):
        self.hardware = hardware
        self.log = []

    def read(self, region, offset, size):
        value = self.hardware.read(region, offset, size)
        self.log.append((region.node.path, offset, size, value, None))
        return value

    def write(self, region, offset, size, value):
        self.log.append((region.node.path, offset, size, None, value))
        self.hardware.write(region, offset, size, value)

    def transfer(self, region, offset, protocol, connection, data, write):
        given = bytes(data) if write else None
        self.hardware.transfer(region, offset, protocol, connection, data, write)
        self.log.append((region.node.path, offset, len(data), bytes(data), given))

    def pins(self, region, first, count, connection, value):
        read = self.hardware.pins(region, first, count, connection, value)
        self.log.append((region.node.path, first, count, read if value is None else None, value))
        return read

    def __getattr__(self, name):
        return getattr(self.hardware, name)
