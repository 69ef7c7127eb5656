# Runs AML: the terms of a table, which make the namespace, and those of methods: ACPI 6.5,
# chapter 20.
#
# What a term needs is in OPS, by its opcode: a letter for each operand, and the function.
#
#   T  a term's value       I  the same as an integer    A  a value that is an int, str or buffer
#   G  a target, or none    S  something by name         V  the same, but no method is called
#   N  a name               R  a term, perhaps without a value
#   B  W  D  a number of 1, 2, 4 bytes
#   P  a package: where it ends. What is in it is the function's to read.

from _aml_fields import (
    BUSES,
    BankField,
    BufferField,
    BusField,
    Field,
    IndexField,
    Region,
    access,
)
from _aml_values import (
    DEBUG,
    DEVICE,
    NUMBERS,
    THERMAL,
    AmlError,
    Event,
    Handle,
    Later,
    Method,
    Missing,
    Mutex,
    Node,
    Power,
    Processor,
    Ref,
    copy,
    kind_of,
    seg_text,
    text_of,
    to_buffer,
    to_str,
)

_LARGEST = const(1 << 20)  # bytes of a buffer that AML makes

_BREAK = const(1)
_CONTINUE = const(2)
_RETURN = const(3)


class Run:
    """A table or a method that runs."""

    def __init__(self, ns, aml, at, scope, args=None):
        self.ns = ns
        self.aml = aml
        self.at = at
        self.scope = scope
        self.args = args  # None: this is a table
        self.locals = [None] * 8 if args is not None else None
        self.made = []  # names that a method has made elsewhere
        self.signal = 0
        self.result = None
        self.limit = 0  # where the terms end that run now

    # Bytes.

    def number(self, size):
        at = self.at
        self.at = at + size
        if size == 1:
            return self.aml[at]
        if self.at > len(self.aml):
            raise AmlError("the AML ends in the middle of a number")
        return int.from_bytes(self.aml[at : at + size], "little")

    def package(self):
        # Where the package ends whose length comes here.
        start = self.at
        lead = self.aml[start]
        count = lead >> 6
        self.at = start + 1 + count
        if not count:
            end = start + (lead & 63)
        else:
            more = int.from_bytes(self.aml[start + 1 : self.at], "little")
            end = start + (lead & 15 | more << 4)
        if end > len(self.aml) or end < self.at:
            raise AmlError("a package ends outside the table")
        return end

    def bits(self):
        # A field's width is written as a package's length, and has no place.
        start = self.at
        lead = self.aml[start]
        count = lead >> 6
        self.at = start + 1 + count
        if not count:
            return lead & 63
        return lead & 15 | int.from_bytes(self.aml[start + 1 : self.at], "little") << 4

    def seg(self):
        at = self.at
        aml = self.aml
        self.at = at + 4
        lead = aml[at]
        if not (65 <= lead <= 90 or lead == 95):
            raise AmlError("0x%02x where a name should be" % lead)
        return lead | aml[at + 1] << 8 | aml[at + 2] << 16 | aml[at + 3] << 24

    def name(self):
        # (levels to go up, or -1 for the root, or 0; the segments).
        up = 0
        lead = self.aml[self.at]
        if lead == 0x5C:
            up = -1
            self.at += 1
        else:
            while lead == 0x5E:
                up += 1
                self.at += 1
                lead = self.aml[self.at]
        lead = self.aml[self.at]
        if lead == 0:
            self.at += 1
            return up, ()
        if lead == 0x2E:
            self.at += 1
            return up, (self.seg(), self.seg())
        if lead == 0x2F:
            count = self.aml[self.at + 1]
            self.at += 2
            return up, [self.seg() for _ in range(count)]
        return up, (self.seg(),)

    # Names.

    def new(self, obj, name=None):
        """Makes a name for an object."""
        up, segs = name or self.name()
        if not segs:
            raise AmlError("a new name without a name")
        ns = self.ns
        parent = ns.walk(self.scope, up, segs[:-1])
        if parent is None:
            raise AmlError("%s is not there" % name_text(up, segs[:-1]))
        seg = segs[-1]
        kids = parent.kids
        if kids is None:
            kids = parent.kids = {}
        node = kids.get(seg)
        if node is not None and node.obj is not None:
            raise AmlError("%s is there already" % node.path)
        node = Node(seg, parent, obj)
        kids[seg] = node
        if self.args is not None and parent is not self.scope:
            self.made.append((parent, seg))
        ns.count += 1
        return node

    def find(self, name):
        node = self.ns.lookup(self.scope, name[0], name[1])
        if node is None:
            raise AmlError("%s is not there" % name_text(name[0], name[1]))
        return node

    # Terms.

    def block(self, end):
        outer = self.limit
        self.limit = end
        while self.at < end:
            self.term()
            if self.signal:
                break
        self.limit = outer
        if self.signal:
            return
        if self.at > end:
            raise AmlError("a term goes over the end of its package")

    def table(self, end):
        """The terms of a table, or of a scope in one: what fails is left out."""
        while self.at < end:
            start = self.at
            self.limit = end
            try:
                self.term()
            except AmlError as error:
                self.ns.problems.append("%s" % error)
                self.at = start
                if not self.pass_over():
                    return
            if self.signal:
                return

    def pass_over(self):
        # Goes to what comes after a term that cannot be run, if it can be told where that is.
        try:
            self.skip()
        except (AmlError, IndexError) as error:
            self.ns.problems.append("the rest is left out: %s" % error)
            return False
        return True

    def term(self):
        """Runs a term. Its value, or None."""
        lead = self.aml[self.at]
        if 65 <= lead <= 90 or lead == 0x5C or lead == 0x5E or lead == 95 or 0x2E <= lead <= 0x2F:
            node = self.find(self.name())
            obj = node.obj
            if isinstance(obj, int):
                return obj
            if isinstance(obj, Method):
                return self.call(node, obj)
            return self.ns.value(node)
        if 0x60 <= lead <= 0x6E:
            self.at += 1
            return self.variable(lead)
        self.at += 1
        if lead == 0x5B:
            lead = 0x100 | self.aml[self.at]
            self.at += 1
        op = OPS.get(lead)
        if op is None:
            raise AmlError("opcode 0x%x is none" % lead)
        letters, function = op
        args = [self.operand(letter) for letter in letters]
        return function(self, *args)

    def operand(self, letter):
        if letter == "T":
            return self.value()
        if letter == "I":
            return self.ns.to_int(self.value())
        if letter in "GSV":
            return self.place(letter != "G", letter != "V")
        if letter == "R":
            return self.term()
        if letter == "A":
            value = self.value()
            if not isinstance(value, (int, str, bytearray)):
                raise AmlError("data is needed, not a %s" % kind_of(value))
            return value
        if letter == "P":
            return self.package()
        if letter == "N":
            return self.name()
        return self.number(1 if letter == "B" else 2 if letter == "W" else 4)

    def value(self):
        value = self.term()
        if value is None:
            raise AmlError("a term without a value")
        return value

    def integer(self):
        return self.ns.to_int(self.value())

    def variable(self, lead):
        lst, i = self.slot(lead)
        value = lst[i]
        if value is None:
            raise AmlError(
                "Local%d has no value" % i if lst is self.locals else "Arg%d has no value" % i
            )
        return value

    def slot(self, lead):
        if self.args is None:
            if self.locals is None:
                # A table runs as a method does.
                self.locals = [None] * 8
            lst = self.locals if lead < 0x68 else [None] * 7
        else:
            lst = self.locals if lead < 0x68 else self.args
        return lst, lead - 0x60 if lead < 0x68 else lead - 0x68

    def call(self, node, method):
        count = method.count
        args = []
        for _ in range(count):
            args.append(self.value())
        return self.ns.invoke(node, method, args)

    def place(self, needed, calls=True):
        """What may be stored to: a Node, a (list, index, whether an argument), a Ref, or None."""
        lead = self.aml[self.at]
        if lead == 0 and not needed:
            self.at += 1
            return None
        if 0x60 <= lead <= 0x6E:
            self.at += 1
            lst, i = self.slot(lead)
            return lst, i, lead >= 0x68
        if lead == 0x5B and self.aml[self.at + 1] == 0x31:
            self.at += 2
            return DEBUG
        if lead in (0x71, 0x83, 0x88) or lead == 0x5B:
            value = self.value()
            if isinstance(value, (Ref, Node)):
                return value
            return [value], 0, False
        node = self.find(self.name())
        if calls and isinstance(node.obj, Method):
            value = self.call(node, node.obj)
            if value is None:
                raise AmlError("%s gives nothing" % node.path)
            return value if isinstance(value, (Ref, Node)) else ([value], 0, False)
        return node

    def skip(self):
        """Goes over a term without running it."""
        lead = self.aml[self.at]
        if 65 <= lead <= 90 or lead == 0x5C or lead == 0x5E or lead == 95 or 0x2E <= lead <= 0x2F:
            name = self.name()
            node = self.ns.lookup(self.scope, name[0], name[1])
            if node is not None and isinstance(node.obj, Method):
                for _ in range(node.obj.count):
                    self.skip()
            return
        self.at += 1
        if lead == 0x5B:
            lead = 0x100 | self.aml[self.at]
            self.at += 1
        if 0x60 <= lead <= 0x6E:
            return
        if lead == 0x0D:
            string(self)
            return
        op = OPS.get(lead)
        if op is None:
            raise AmlError("opcode 0x%x is none" % lead)
        for letter in SKIPS.get(lead, op[0]):
            if letter == "P":
                self.at = self.package()
                return
            if letter in "TIAR":
                self.skip()
            elif letter == "N":
                self.name()
            elif letter == "G" and self.aml[self.at] == 0:
                self.at += 1
            elif letter in "GSV":
                self.skip()
            else:
                self.number({"B": 1, "W": 2, "D": 4, "Q": 8}[letter])


