# Fields of ACPI's static tables, as _acpi_layouts.py describes them.


_HEADER = const(36)


def _line(key):
    # The items of a line, or None.
    from _acpi_layouts import TEXT

    at = TEXT.find("\n" + key + " ")
    if at < 0:
        return None
    at += len(key) + 2
    return TEXT[at : TEXT.index("\n", at)].split(";")


def _variant(key, number):
    # The items of the line of a kind's variant, or None.
    from _acpi_layouts import TEXT

    number = str(number)
    at = TEXT.find("\n" + key)
    while at >= 0:
        space = TEXT.index(" ", at)
        if number in TEXT[at + 1 + len(key) : space].split(","):
            return TEXT[space + 1 : TEXT.index("\n", space)].split(";")
        at = TEXT.find("\n" + key, at + 1)
    return None


def value_name(key, value):
    """What a line of values calls one, or None."""
    other = None
    for index, name in enumerate(_line(key)):
        number, _, rest = name.partition("=")
        if rest and number == "*":
            other = rest
        elif (int(number), rest) == (value, rest) if rest else index == value:
            return rest or name
    return other


def text(data):
    """Bytes as a string, up to a zero, with a space for what cannot be printed."""
    out = ""
    for byte in data:
        if not byte:
            break
        out += chr(byte) if 32 <= byte < 127 else " "
    return out


def uuid(data):
    """16 bytes as a UUID in text: ACPI 6.5, 19.6.142."""
    text = ""
    for i in (3, 2, 1, 0, -1, 5, 4, -1, 7, 6, -1, 8, 9, -1, 10, 11, 12, 13, 14, 15):
        text += "-" if i < 0 else "%02X" % data[i]
    return text


class _Decoder:
    def __init__(self, data, kind):
        self.data = data
        self.kind = kind
        self.fields = []
        self.around = {}  # the fields of what a row of structures is in

    def fail(self, at, problem):
        raise ValueError("%s: %s at offset %d" % (self.kind, problem, at))

    def count(self, names, seen):
        # What the fields of these names say, multiplied.
        product = 1
        for name in names.split("*"):
            if name not in seen:
                return 0
            product *= seen[name]
        return product

    def many(self, item, at, end, seen):
        # Structures in a row: where they end.
        item, _, start = item.partition("@")
        key, _, names = item.partition("#")
        count = self.count(names, seen) if names else None
        if start:
            at = seen.get(start, end)
            if at < _HEADER:
                self.fail(at, "structures inside the header")
        self.around = seen
        index = 0
        while at < end and index != count:
            index += 1
            past = self.structure(key, at, end, index - 1)
            if past <= at:
                self.fail(at, "a structure of no length")
            at = past
        return at

    def structure(self, key, at, end, index=0):
        # One structure of a row: where it ends.
        self.fields.append((at, 0, None, None, None))
        seen = {}
        start = at
        at, end, fixed, variant = self.items(_line(key), at, end, index, seen, key)
        if variant is not None:
            at = self.items(variant, at, end, index, seen, key)[0]
        elif fixed is None and "type" in seen:
            # The entries of IVRS have lengths by type.
            if key != "IVRS." or seen["type"] > 127:
                self.fail(start, "a structure of unknown length")
            at = start + (8 if seen["type"] > 63 else 4)
        return at if fixed is None else end

    def items(self, items, at, end, index, seen, key):
        # The fields of a structure: where they end, where the structure ends, its length if it
        # says that, and the variant that it is.
        start = at
        fixed = variant = None
        for item in items[1:]:
            if item[0] == ">":
                at = self.many(item[1:], at, end, seen)
                continue
            if item[0] == "<":
                at = self.items(_line(item[1:]), at, end, index, seen, key)[0]
                continue
            if at == end:
                break
            name, _, kind = item.rpartition(":") if "|" not in item else item.partition(":")
            if "%" in name:
                name = name.replace("%", "%3d" % index)
            at, value = self.field(name, kind, at, end, seen)
            seen.setdefault(name, value)
            form = kind.partition("|")[0][-1]
            if form == "l":
                fixed = value
                if start + value > end or value < at - start:
                    self.fail(start, "a structure of %d bytes" % value)
                end = start + value
            elif form == "t":
                variant = _variant(key, value)
                seen["type"] = value
                if variant and variant[0]:
                    self.note(variant[0])
                elif key != "IVRS." and key != "FPDT~":
                    self.note("Unknown Subtable Type")
        return at, end, fixed, variant

    def note(self, note):
        self.fields[-1] = self.fields[-1][:4] + (note,)

    def take(self, at, size, end):
        if size > end - at:
            self.fail(at, "the end is in the middle of a field")
        return self.data[at : at + size]

    def field(self, name, kind, at, end, seen):
        add = self.fields.append
        if kind[0] == "<":
            line = _line(kind[1:])
            place = len(self.fields)
            add(None)
            past = self.items(line, at, end, 0, {}, "")[0]
            self.fields[place] = (at, past - at, name, None, line[0])
            return past, None
        if kind == "u":
            value = uuid(self.take(at, 16, end))
            add((at, 16, name, value, "u"))
            return at + 16, value
        if kind == "z":
            size = self.data.find(b"\0", at, end) + 1 - at
            if size <= 0:
                size = end - at
            value = text(self.take(at, size, end))
            add((at, size, name, value, None))
            return at + size, value
        kind, _, bits = kind.partition("|")
        kind, _, names = kind.partition("<")
        form = kind[-1]
        if form in "sbfdtlp":
            kind = kind[:-1]
        if kind[0] == "=":
            size = self.around[kind[1:]]
        else:
            size = end - at if kind == "*" else int(kind)
        value = self.take(at, size, end)
        if form == "b":
            add((at, size, name, value, None))
        elif form == "p":
            add((at, size, name, value, "p"))
        elif form == "s":
            value = text(value)
            add((at, size, name, value, None))
        else:
            value = int.from_bytes(value, "little")
            note = value_name(names, value) if names else None
            add((at, size, name + (" (decoded below)" if form == "f" else ""), value, note))
            if bits:
                self.bits(bits, at, value)
        return at + size, value

    def bits(self, bits, at, value):
        bit = 0
        for name in bits.split("|"):
            name, _, place = name.partition("@")
            width = 1
            if place:
                bit, width = [int(number) for number in place.split(".")]
            self.fields.append((at, -width, name, value >> bit & ((1 << width) - 1), None))
            bit += width


