# The interpreter of AML: the namespace, its values, and what they are to others.

from _aml_fields import BufferField, Field, Region
from _aml_resources import decode, eisa
from _aml_run import Run
from _aml_values import (
    DEBUG,
    DEVICE,
    SCOPE,
    AmlError,
    Later,
    Method,
    Missing,
    Mutex,
    Node,
    Ref,
    copy,
    kind_of,
    seg_of,
    seg_text,
    to_buffer,
    to_int,
    to_str,
)

_HEADER = const(36)
_DEPTH = const(40)  # methods inside methods

# What _OSI says yes to: Windows 2000 to 11, since firmware asks for little else.
_SYSTEMS = (
    "Windows 2000|Windows 2001|Windows 2001 SP1|Windows 2001.1|Windows 2001 SP2|"
    "Windows 2001.1 SP1|Windows 2006|Windows 2006.1|Windows 2006 SP1|Windows 2006 SP2|"
    "Windows 2009|Windows 2012|Windows 2013|Windows 2015|Windows 2016|Windows 2017|"
    "Windows 2017.2|Windows 2018|Windows 2018.2|Windows 2019|Windows 2020|Windows 2021|"
    "Windows 2022|Extended Address Space Descriptor"
)


class Reference:
    """What a result refers to: `path`, and `kind`, its type in words."""

    def __init__(self, path, kind):
        self.path = path
        self.kind = kind

    def __repr__(self):
        return "Reference(%s, %s)" % (self.path, self.kind)

    def __eq__(self, other):
        return isinstance(other, Reference) and other.path == self.path

    def __hash__(self):
        return hash(self.path)