def name_text(up, segs):
    """A name as it is written in ASL."""
    return ("\\" if up < 0 else "^" * up) + ".".join([seg_text(seg) for seg in segs])


# Constants and data.


def string(run):
    end = run.aml.find(b"\0", run.at)
    if end < 0:
        raise AmlError("a string without an end")
    text = text_of(run.aml[run.at : end])
    run.at = end + 1
    return text


def buffer(run, end):
    size = run.integer()
    if size > _LARGEST or run.at > end:
        raise AmlError("a buffer of %d bytes" % size)
    data = bytearray(run.aml[run.at : end])
    run.at = end
    if len(data) < size:
        data += bytes(size - len(data))
    return data


def package(run, end):
    return _package(run, end, run.number(1))


def var_package(run, end):
    return _package(run, end, run.integer())


def _package(run, end, count):
    if count > 65536:
        raise AmlError("a package of %d" % count)
    items = []
    while run.at < end and len(items) < count:
        lead = run.aml[run.at]
        if 65 <= lead <= 90 or lead == 0x5C or lead == 0x5E or lead == 95 or 0x2E <= lead <= 0x2F:
            up, segs = run.name()
            node = run.ns.lookup(run.scope, up, segs)
            if node is None:
                items.append(Missing(name_text(up, segs)))
            elif isinstance(node.obj, (Field, BufferField)):
                items.append(run.ns.value(node))
            else:
                items.append(node)
        else:
            items.append(run.term())
    if run.at > end:
        raise AmlError("a term goes over the end of its package")
    run.at = end
    while len(items) < count:
        items.append(None)
    return items


