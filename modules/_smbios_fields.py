# Fields of SMBIOS's structures, as _smbios_layouts.py describes them.

from _smbios_layouts import TEXT

_OUT = "<OUT OF SPEC>"
_SIZES = {"b": 1, "s": 1, "w": 2, "h": 2, "i": 2, "d": 4, "x": 4, "q": 8}


def _line(key):
    # The items of a line, or None.
    at = TEXT.find("\n" + key + " ")
    if at < 0:
        return None
    return TEXT[at + len(key) + 2 : TEXT.index("\n", at + 1)].split(";")


def _words(key):
    # (first value, last value, word) of each word of a line.
    number = last = 0
    for word in _line(key):
        if word == "~":
            yield 1, 1, "Other"
            yield 2, 2, "Unknown"
            number = last = 3
        elif word[:1] == "#":
            first, _, end = word[1:].partition("-")
            number = int(first, 16)
            last = int(end, 16) if end else number
        else:
            yield number, last, word
            number = last = last + 1


def word_of(key, value):
    """What a line of words calls a value."""
    found = ""
    for first, last, word in _words(key):
        if first <= value <= last:
            found = word
    return found or _OUT


def _bits(key, value):
    # The words of the bits that are set.
    found = []
    for bit, _, word in _words(key):
        if value >> bit & 1 and word:
            if word[0] == "=":
                return [word[1:]]
            found.append(word)
    return found


def text(data):
    """Bytes as a string, with a dot for what cannot be printed."""
    return "".join([chr(byte) if 32 <= byte < 127 else "." for byte in data])


def _hex(data):
    return " ".join(["%02X" % byte for byte in data])


def memory_size(value, unit):
    """A size in words: of bytes, or, with unit 1, of KiB."""
    i = 6
    while i and not value >> 10 * i:
        i -= 1
    if i and value >> 10 * (i - 1) & 0x3FF:
        i -= 1
    return "%d %s" % (
        value >> 10 * i,
        ("bytes", "kB", "MB", "GB", "TB", "PB", "EB", "ZB")[i + unit],
    )


def _uuid(data, little=True):
    if data == b"\xff" * 16:
        return "Not Present"
    if data == bytes(16):
        return "Not Settable"
    if little:
        data = bytes([data[i] for i in (3, 2, 1, 0, 5, 4, 7, 6)]) + data[8:]
    digits = "".join(["%02x" % byte for byte in data])
    ends = (0, 8, 12, 16, 20, 32)
    return "-".join([digits[ends[i] : ends[i + 1]] for i in range(5)])


def _address(data, kind):
    # RFC 5952, as inet_ntop() has it.
    if kind == 1:
        return ".".join(["%d" % byte for byte in data[:4]])
    if kind != 2:
        return _OUT
    groups = [data[i] << 8 | data[i + 1] for i in range(0, 16, 2)]
    at = size = 0
    for i in range(8):
        n = i
        while n < 8 and not groups[n]:
            n += 1
        if n - i > max(size, 1):
            at, size = i, n - i
    if not at and (size == 6 or size == 5 and groups[5] == 0xFFFF):
        return "::" + ("ffff:" if size == 5 else "") + _address(data[12:], 1)
    words = ["%x" % group for group in groups]
    if not size:
        return ":".join(words)
    return ":".join(words[:at]) + "::" + ":".join(words[at + size :])