class Interpreter:
    """What aml.Namespace is on top of. `systems` is what _OSI says yes to, apart by "|"."""

    def __init__(self, tables, hardware=None, limit=200000, on_debug=None, on_notify=None):
        self.hardware = hardware
        self.limit = limit
        self.problems = []
        self.tables = list(tables)
        self.systems = _SYSTEMS
        self.on_notify = on_notify
        self.on_debug = on_debug
        self.steps = 0
        self.depth = 0
        self.count = 0
        self.held = []  # mutexes that this evaluation has acquired
        # Integers have 32 bits where the DSDT's revision is 1.
        self.ones = (1 << 32 if self.tables and self.tables[0][8] < 2 else 1 << 64) - 1
        self.root = Node(0, None, SCOPE)
        self.root.kids = {}
        for name, obj in (
            ("_GPE", SCOPE),
            ("_PR", SCOPE),
            ("_SB", DEVICE),
            ("_SI", SCOPE),
            ("_TZ", DEVICE),
            ("_REV", 2),
            ("_OS", "Microsoft Windows NT"),
            ("_GL", Mutex(0)),
            ("_OSI", Method(b"", 0, 0, 1, self._osi)),
        ):
            seg = seg_of(name)
            self.root.kids[seg] = Node(seg, self.root, obj)
        for data in self.tables:
            try:
                self.guard(self.load, data)
            except AmlError as error:
                self.problems.append("%s" % error)

    def _osi(self, args):
        asked = args[0] if isinstance(args[0], str) else ""
        return self.ones if asked in self.systems.split("|") else 0

    # Running.

    def load(self, data, where=None):
        """Run a table's terms, with its header before them."""
        if len(data) < _HEADER:
            raise AmlError("a table of %d bytes" % len(data))
        Run(self, data, _HEADER, where or self.root).table(len(data))

    def guard(self, function, *args):
        """Call a function that runs AML. What is malformed is an AmlError."""
        self.steps = self.depth = 0
        try:
            return function(*args)
        except IndexError:
            raise AmlError("the AML ends in the middle of a term") from None
        except RuntimeError as error:
            raise AmlError("%s" % error) from None
        except MemoryError:
            raise AmlError("there is no memory for it") from None
        finally:
            # What a method leaves acquired is free again when its thread ends.
            for mutex in self.held:
                mutex.count = 0
            self.held = []

    def step(self):
        """Counts a loop, a call or a wait."""
        self.steps += 1
        if self.steps > self.limit:
            raise AmlError("more than %d loops and calls" % self.limit)

    def invoke(self, node, method, args):
        if method.native:
            return method.native(args)
        self.step()
        if self.depth >= _DEPTH:
            raise AmlError("%s: more than %d methods inside methods" % (node.path, _DEPTH))
        # Names that it makes lie in a scope of its own, which is gone afterwards.
        scope = Node(node.seg, node.parent, SCOPE)
        run = Run(self, method.aml, method.start, scope, args + [None] * (7 - len(args)))
        self.depth += 1
        try:
            run.block(method.end)
        finally:
            self.depth -= 1
            for parent, seg in run.made:
                parent.kids.pop(seg, None)
        return run.result

    # Names.

    def walk(self, node, up, segs):
        if up < 0:
            node = self.root
        while up > 0:
            node = node.parent
            if node is None:
                return None
            up -= 1
        for seg in segs:
            kids = node.kids
            node = kids.get(seg) if kids else None
            if node is None:
                return None
        return node

    def lookup(self, scope, up, segs):
        """A node, or None. A single name is looked for in the scopes around, too."""
        if up or len(segs) != 1:
            return self.walk(scope, up, segs)
        seg = segs[0]
        while scope is not None:
            kids = scope.kids
            if kids:
                node = kids.get(seg)
                if node is not None:
                    return node
            scope = scope.parent
        return None

    def node(self, path, scope=None):
        """The node of a name in text. AmlError where there is none."""
        if isinstance(path, Node):
            return path
        up = 0
        rest = path
        if rest[:1] == "\\":
            up = -1
            rest = rest[1:]
        while rest[:1] == "^":
            up += 1
            rest = rest[1:]
        segs = [seg_of(part) for part in rest.split(".")] if rest else []
        found = self.lookup(scope or self.root, up, segs)
        if found is None:
            raise AmlError("%s is not there" % path)
        return found

    # Values.

    def to_int(self, value, explicit=False):
        return to_int(value, self.ones, explicit)

    def field_value(self, value, width, whole=False):
        size = (width + 7) // 8
        if whole or size > (4 if self.ones >> 32 == 0 else 8):
            return bytearray(value.to_bytes(size, "little"))
        return value

    def field_bits(self, value, width):
        if isinstance(value, str):
            value = to_buffer(value, self.ones)[:-1]
        if isinstance(value, bytearray):
            value = int.from_bytes(value, "little")
        if not isinstance(value, int):
            raise AmlError("a field cannot be a %s" % kind_of(value))
        return value & ((1 << width) - 1)

    def value(self, node):
        """The value of a node's object; for what has none, the node."""
        obj = node.obj
        if isinstance(obj, (int, str, bytearray, list)):
            return obj
        if isinstance(obj, Later):
            run = Run(self, obj.aml, obj.at, obj.scope, [None] * 7)
            run.limit = len(obj.aml)
            obj = run.term()
            node.obj = obj
            return obj
        if isinstance(obj, (Field, BufferField)):
            return obj.read(self)
        if isinstance(obj, Method):
            return self.invoke(node, obj, [])
        if obj is None:
            raise AmlError("%s has no value" % node.path)
        return node

    def element(self, item):
        """The value of a package's element."""
        if isinstance(item, Node) and isinstance(
            item.obj, (int, str, bytearray, list, Later, Field, BufferField)
        ):
            return self.value(item)
        return item

    def of_place(self, place):
        """The value of what may be stored to."""
        if isinstance(place, tuple):
            value = place[0][place[1]]
            if value is None:
                raise AmlError("it has no value")
            return value
        if isinstance(place, Node):
            return self.value(place)
        if isinstance(place, Ref):
            return self.deref(place, self.root)
        raise AmlError("%s has no value" % kind_of(place))

    def deref(self, value, scope):
        if isinstance(value, str):
            return self.value(self.node(value, scope))
        if isinstance(value, Node):
            return self.value(value)
        if not isinstance(value, Ref):
            raise AmlError("DerefOf a %s" % kind_of(value))
        base = value.base
        if value.index is None:
            return self.value(base) if isinstance(base, Node) else base
        if value.index >= len(base):
            raise AmlError("index %d of %d" % (value.index, len(base)))
        item = base[value.index]
        if isinstance(base, str):
            return ord(item)
        if item is None:
            raise AmlError("element %d has no value" % value.index)
        return self.element(item)

    def store(self, value, place, exact=False):
        """Store: with conversions to what a name is, or where it is exact, without.

        Returns what a bus answers; anything else answers nothing.
        """
        if place is None:
            return None
        if isinstance(place, tuple):
            lst, i, argument = place
            if argument and isinstance(lst[i], (Ref, Node)) and not exact:
                place = lst[i]
            else:
                lst[i] = copy(value)
                return None
        if isinstance(place, Ref):
            base = place.base
            if place.index is None:
                if not isinstance(base, Node):
                    raise AmlError("a store to a %s" % kind_of(base))
                place = base
            elif isinstance(base, list):
                base[place.index] = copy(value)
                return None
            elif isinstance(base, bytearray):
                if isinstance(value, int):
                    base[place.index] = value & 255
                else:
                    base[place.index] = (to_buffer(value, self.ones) or b"\0")[0]
                return None
            else:
                raise AmlError("a store into a string")
        if place is DEBUG:
            if self.on_debug:
                self.on_debug(self.given(value))
            return None
        return self._store_name(value, place, exact)

    def _store_name(self, value, node, exact):
        obj = node.obj
        if isinstance(obj, (Field, BufferField)):
            return obj.write(self, value)
        if isinstance(obj, Later):
            obj = self.value(node)
        if exact or obj is None or isinstance(obj, (list, Ref)):
            if not exact and isinstance(obj, list) and not isinstance(value, list):
                raise AmlError("%s cannot be a %s" % (node.path, kind_of(value)))
            if obj is not None and not isinstance(obj, (int, str, bytearray, list, Ref, Method)):
                raise AmlError("%s is a %s" % (node.path, kind_of(obj)))
            node.obj = copy(value)
        elif not isinstance(obj, (int, str, bytearray)):
            raise AmlError("%s is a %s" % (node.path, kind_of(obj)))
        elif not isinstance(value, (int, str, bytearray)):
            raise AmlError("%s cannot be a %s" % (node.path, kind_of(value)))
        elif isinstance(obj, int):
            node.obj = self.to_int(value)
        elif isinstance(obj, str):
            node.obj = to_str(value, self.ones)
        else:
            data = to_buffer(value, self.ones)
            size = len(obj) or len(data)
            obj[:] = data[:size] + bytes(size - min(size, len(data)))
        return None

    def child(self, node, name, other):
        """The integer that a name in a node has; `other` where there is none."""
        kid = (node.kids or {}).get(seg_of(name))
        return other if kid is None else self.to_int(self.value(kid))

    def is_root_bridge(self, node):
        """Whether a device is the host bridge of a PCI bus, by its IDs."""
        for name in ("_HID", "_CID"):
            kid = (node.kids or {}).get(seg_of(name))
            if kid is not None:
                ids = self.given(self.value(kid))
                for one in ids if isinstance(ids, list) else [ids]:
                    if eisa(one) in ("PNP0A03", "PNP0A08"):
                        return True
        return False

    # For everybody.

    def evaluate(self, path, *args):
        return self.guard(self._evaluate, path, args)

    def _evaluate(self, path, args):
        node = self.node(path)
        if isinstance(node.obj, Method):
            if len(args) != node.obj.count:
                raise AmlError("%s takes %d arguments" % (node.path, node.obj.count))
            value = self.invoke(node, node.obj, [_taken(one) for one in args])
        elif args:
            raise AmlError("%s takes no arguments" % node.path)
        else:
            value = self.value(node)
        if isinstance(value, Ref) and isinstance(value.base, Node):
            # What a reference leads to, where that has a value.
            value = self.element(value.base)
        return self.given(value)

    def given(self, value, depth=0):
        """A value as Python's own."""
        if isinstance(value, bytearray):
            return bytes(value)
        if depth > 16:
            raise AmlError("a package inside itself")
        value = self.element(value)
        if isinstance(value, bytearray):
            return bytes(value)
        if isinstance(value, list):
            return [self.given(one, depth + 1) for one in value]
        if isinstance(value, Node):
            return Reference(value.path, kind_of(value.obj))
        if isinstance(value, Missing):
            return Reference(value.path, "Missing")
        if isinstance(value, Ref):
            if isinstance(value.base, Node):
                return Reference(value.base.path, kind_of(value.base.obj))
            return self.given(self.deref(value, self.root), depth + 1)
        if value is None or isinstance(value, (int, str)):
            return value
        return Reference("", kind_of(value))

    def resources(self, path):
        node = self.node(path)
        if node.kids and seg_of("_CRS") in node.kids:
            node = node.kids[seg_of("_CRS")]
        data = self.evaluate(node)
        if not isinstance(data, bytes):
            raise AmlError("%s is no template" % node.path)
        return decode(data)

    def devices(self):
        # A status that cannot be had counts as there.
        found = []
        for path, node in self.names():
            if kind_of(node.obj) in ("Device", "Processor") and node.path == path:
                kids = node.kids or {}
                found.append((path, self._id(kids), self._status(kids) & 1 == 1))
        return found

    def _id(self, kids):
        node = kids.get(seg_of("_HID"))
        try:
            return None if node is None else eisa(self.evaluate(node))
        except AmlError:
            return None

    def _status(self, kids):
        node = kids.get(seg_of("_STA"))
        try:
            return 15 if node is None else self.to_int(self.evaluate(node))
        except AmlError:
            return 15

    def initialize(self):
        for path, node in list(self.names()):
            if path.endswith("_REG") and isinstance(node.obj, Method):
                spaces = [
                    kid.obj.space
                    for kid in (node.parent.kids or {}).values()
                    if isinstance(kid.obj, Region)
                ]
                for space in sorted(set(spaces)):
                    self._attempt(node, space, 1)
        for path in ("\\_INI", "\\_SB._INI"):
            try:
                self._attempt(self.node(path))
            except AmlError:
                pass
        self._set_up(self.root)

    def _set_up(self, node):
        for seg, kid in list((node.kids or {}).items()):
            kind = kind_of(kid.obj)
            if kid.seg != seg or kind not in ("Device", "Processor", "Scope", "Thermal"):
                continue
            kids = kid.kids or {}
            status = self._status(kids)
            if status & 1 and kid.path != "\\_SB" and seg_of("_INI") in kids:
                self._attempt(kids[seg_of("_INI")])
            # What is neither there nor works has nothing behind it that is.
            if status & 9:
                self._set_up(kid)

    def _attempt(self, node, *args):
        try:
            self.evaluate(node, *args)
        except AmlError as error:
            self.problems.append("%s: %s" % (node.path, error))

    def names(self, node=None, path="\\"):
        """All names: (path, node), each before what is in it."""
        node = node or self.root
        kids = node.kids
        if kids:
            for text, seg in sorted([(seg_text(seg), seg) for seg in kids]):
                kid = kids[seg]
                here = path + text if path == "\\" else path + "." + text
                yield here, kid
                if kid.parent is node and kid.seg == seg:
                    yield from self.names(kid, here)

    def find_table(self, signature, oem_id, oem_table_id):
        """The table that LoadTable means, or None."""
        for text in (signature, oem_id, oem_table_id):
            if not isinstance(text, str):
                raise AmlError("a table is named by a string, not a %s" % kind_of(text))
        for data in self.tables:
            if (
                _matches(data[:4], signature)
                and (not oem_id or _matches(data[10:16], oem_id))
                and (not oem_table_id or _matches(data[16:24], oem_table_id))
            ):
                return data
        return None


def _matches(data, text):
    return bytes(data).rstrip(b"\0 ") == bytes([ord(char) & 255 for char in text]).rstrip(b"\0 ")


def _taken(value):
    # An argument as AML has it.
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, (bytes, bytearray)):
        return bytearray(value)
    if isinstance(value, (list, tuple)):
        return [_taken(one) for one in value]
    if isinstance(value, (int, str)):
        return value
    raise TypeError("AML takes int, str, bytes and list")