# Names.


def alias(run, name, new):
    node = run.find(name)
    up, segs = new
    parent = run.ns.walk(run.scope, up, segs[:-1])
    if parent is None:
        raise AmlError("%s is not there" % name_text(up, segs))
    if parent.kids is None:
        parent.kids = {}
    elif segs[-1] in parent.kids:
        raise AmlError("%s is there already" % name_text(up, segs))
    parent.kids[segs[-1]] = node
    if run.args is not None and parent is not run.scope:
        run.made.append((parent, segs[-1]))


def name_(run, name):
    lead = run.aml[run.at]
    if lead in (0x11, 0x12, 0x13) and run.args is None:
        # Not now: most of a table's are never looked at.
        obj = Later(run.aml, run.at, run.scope)
        run.at += 1
        end = run.package()
        run.at = end
    else:
        obj = copy(run.value())
    run.new(obj, name)


def scope(run, end, name):
    node = run.find(name)
    inside(run, node, end)


def inside(run, node, end):
    # The terms of a package, in a scope of their own.
    outer = run.scope
    run.scope = node
    try:
        if run.args is None:
            run.table(end)
        else:
            run.block(end)
    finally:
        run.scope = outer
    if not run.signal:
        run.at = end


def device(run, end, name):
    inside(run, run.new(DEVICE, name), end)