def decode(kind, data):
    """The fields of a table, and what is wrong with it, or None.

    A field is (offset, size in bytes, name, value, note); that of a bit field has minus its width
    as its size, and one without a name begins a structure.
    """
    decoder = _Decoder(data, kind)
    problem = None
    try:
        at = 0
        line = kind == "TPM2" and data[8:9] == b"\x03" and _line("TPM2.3") or _line(kind)
        if kind != "RSDP":
            title = None if kind == "FACS" else line[0] if line else ""
            decoder.fields.append((0, 4, "Signature", kind, title))
            at = 4
            if kind != "FACS":
                at = decoder.items(_line("HEAD"), at, len(data), 0, {}, "")[0]
        if line:
            decoder.items(line, at, len(data), 0, {}, "")
    except ValueError as error:
        problem = str(error)
    # A field that is cut off has no parts.
    return [field for field in decoder.fields if field], problem


def form(field):
    """A field's value and note as iasl prints them."""
    _, size, name, value, note = field
    if value is None:
        return "[%s]" % note
    if isinstance(value, str):
        if note == "u":
            return value
        value = '"%s"' % value
        return value if note is None else value + "    [%s]" % note if note else value + "    "
    if isinstance(value, int):
        if size < 0:
            width = (-size + 3) // 4 if size <= -8 else 1
        else:
            # Of one field of four bytes iasl prints the name of the value and two digits.
            width = 2 if note and name == "Start Method" else 2 * size
        value = "%0*X" % (width, value)
        return value if note is None else value + " [%s]" % note
    if note == "p":
        return ",".join(["%02X" % byte for byte in value])
    lines = []
    for at in range(0, len(value), 16):
        lines.append("".join(["%02X " % byte for byte in value[at : at + 16]]))
    return (" \\\n" + " " * 47).join([line[:-1] for line in lines])


def show(kind, data):
    """Print a table field by field; with what is unknown, as bytes."""
    fields, problem = decode(kind, data)
    for field in fields:
        offset, size, name = field[:3]
        if name is None:
            print()
        elif size < 0:
            print("%44s : %s" % (name, form(field)))
        else:
            line = "[%03Xh %04d%4d] %28s : %s" % (offset, offset, size, name, form(field))
            if name == "Checksum" and kind != "RSDP":
                right = (field[3] - sum(data)) & 255
                if right != field[3]:
                    line += "     /* Incorrect checksum, should be %02X */" % right
            print(line)
    if problem:
        print("\n**** " + problem)
    if not _line(kind) or problem or kind in ("DSDT", "SSDT"):
        print()
        dump(data)


def dump(data):
    """Print bytes in hex and as text."""
    for at in range(0, len(data), 16):
        row = data[at : at + 16]
        chars = "".join([chr(byte) if 32 <= byte < 127 else "." for byte in row])
        print("%04X: %-48s %s" % (at, "".join(["%02X " % byte for byte in row]), chars))