class Fields:
    """The fields of a structure, a list of [name, text or None, list or None].

    One whose name is None has a title.
    """

    def __init__(self, data, strings, version):
        self.data = data
        self.strings = strings
        self.version = version
        self.found = []
        self.over = False

        kind = data[0]
        if kind == 34 and len(data) == 16 and all([32 <= byte < 127 for byte in data[11:]]):
            # Firmware has been seen that counts the first five letters of a name as fields.
            self.data = data[:11]
            self.strings = [text(data[11:]) + (strings[0] if strings else "")] + strings[1:]
        items = _line(str(kind))
        if items is None:
            self.title("%s Type" % ("OEM-specific" if kind >= 128 else "Unknown"))
            rows = [_hex(data[i : i + 16]) for i in range(0, len(data), 16)]
            self.add("Header and Data", None, rows)
            if strings:
                self.add("Strings", None, strings)
            return
        if items[0][0] != "$":
            self.title(items.pop(0))
        for item in items:
            if item[0] == "@":
                self.over = len(data) < int(item[1:], 16)
            elif item[0] == "?":
                self.over = not self.number(item[1:])[1]
            elif item[0] == "$":
                getattr(self, "_" + item[1:])()
            else:
                self.item(item)
            if self.over:
                break

    def title(self, title):
        self.found.append([None, title, None])

    def add(self, name, value, items=None):
        self.found.append([name, value, items])

    def at(self, at, size):
        """A number at an offset."""
        return int.from_bytes(self.data[at : at + size], "little")

    def string(self, number):
        if not number:
            return "Not Specified"
        return self.strings[number - 1] if number <= len(self.strings) else "<BAD INDEX>"

    def number(self, source):
        # (offset, value, what follows) of an item.
        at = int(source[:2], 16)
        value = self.at(at, _SIZES[source[2]])
        end = 3
        while end < len(source) and source[end] not in ":*+-%.$!":
            end += 1
        if end > 3:
            shift, _, mask = source[3:end].partition("&")
            value = value >> int(shift, 16) & int(mask, 16)
        return at, value, source[end:]

    def item(self, item):
        name, _, source = item.partition("=")
        at, value, form = self.number(source)
        kind = source[2]
        form, *special = form.split("!")
        for one in special:
            number, _, word = one.partition("=")
            if int(number, 16) == value:
                if word:
                    self.add(name, word)
                return
        how, form = form[:1], form[1:]
        if kind == "i" and value & 0x8000:
            value -= 0x10000
        if kind == "s":
            self.add(name, self.string(value))
        elif how == ":":
            self.add(name, word_of(form, value))
        elif how == "$":
            value = getattr(self, "_" + form)(name, value, at)
            if isinstance(value, list):
                self.add(name, None, value)
            elif value is not None:
                self.add(name, value)
        elif how == "%":
            self.add(name, form % value)
        elif how == ".":
            places = int(form[0])
            self.add(name, self.fixed(value, places) + form[1:])
        elif how == "+":
            self.add(name, " ".join(_bits(form, value)) or "None")
        elif how:
            items = _bits(form, value)
            if name == "+":
                self.found[-1][2] += items
            elif items or how == "-":
                self.add(name, None, items)
            else:
                self.add(name, "None")
        elif kind == "h" or kind == "x":
            self.add(name, ("0x%04X" if kind == "h" else "0x%08X") % value)
        else:
            self.add(name, "%d" % value)

    def fixed(self, value, places):
        one = 10**places
        size = abs(value)
        sign = "-" if value < 0 else ""
        return "%s%d.%0*d" % (sign, size // one, places, size % one)

    def room(self, at, size):
        # Whether so many bytes are there; where they are not the structure is over.
        if len(self.data) < at + size:
            self.over = True
        return not self.over

    # What a single field says.

    def _runtime(self, name, value, at):
        if not value:
            return None
        size = (0x10000 - value) << 4
        return "%d bytes" % size if size & 0x3FF else "%d kB" % (size >> 10)

    def _rom(self, name, value, at):
        if value != 0xFF:
            return memory_size((value + 1) << 6, 1)
        more = self.at(0x18, 2) if len(self.data) >= 0x1A else 16
        return "%d %s" % (more & 0x3FFF, ("MB", "GB", _OUT, _OUT)[more >> 14])

    def _revision(self, name, value, at):
        if value & 0xFF == 0xFF or value >> 8 == 0xFF:
            return None
        return self._pair(name, value, at)

    def _pair(self, name, value, at):
        return "%d.%d" % (value & 0xFF, value >> 8)

    def _nibbles(self, name, value, at):
        return "%d.%d" % (value >> 4, value & 15)

    def _uuid(self, name, value, at):
        return _uuid(self.data[at : at + 16], self.version >= (2, 6))

    def _handles(self, name, count, at):
        if self.room(at + 1, 2 * count):
            found = ["0x%04X" % self.at(at + 1 + 2 * i, 2) for i in range(count)]
            self.add(name, "%d" % count, found)

    def _elements(self, name, count, at):
        size = self.data[at + 1]
        at += 2
        if not self.room(at, count * size):
            return
        found = []
        if size >= 3:
            for i in range(at, at + count * size, size):
                kind, low, high = self.data[i : i + 3]
                word = word_of("TYPES" if kind & 0x80 else "BOARD", kind & 0x7F)
                found.append("%s (%s)" % (word, low if low == high else "%d-%d" % (low, high)))
        self.add(name, "%d" % count, found)
        at += count * size
        if self.room(at, 1):
            self.add("SKU Number", self.string(self.data[at]))

    def maker(self, name):
        maker = self.string(self.data[7])
        return name in maker or maker[: len(name)].lower() == name.lower()

    def family(self):
        family = self.data[6]
        return self.at(0x28, 2) if family == 0xFE and len(self.data) >= 0x2A else family

    def _family(self, name, value, at):
        if self.version[:2] == (2, 0) and value == 0x30 and self.maker("Intel"):
            return "Pentium Pro"
        value = self.family()
        if value == 0xBE:
            for maker, word in (("Intel", "Core 2"), ("AMD", "K7")):
                if self.maker(maker):
                    return word
            return "Core 2 or K7"
        return word_of("FAMILY", value)

    def _signature(self):
        self.add("ID", _hex(self.data[8:16]))
        eax = self.at(8, 4)
        family = eax >> 8 & 15
        model = eax >> 4 & 15
        stepping = eax & 15
        kind = word_of("VENDORS", self.family())
        if kind == "80386":
            form = "Type %d, Family %d, Major Stepping %d, Minor Stepping %d"
            self.add("Signature", form % (eax >> 12 & 15, family, model, stepping))
        elif kind == "80486" and not (
            family == 4 and (model == 4 or model >= 7) and stepping >= 3
        ):
            form = "Type %d, Family %d, Model %d, Stepping %d"
            self.add("Signature", form % (eax >> 12 & 3, family, model, stepping))
        elif kind == "ARM":
            if len(self.data) >= 0x28 and self.at(0x26, 2) >> 9 & 1:
                form = (
                    "JEP-106 Bank 0x%02x Manufacturer 0x%02x, SoC ID 0x%04x, SoC Revision 0x%08x"
                )
                parts = eax >> 24 & 0x7F, eax >> 16 & 0x7F, eax & 0xFFFF, self.at(12, 4)
                self.add("Signature", form % parts)
            elif eax:
                form = (
                    "Implementor 0x%02x, Variant 0x%x, Architecture %d, Part 0x%03x, Revision %d"
                )
                parts = eax >> 24, eax >> 20 & 15, eax >> 16 & 15, eax >> 4 & 0xFFF, stepping
                self.add("Signature", form % parts)
        elif kind != _OUT:
            more = eax >> 20 & 0xFF
            if kind == "AMD":
                if family == 15:
                    family += more
                    model |= eax >> 12 & 0xF0
                parts = "Family %d, Model %d, Stepping %d" % (family, model, stepping)
            else:
                parts = family + more, (eax >> 12 & 0xF0) + model, stepping
                parts = "Type %d, Family %d, Model %d, Stepping %d" % ((eax >> 12 & 3,) + parts)
            self.add("Signature", parts)
            flags = _bits("FLAGS", self.at(12, 4))
            self.add("Flags", None if flags else "None", flags)

    def _voltage(self, name, value, at):
        if value & 0x80:
            return self.fixed(value & 0x7F, 1) + " V"
        levels = [level for i, level in enumerate(("5.0 V", "3.3 V", "2.9 V")) if value >> i & 1]
        return " ".join(levels) or "Unknown"

    def _populated(self, name, value, at):
        if not value & 0x40:
            return "Unpopulated"
        return "Populated, " + word_of("PRESENCE", value & 7)

    def _cache(self, name, value, at):
        if value != 0xFFFF:
            return "0x%04X" % value
        return "Not Provided" if self.version >= (2, 3) else "No %s Cache" % name[:2]

    def _count(self, name, value, at):
        # One that does not fit in a byte has a word further on.
        at = 0x2A + 2 * (at - 0x23)
        return "%d" % (self.at(at, 2) if value == 0xFF and len(self.data) >= at + 2 else value)

    def _module(self, name, value, at):
        if value > 31:
            return _OUT
        return "%d MB" % ((self.data[0x0E] if "Total" in name else 1) << value)

    def _enabled(self):
        at = 0x0F + 2 * self.data[0x0E]
        if self.room(at, 1):
            self.item("Enabled Error Correcting Capabilities=%02Xb*CORRECT" % at)

    def _banks(self, name, value, at):
        if value == 0xFF:
            return "None"
        return " ".join(["%d" % bank for bank in (value >> 4, value & 15) if bank != 15])

    def _installed(self, name, value, at):
        size = value & 0x7F
        if size == 0x7F:
            return "Not Installed"
        words = {0x7D: "Not Determinable", 0x7E: "Disabled"}
        word = words.get(size) or ("%d MB" % (1 << size) if size < 32 else _OUT)
        return "%s (%s-bank Connection)" % (word, "Double" if value & 0x80 else "Single")

    def _configuration(self, name, value, at):
        return "%s, %s, Level %d" % (
            "Enabled" if value & 0x80 else "Disabled",
            "Socketed" if value & 8 else "Not Socketed",
            (value & 7) + 1,
        )

    def _cachesize(self, name, value, at):
        # In KiB, or 64 of them; since 3.1 with 31 bits instead of 15.
        width = 16
        wide = 0x17 if at == 9 else 0x13
        if len(self.data) >= wide + 4:
            width = 32
            value = self.at(wide, 4)
        top = 1 << (width - 1)
        return memory_size((value & (top - 1)) << (6 if value & top else 0), 1)

    def _slot(self, name, value, at):
        word = word_of("SLOT", value)
        width = self.data[6]
        return word if 1 <= width <= 2 else word_of("BUS", width) + " " + word

    def express(self):
        # Whether a slot is one of PCI Express.
        kind = self.data[5]
        return 0x1F <= kind <= 0x23 or 0xA5 <= kind <= 0xC4 and kind != 0xB7

    def _slotid(self, name, value, at):
        kind = self.data[5]
        if kind == 7:
            return "Adapter %d, Socket %d" % (value, self.data[at + 1])
        if kind in (4, 5, 6) or 0x0E <= kind <= 0x13 or self.express():
            return "%d" % value
        return None

    def _slotable(self, name, value, at):
        if len(self.data) > 0x0C:
            value |= self.data[0x0C] << 8
        words = _bits("SLOTABLE", value)
        return words[0] if words == ["Unknown"] else words or "None"

    def _address(self, name, value, at):
        bus, place = self.data[at + 2 : at + 4]
        if (value, bus, place) == (0xFFFF, 0xFF, 0xFF):
            return None
        return "%04x:%02x:%02x.%x" % (value, bus, place >> 3, place & 7)

    def _peers(self, name, count, at):
        self.add(name, "%d" % count)
        at += 1
        if not self.room(at, 5 * count):
            return
        for i in range(1, count + 1):
            segment = self.at(at, 2)
            bus, place, width = self.data[at + 2 : at + 5]
            place = "%04x:%02x:%02x.%x" % (segment, bus, place >> 3, place & 7)
            self.add("Peer Device %d" % i, "%s (Width %d)" % (place, width))
            at += 5
        if not self.room(at, 4):
            return
        generation, width = self.data[at : at + 2]
        if generation and self.express():
            self.add("PCI Express Generation", "%d" % generation)
        if width:
            self.add("Slot Physical Width", word_of("BUS", width))
        pitch = self.at(at + 2, 2)
        if pitch:
            self.add("Pitch", self.fixed(pitch, 2) + " mm")
        if self.room(at + 4, 1):
            self.add("Height", word_of("HEIGHT", self.data[at + 4]))

    def _devices(self):
        count = (len(self.data) - 4) // 2
        for i in range(count):
            number = "" if count == 1 else "%d " % (i + 1)
            self.title("On Board Device %sInformation" % number)
            kind, string = self.data[4 + 2 * i : 6 + 2 * i]
            self.add("Type", word_of("ONBOARD", kind & 0x7F))
            self.add("Status", word_of("ABLE", kind >> 7))
            self.add("Description", self.string(string))

    def _numbered(self, name, count, at):
        for i in range(1, count + 1):
            self.add("%s %d" % (name, i), self.string(i))

    def _format(self, name, value, at):
        if self.version >= (2, 1):
            return "Abbreviated" if value else "Long"
        return None

    def _languages(self, name, count, at):
        self.add(name, "%d" % count, [self.string(i) for i in range(1, count + 1)])

    def _group(self, name, value, at):
        found = []
        for i in range(5, len(self.data) - 2, 3):
            found.append("0x%04X (%s)" % (self.at(i + 1, 2), word_of("TYPES", self.data[i])))
        self.add(name, "%d" % len(found), found)

    def _header(self, name, value, at):
        size = self.at(8, 2) - value
        return "%d byte%s" % (size & 0xFFFFFFFF, "s" if size > 1 else "") if size else None

    def _access(self, name, method, at):
        low, high = self.at(0x10, 2), self.at(0x12, 2)
        if method < 3:
            return "Index 0x%04X, Data 0x%04X" % (low, high)
        if method == 3:
            return "0x%04X%04X" % (high, low)
        return "0x%04X" % low if method == 4 else "Unknown"

    def _descriptors(self):
        count, size = self.data[0x15:0x17]
        if size >= 2 and self.room(0x17, count * size):
            for i in range(count):
                kind, form = self.data[0x17 + i * size : 0x19 + i * size]
                self.add("Descriptor %d" % (i + 1), word_of("EVENT", kind))
                self.add("Data Format %d" % (i + 1), word_of("EVENTS", form))

    def _capacity(self, name, value, at):
        if value != 0x80000000:
            return memory_size(value, 1)
        return memory_size(self.at(0x0F, 8), 0) if len(self.data) >= 0x17 else "Unknown"

    def _dimm(self, name, value, at):
        if value == 0x7FFF and len(self.data) >= 0x20:
            value = self.at(0x1C, 4) & 0x7FFFFFFF
            if value & 0x3FF:
                return "%d MB" % value
            return "%d GB" % (value >> 10) if value & 0xFFC00 else "%d TB" % (value >> 20)
        return memory_size((value & 0x7FFF) << (0 if value & 0x8000 else 10), 1)

    def _speed(self, name, value, at):
        if value == 0xFFFF:
            wide = 0x54 if at == 0x15 else 0x58
            value = self.at(wide, 4) if len(self.data) >= 0x5C else 0
        return "%d MT/s" % value if value else "Unknown"

    def _volts(self, name, value, at):
        digits = self.fixed(value, 3)
        while digits[-1] == "0" and digits[-2] != ".":
            digits = digits[:-1]
        return digits + " V"

    def _jedec(self, name, value, at):
        return "Bank %d, Hex 0x%02X" % ((value & 0x7F) + 1, value >> 8)

    def _bytes(self, name, value, at):
        return memory_size(value, 0)

    def _mapped(self):
        start, end = self.at(4, 4), self.at(8, 4)
        # The long addresses are behind the others, which are as long as that type's fields.
        wide = 0x0F if self.data[0] == 19 else 0x13
        if start == 0xFFFFFFFF and len(self.data) >= wide + 16:
            start, end = self.at(wide, 8), self.at(wide + 8, 8)
            form = "0x%016Xk"
            size = "Invalid" if start == end else memory_size(end - start + 1 & (1 << 64) - 1, 0)
        else:
            form = "0x%011X"
            size = end - start + 1 & 0xFFFFFFFF
            size = memory_size(size, 1) if size else "Invalid"
            start, end = start << 10, (end << 10) + 0x3FF
        self.add("Starting Address", form % start)
        self.add("Ending Address", form % end)
        self.add("Range Size", size)

    def smart(self):
        return len(self.data) >= 0x1A

    def _battery(self, name, value, at):
        # Where a Smart Battery says it itself that comes further on.
        if name == "Chemistry":
            return None if value == 2 and self.smart() else word_of("CHEMISTRY", value)
        return self.string(value) if value or not self.smart() else None

    def _power(self, name, value, at):
        return "%d mWh" % (value * (self.data[0x15] if len(self.data) >= 0x16 else 1))

    def _smart(self):
        if not self.data[7]:
            self.add("SBDS Serial Number", "%04X" % self.at(0x10, 2))
        if not self.data[6]:
            date = self.at(0x12, 2)
            date = 1980 + (date >> 9), date >> 5 & 15, date & 31
            self.add("SBDS Manufacture Date", "%d-%02d-%02d" % date)
        if self.data[9] == 2:
            self.add("SBDS Chemistry", self.string(self.data[0x14]))

    def _schedule(self, name, value, at):
        found = ""
        for mark, low, high in ("", 1, 0x12), ("-", 1, 0x31), (" ", 0, 0x23), (":", 0, 0x59):
            found += self.decimal(mark, at, low, high)
            at += 1
        return found + self.decimal(":", at, 0, 0x59)

    def decimal(self, mark, at, low, high):
        value = self.data[at]
        good = value <= 0x99 and value & 15 <= 9 and low <= value <= high
        return mark + ("%02X" % value if good else "*")

    def _checksum(self, name, value, at):
        return "Invalid" if sum(self.data) & 0xFF else "OK"

    def _far(self, name, value, at):
        return "%04X:%04X" % (value >> 16, value & 0xFFFF)

    def _loads(self):
        count = self.data[6]
        if self.room(7, 3 * count):
            for i in range(1, count + 1):
                self.add("Device %d Load" % i, "%d" % self.data[4 + 3 * i])
                self.add("Device %d Handle" % i, "0x%04X" % self.at(5 + 3 * i, 2))

    def _ipmi(self):
        data = self.data
        if data[7] == 0xFF:
            self.add("NV Storage Device", "Not Present")
        if data[4] == 4:
            self.add("Base Address", "0x%02X (SMBus)" % (data[8] >> 1))
        else:
            addr = self.at(8, 8)
            low = data[0x10] >> 4 & 1 if len(data) >= 0x11 else 0
            where = "I/O" if addr & 1 else "Memory-mapped"
            self.add("Base Address", "0x%016X (%s)" % (addr & ~1 | low, where))
        if not self.room(0x10, 2):
            return
        how, number = data[0x10:0x12]
        if data[4] != 4:
            self.add("Register Spacing", word_of("SPACING", how >> 6))
            if how & 8:
                self.add("Interrupt Polarity", "Active High" if how & 2 else "Active Low")
                self.add("Interrupt Trigger Mode", "Level" if how & 1 else "Edge")
        if number:
            self.add("Interrupt Number", "%d" % number)

    def _supply(self, name, value, at):
        if not value & 2:
            return "Not Present"
        status = value >> 7 & 7
        return "Present, " + (word_of("HEALTH", status) if status < 6 else _OUT)

    def _additional(self):
        if len(self.data) < 0x0B:
            return
        at = 5
        for i in range(self.data[4]):
            self.title("Additional Information %d" % (i + 1))
            if not self.room(at, 1):
                break
            size = self.data[at]
            if size < 5 or not self.room(at, size):
                break
            self.add("Referenced Handle", "0x%04x" % self.at(at + 1, 2))
            self.add("Referenced Offset", "0x%02x" % self.data[at + 3])
            self.add("String", self.string(self.data[at + 4]))
            size -= 5
            good = size in (1, 2, 4)
            value = "0x%0*x" % (2 * size, self.at(at + 5, size)) if good else "Unexpected size"
            self.add("Value", value)
            at += 5 + size

    def _host(self):
        data = self.data
        if self.version < (3, 2):
            if self.room(4, 1):
                self.add("Interface Type", word_of("HOST", data[4]))
                if len(data) >= 9 and data[4] == 0xF0:
                    self.add("Vendor ID", "0x" + _hex(data[5:9]).replace(" ", ""))
            return
        if len(data) < 11 or len(data) < 6 + data[5]:
            return
        kind, size = data[4:6]
        self.add("Host Interface Type", word_of("HOST", kind))
        if kind != 0x40:
            return
        at = 7
        if size:
            kind = data[6]
            self.add("Device Type", word_of("NETWORK", kind))
            names = ()
            if kind == 2 and size >= 5:
                names = "idVendor", "idProduct"
            elif kind == 3 and size >= 9:
                names = "VendorID", "DeviceID", "SubVendorID", "SubDeviceID"
            for name in names:
                self.add(name, "0x%04x" % self.at(at, 2))
                at += 2
        at = 6 + size
        if not self.room(at, 1):
            return
        count = data[at]
        at += 1
        for _ in range(count):
            if not self.room(at, 2) or not self.room(at, 2 + data[at + 1]):
                return
            self.record(data[at], data[at + 2 : at + 2 + data[at + 1]])
            at += 2 + data[at + 1]

    def record(self, kind, data):
        # DSP0270 1.3, 8.4.
        parts = []
        self.add("Protocol ID", "%02x (%s)" % (kind, word_of("PROTOCOL", kind)), parts)
        if kind != 4 or len(data) < 91:
            return
        parts.append("Service UUID: " + _uuid(data[:16]))
        self.place(parts, data[16:50], "Host IP%s", "", "")
        service = data[50:84]
        if self.place(parts, service, "Redfish Service IP%s", "Redfish Service ", " Discovery"):
            parts.append("Redfish Service Port: %d" % int.from_bytes(data[84:86], "little"))
            parts.append("Redfish Service Vlan: %d" % int.from_bytes(data[86:90], "little"))
        name = data[91 : 91 + data[90]]
        name = text(name) if data[90] + 91 <= len(data) else _OUT
        parts.append("Redfish Service Hostname: " + name)

    def place(self, parts, data, title, prefix, discovery):
        # How an address is found, its kind, and it itself with its mask, where it is known.
        assigned, kind = data[:2]
        kind_word = word_of("FAMILIES", kind)
        form = title % (discovery or " Assignment")
        parts.append("%s Type: %s" % (form, word_of("ASSIGN", assigned)))
        parts.append("%s: %s" % (title % " Address Format", kind_word))
        if assigned not in (1, 3):
            return False
        for name, at in (("Address", 2), ("Mask", 18)):
            value = _address(data[at : at + 16], kind)
            parts.append("%s %s%s: %s" % (kind_word, prefix, name, value))
        return True

    def _tpm(self, name, value, at):
        return text(self.data[4:8].split(b"\0")[0])

    def _firmware(self, name, value, at):
        if value == 1:
            return "%d.%d" % (self.data[12], self.data[13])
        return "%d.%d" % (self.at(12, 2), self.at(10, 2)) if value == 2 else None

    def _block(self, name, size, at):
        return _hex(self.data[8 : 8 + size]) or "None"

    def _updates(self, name, value, at):
        words = ("Updatable", "Write-Protect")
        return [
            "%s: %s" % (word, "Yes" if value >> i & 1 else "No") for i, word in enumerate(words)
        ]