def thermal(run, end, name):
    inside(run, run.new(THERMAL, name), end)


def processor(run, end, name, uid, address, length):
    inside(run, run.new(Processor(uid, address, length), name), end)


def power(run, end, name, level, order):
    inside(run, run.new(Power(level, order), name), end)


def method(run, end, name, flags):
    run.new(Method(run.aml, run.at, end, flags), name)
    run.at = end


def external(run, name, kind, count):
    pass


def mutex(run, name, level):
    run.new(Mutex(level), name)


def event(run, name):
    run.new(Event(), name)


def region(run, name, space, address, length):
    node = run.new(True, name)
    node.obj = Region(run.ns, space, address, length, node)


def data_region(run, name, signature, oem_id, oem_table_id):
    data = run.ns.find_table(signature, oem_id, oem_table_id)
    if data is None:
        raise AmlError("there is no table %s" % signature)
    node = run.new(True, name)
    node.obj = Region(run.ns, 0x7F, 0, len(data), node, data)


def _is(node, kind):
    if not isinstance(node.obj, kind):
        raise AmlError("%s is a %s" % (node.path, kind_of(node.obj)))
    return node.obj


def fields(run, end, make, flags):
    # A list of fields: make(bit, width, flags, bus) makes one.
    bit = pin = protocol = 0
    connection = None
    while run.at < end:
        lead = run.aml[run.at]
        if lead == 0:
            run.at += 1
            bit += run.bits()
        elif lead == 1 or lead == 3:
            flags = flags & ~15 | run.aml[run.at + 1] & 15
            protocol = run.aml[run.at + 2]
            run.at += 3 if lead == 1 else 4
        elif lead == 2:
            run.at += 1
            pin = 0
            if run.aml[run.at] == 0x11:
                connection = Node(0, run.scope, Later(run.aml, run.at, run.scope))
                run.at += 1
                run.at = run.package()
            else:
                up, segs = run.name()
                connection = run.ns.lookup(run.scope, up, segs)
        else:
            seg = run.seg()
            width = run.bits()
            if seg != 0x5F5F5F5F or width:
                try:
                    bus = protocol, pin, connection
                    run.new(make(bit, width, flags, bus), (0, (seg,)))
                except AmlError as error:
                    if run.args is not None:
                        raise
                    run.ns.problems.append("%s" % error)
                pin += width
            bit += width
    if run.at > end:
        raise AmlError("a field goes over the end of its package")


def field(run, end, name, flags):
    try:
        base = _is(run.find(name), Region)
    except AmlError as error:
        if run.args is not None:
            raise
        # The names of a table are there all the same.
        run.ns.problems.append("%s" % error)
        base = None

    def make(bit, width, flags, bus):
        if base and base.space in BUSES:
            return BusField(base, bit, width, bus)
        return Field(base, bit, width, flags)

    fields(run, end, make, flags)


def bank_field(run, end, name, bank, value, flags):
    base = _is(run.find(name), Region)
    bank = _is(run.find(bank), (Field, BufferField))
    fields(
        run,
        end,
        lambda bit, width, flags, bus: BankField(base, bit, width, flags, bank, value),
        flags,
    )


def index_field(run, end, index, data, flags):
    base = _is(run.find(index), (Field, BufferField)), _is(run.find(data), (Field, BufferField))
    fields(run, end, lambda bit, width, flags, bus: IndexField(base, bit, width, flags), flags)


def buffer_field(run, source, bit, width, name, whole=False):
    if not isinstance(source, bytearray):
        raise AmlError("a field of a %s" % kind_of(source))
    made = BufferField(source, bit, width, whole)
    if run.args is None:
        # The names of a table are there all the same.
        run.new(made, name)
        made.check()
    else:
        made.check()
        run.new(made, name)


def create_field(run, source, bit, width, name):
    buffer_field(run, source, bit, width, name, True)


def create_bit(run, source, bit, name):
    buffer_field(run, source, bit, 1, name)


def _create(size):
    return lambda run, source, index, name: buffer_field(run, source, 8 * index, size, name)


# Control.


def if_(run, end):
    chosen = run.integer()
    if chosen:
        run.block(end)
    else:
        run.at = end
    if run.signal:
        return
    if run.at < run.limit and run.aml[run.at] == 0xA1:
        run.at += 1
        end = run.package()
        if chosen:
            run.at = end
        else:
            run.block(end)


def else_(run, end):
    # Of an If that could not be decided, which is as one that is false.
    if run.args is None:
        run.block(end)
    run.at = end


def while_(run, end):
    start = run.at
    while True:
        run.at = start
        if not run.integer():
            break
        run.ns.step()
        run.block(end)
        signal = run.signal
        if signal == _RETURN:
            return
        run.signal = 0
        if signal == _BREAK:
            break
    run.at = end


def break_(run):
    run.signal = _BREAK


def continue_(run):
    run.signal = _CONTINUE


def return_(run, value):
    run.result = value
    run.signal = _RETURN


def nothing(run, *_):
    pass


# Storing and references.


def store(run, value, place):
    changed = run.ns.store(value, place)
    # A bus gives an answer.
    return value if changed is None else changed


def copy_object(run, value, place):
    run.ns.store(value, place, True)
    return value


def reference(place):
    if isinstance(place, tuple):
        return Ref(place[0], place[1])
    return place if isinstance(place, Ref) else Ref(place)


def ref_of(run, place):
    return reference(place)


def cond_ref_of(run):
    # The one term whose name need not be there.
    at = run.at
    lead = run.aml[at]
    place = None
    if 0x60 <= lead <= 0x6E or lead in (0x71, 0x83, 0x88, 0x5B):
        place = run.place(True)
    else:
        name = run.name()
        place = run.ns.lookup(run.scope, name[0], name[1])
    target = run.place(False)
    if place is None:
        return 0
    if isinstance(place, tuple) and place[0][place[1]] is None:
        return 0
    run.ns.store(reference(place), target)
    return run.ns.ones


def deref_of(run, value):
    return run.ns.deref(value, run.scope)


def index(run, source, at, target):
    if isinstance(source, (list, bytearray, str)):
        if at >= len(source):
            raise AmlError("index %d of a %s of %d" % (at, kind_of(source), len(source)))
    else:
        raise AmlError("an index of a %s" % kind_of(source))
    made = Ref(source, at)
    run.ns.store(made, target)
    return made


def size_of(run, place):
    value = run.ns.of_place(place)
    if isinstance(value, Ref):
        value = run.ns.deref(value, run.scope)
    if not isinstance(value, (str, bytearray, list)):
        raise AmlError("the size of a %s" % kind_of(value))
    return len(value)


def object_type(run, place):
    obj = place
    if isinstance(place, tuple):
        obj = place[0][place[1]]
    while isinstance(obj, (Ref, Node)):
        if isinstance(obj, Node):
            obj = obj.obj
        elif obj.index is None:
            obj = obj.base
        elif isinstance(obj.base, list):
            obj = obj.base[obj.index]
        else:
            obj = 0 if isinstance(obj.base, str) else Ref
            return 14 if obj is Ref else 1
    kind = kind_of(obj)
    for name, number in NUMBERS:
        if name == kind:
            return number
    return 0


# Arithmetic.


def _math(function):
    def operator(run, a, b, target):
        value = function(a, b) & run.ns.ones
        run.ns.store(value, target)
        return value

    return operator


def shift_left(run, a, b, target):
    value = a << b & run.ns.ones if b < 64 else 0
    run.ns.store(value, target)
    return value


def divide(run, a, b, rest, target):
    if not b:
        raise AmlError("a division by 0")
    run.ns.store(a % b, rest)
    run.ns.store(a // b, target)
    return a // b


def modulo(run, a, b, target):
    if not b:
        raise AmlError("a division by 0")
    run.ns.store(a % b, target)
    return a % b


def not_(run, a, target):
    value = ~a & run.ns.ones
    run.ns.store(value, target)
    return value


def find_left(run, a, target):
    value = 0
    while a:
        a >>= 1
        value += 1
    run.ns.store(value, target)
    return value


def find_right(run, a, target):
    value = 0
    if a:
        value = 1
        while not a & 1:
            a >>= 1
            value += 1
    run.ns.store(value, target)
    return value


def from_bcd(run, a, target):
    value = 0
    for shift in range(60, -4, -4):
        value = value * 10 + (a >> shift & 15)
    value &= run.ns.ones
    run.ns.store(value, target)
    return value


def to_bcd(run, a, target):
    value = shift = 0
    while a:
        value |= a % 10 << shift
        a //= 10
        shift += 4
    value &= run.ns.ones
    run.ns.store(value, target)
    return value


def increment(run, place):
    return _step(run, place, 1)


def decrement(run, place):
    return _step(run, place, -1)


def _step(run, place, by):
    value = run.ns.to_int(run.ns.of_place(place)) + by & run.ns.ones
    run.ns.store(value, place)
    return value


# Logic.


def _truth(run, value):
    return run.ns.ones if value else 0


def land(run, a, b):
    return _truth(run, a and b)


def lor(run, a, b):
    return _truth(run, a or b)


def lnot(run, a):
    return _truth(run, not a)


def compare(run, a, b):
    # -1, 0 or 1. The first one's type is both's.
    ns = run.ns
    if isinstance(a, int):
        b = ns.to_int(b)
    elif isinstance(a, str):
        b = to_str(b, ns.ones)
    else:
        a = bytes(a)
        b = bytes(to_buffer(b, ns.ones))
    return (a > b) - (a < b)


def lequal(run, a, b):
    return _truth(run, compare(run, a, b) == 0)


def lgreater(run, a, b):
    return _truth(run, compare(run, a, b) > 0)


def lless(run, a, b):
    return _truth(run, compare(run, a, b) < 0)


def match(run, items, op1, value1, op2, value2, start):
    if not isinstance(items, list) or op1 > 5 or op2 > 5 or start > len(items):
        raise AmlError("Match of a %s" % kind_of(items))
    for at in range(start, len(items)):
        item = run.ns.element(items[at])
        if not isinstance(item, (int, str, bytearray)):
            continue
        try:
            if _matches(run, item, op1, value1) and _matches(run, item, op2, value2):
                return at
        except AmlError:
            continue
    return run.ns.ones


def _matches(run, item, op, value):
    if op == 0:
        return True
    # As the other way round, so that the value has the type.
    order = -compare(run, value, item)
    return (order == 0, order <= 0, order < 0, order >= 0, order > 0)[op - 1]


# Strings and buffers.


def concat(run, a, b, target):
    ns = run.ns
    if not isinstance(a, (int, str, bytearray)):
        a = _object_text(a)
    if not isinstance(b, (int, str, bytearray)):
        b = _object_text(b)
    if isinstance(a, int):
        value = to_buffer(a, ns.ones) + to_buffer(ns.to_int(b), ns.ones)
    elif isinstance(a, str):
        value = a + to_str(b, ns.ones)
    else:
        value = a + to_buffer(b, ns.ones)
    if len(value) > _LARGEST:
        raise AmlError("%d bytes" % len(value))
    ns.store(value, target)
    return value


def _object_text(value):
    if isinstance(value, Node):
        value = value.obj
    return "[%s Object]" % kind_of(value)


def concat_resources(run, a, b, target):
    if not isinstance(a, bytearray) or not isinstance(b, bytearray):
        raise AmlError("templates are needed")
    value = bytearray()
    for part in (a, b):
        at = 0
        while at < len(part) and part[at] & 0xF8 != 0x78:
            if part[at] & 0x80:
                at += 3 + int.from_bytes(part[at + 1 : at + 3], "little")
            else:
                at += 1 + (part[at] & 7)
        value += part[:at]
    value += b"\x79\0"  # a checksum of 0 is always right
    run.ns.store(value, target)
    return value


def to_buffer_(run, a, target):
    value = copy(to_buffer(a, run.ns.ones))
    run.ns.store(value, target)
    return value


def to_decimal(run, a, target):
    value = to_str(a, run.ns.ones, "d")
    run.ns.store(value, target)
    return value


def to_hex(run, a, target):
    value = to_str(a, run.ns.ones, "x")
    run.ns.store(value, target)
    return value


def to_integer(run, a, target):
    value = run.ns.to_int(a, True)
    run.ns.store(value, target)
    return value


def to_string(run, a, length, target):
    data = to_buffer(a, run.ns.ones)
    end = data.find(b"\0")
    if end < 0:
        end = len(data)
    value = text_of(data[: min(end, length)])
    run.ns.store(value, target)
    return value


def mid(run, a, start, length, target):
    if isinstance(a, int):
        a = to_str(a, run.ns.ones)
    start = min(start, len(a))
    value = a[start : start + min(length, len(a) - start)]
    run.ns.store(value, target)
    return value


# The system.


def _object(run, place, kind):
    obj = place
    if isinstance(obj, tuple):
        obj = obj[0][obj[1]]
    if isinstance(obj, Ref):
        obj = obj.base if obj.index is None else run.ns.deref(obj, run.scope)
    if isinstance(obj, Node):
        obj = obj.obj
    if not isinstance(obj, kind):
        raise AmlError("a %s is needed, not a %s" % (kind.kind, kind_of(obj)))
    return obj


def acquire(run, place, timeout):
    obj = _object(run, place, Mutex)
    if not obj.count:
        run.ns.held.append(obj)
    obj.count += 1
    return 0


def release(run, place):
    obj = _object(run, place, Mutex)
    if not obj.count:
        raise AmlError("Release of a mutex that nobody has")
    obj.count -= 1


def signal(run, place):
    _object(run, place, Event).count += 1


def wait(run, place, timeout):
    # Nobody else runs who could signal it.
    obj = _object(run, place, Event)
    if not obj.count:
        return run.ns.ones
    obj.count -= 1
    return 0


def reset(run, place):
    _object(run, place, Event).count = 0


def notify(run, place, value):
    if run.ns.on_notify and isinstance(place, Node):
        run.ns.on_notify(place.path, value)


def sleep(run, ms):
    run.ns.step()
    if run.ns.hardware:
        run.ns.hardware.sleep(ms)


def stall(run, us):
    run.ns.step()
    if run.ns.hardware:
        run.ns.hardware.stall(us)


def timer(run):
    return run.ns.hardware.timer() & run.ns.ones if run.ns.hardware else 0


def fatal(run, kind, code, arg):
    raise AmlError("Fatal: type 0x%x, code 0x%x, 0x%x" % (kind, code, arg))


def load(run, name, target):
    value = run.ns.value(run.find(name))
    if isinstance(value, Node) and isinstance(value.obj, Region):
        area = value.obj
        if area.space != 0:
            raise AmlError("Load from %s" % area.node)
        size = access(run.ns, area, 4, 4, None)
        if not 36 <= size <= min(area.length, _LARGEST):
            raise AmlError("Load of %d bytes" % size)
        value = bytes([access(run.ns, area, i, 1, None) for i in range(size)])
    elif not isinstance(value, bytearray):
        raise AmlError("Load of a %s" % kind_of(value))
    if len(value) < 36:
        raise AmlError("Load of %d bytes" % len(value))
    run.ns.load(bytes(value))
    handle = Handle()
    run.ns.store(handle, target, True)
    return run.ns.ones


def load_table(run, signature, oem_id, oem_table_id, root, parameter, data):
    for text in (root, parameter):
        if not isinstance(text, str):
            raise AmlError("LoadTable with a %s" % kind_of(text))
    found = run.ns.find_table(signature, oem_id, oem_table_id)
    if found is None:
        return 0
    where = run.ns.node(root, run.scope) if root else run.ns.root
    run.ns.load(found, where)
    if parameter:
        run.ns.store(data, run.ns.node(parameter, where))
    return Handle()


def debug(run):
    return DEBUG


def _constant(value):
    return lambda run: value


def ones(run):
    return run.ns.ones


def byte(run, value):
    return value


def dword(run, value):
    return value


def qword(run, low, high):
    return (low | high << 32) & run.ns.ones


OPS = {
    0x00: ("", _constant(0)),
    0x01: ("", _constant(1)),
    0x06: ("NN", alias),
    0x08: ("N", name_),
    0x0A: ("B", byte),
    0x0B: ("W", byte),
    0x0C: ("D", byte),
    0x0D: ("", string),
    0x0E: ("DD", qword),
    0x10: ("PN", scope),
    0x11: ("P", buffer),
    0x12: ("P", package),
    0x13: ("P", var_package),
    0x14: ("PNB", method),
    0x15: ("NBB", external),
    0x70: ("TS", store),
    0x71: ("V", ref_of),
    0x72: ("IIG", _math(lambda a, b: a + b)),
    0x73: ("TTG", concat),
    0x74: ("IIG", _math(lambda a, b: a - b)),
    0x75: ("S", increment),
    0x76: ("S", decrement),
    0x77: ("IIG", _math(lambda a, b: a * b)),
    0x78: ("IIGG", divide),
    0x79: ("IIG", shift_left),
    0x7A: ("IIG", _math(lambda a, b: a >> b if b < 64 else 0)),
    0x7B: ("IIG", _math(lambda a, b: a & b)),
    0x7C: ("IIG", _math(lambda a, b: ~(a & b))),
    0x7D: ("IIG", _math(lambda a, b: a | b)),
    0x7E: ("IIG", _math(lambda a, b: ~(a | b))),
    0x7F: ("IIG", _math(lambda a, b: a ^ b)),
    0x80: ("IG", not_),
    0x81: ("IG", find_left),
    0x82: ("IG", find_right),
    0x83: ("T", deref_of),
    0x84: ("TTG", concat_resources),
    0x85: ("IIG", modulo),
    0x86: ("SI", notify),
    0x87: ("S", size_of),
    0x88: ("TIG", index),
    0x89: ("TBABAI", match),
    0x8A: ("TIN", _create(32)),
    0x8B: ("TIN", _create(16)),
    0x8C: ("TIN", _create(8)),
    0x8D: ("TIN", create_bit),
    0x8E: ("V", object_type),
    0x8F: ("TIN", _create(64)),
    0x90: ("II", land),
    0x91: ("II", lor),
    0x92: ("I", lnot),
    0x93: ("AA", lequal),
    0x94: ("AA", lgreater),
    0x95: ("AA", lless),
    0x96: ("AG", to_buffer_),
    0x97: ("AG", to_decimal),
    0x98: ("AG", to_hex),
    0x99: ("AG", to_integer),
    0x9C: ("AIG", to_string),
    0x9D: ("TS", copy_object),
    0x9E: ("AIIG", mid),
    0x9F: ("", continue_),
    0xA0: ("P", if_),
    0xA1: ("P", else_),
    0xA2: ("P", while_),
    0xA3: ("", nothing),
    0xA4: ("R", return_),
    0xA5: ("", break_),
    0xCC: ("", nothing),
    0xFF: ("", ones),
    0x101: ("NB", mutex),
    0x102: ("N", event),
    0x112: ("", cond_ref_of),
    0x113: ("TIIN", create_field),
    0x11F: ("TTTTTT", load_table),
    0x120: ("NG", load),
    0x121: ("I", stall),
    0x122: ("I", sleep),
    0x123: ("SW", acquire),
    0x124: ("S", signal),
    0x125: ("SI", wait),
    0x126: ("S", reset),
    0x127: ("S", release),
    0x128: ("IG", from_bcd),
    0x129: ("IG", to_bcd),
    0x12A: ("S", nothing),
    0x130: ("", _constant(2)),
    0x131: ("", debug),
    0x132: ("BDI", fatal),
    0x133: ("", timer),
    0x180: ("NBII", region),
    0x181: ("PNB", field),
    0x182: ("PN", device),
    0x183: ("PNBDB", processor),
    0x184: ("PNBW", power),
    0x185: ("PN", thermal),
    0x186: ("PNNB", index_field),
    0x187: ("PNNIB", bank_field),
    0x188: ("NTTT", data_region),
}
# Where a term's own operands say less than what has to be gone over.
SKIPS = {0x08: "NT", 0x112: "SG"}
