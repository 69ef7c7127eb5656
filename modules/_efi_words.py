# What numbers and bytes of UEFI's are, and mean in words. UEFI 2.10: GUIDs appendix A, variables
# 3.3, load options 3.1.3, memory descriptors 7.2.3, device paths 10.3 and 10.6, signature lists
# 32.4.1.

_FLAGS = ("SecureBoot", "SetupMode", "AuditMode", "DeployedMode", "VendorKeys")
_TEXTS = ("Lang", "PlatformLang", "LangCodes", "PlatformLangCodes")
_PATHS = ("ConIn", "ConOut", "ErrOut", "ConInDev", "ConOutDev", "ErrOutDev")
_KEYS = ("PK", "KEK", "db", "dbx", "dbt", "dbr")
_OPTIONS = ("Boot", "Driver", "SysPrep", "PlatformRecovery")
_ACPI = {"0A03": "PciRoot(", "0A08": "PcieRoot(", "0501": "Serial(", "0301": "Keyboard("}
_VENDORS = {0x0104: "VenHw", 0x030A: "VenMsg", 0x0403: "VenMedia"}
_SIZES = {"b": 1, "w": 2, "d": 4, "q": 8, "h": 4, "p": 1, "s": 1, "k": 1}


def number(data, at, size):
    return int.from_bytes(data[at : at + size], "little")


def guid(data):
    """A GUID's 16 bytes as text."""
    fields = number(data, 0, 4), number(data, 4, 2), number(data, 6, 2)
    return "%08x-%04x-%04x-" % fields + data[8:10].hex() + "-" + data[10:16].hex()


def guid_bytes(text):
    """The other way. ValueError for what is none."""
    if not isinstance(text, str):
        raise TypeError("a GUID is a str")
    parts = text.lower().split("-")
    if [len(part) for part in parts] != [8, 4, 4, 4, 12] or not _is_hex("".join(parts)):
        raise ValueError("%r is no GUID like 8be4df61-93ca-11d2-aa0d-00e098032b8c" % text)
    data = bytes.fromhex("".join(parts))
    return bytes([data[i] for i in (3, 2, 1, 0, 5, 4, 7, 6)]) + data[8:]


def _is_hex(text):
    return not [c for c in text if c not in "0123456789ABCDEFabcdef"]


def name_bytes(name):
    """A variable's name in CHAR16, with its end. ValueError for what is none."""
    if not isinstance(name, str):
        raise TypeError("a variable's name is a str")
    if not name or [c for c in name if not 0 < ord(c) < 0x10000]:
        raise ValueError("%r: a name has characters from 1 to 0xffff" % name)
    return b"".join([ord(c).to_bytes(2, "little") for c in name]) + b"\0\0"


def char16(data):
    """CHAR16 up to the first zero, or the end, as text."""
    found = ""
    for at in range(0, len(data) - 1, 2):
        code = number(data, at, 2)
        if not code:
            break
        found += chr(code)
    return found


def descriptors(data, step):
    """(start, pages, type, attributes) of each descriptor, in order. ValueError: they are none."""
    if step < 40:
        raise ValueError("EFI: memory descriptors of %d bytes" % step)
    found = []
    for at in range(0, len(data) - 39, step):
        start, pages, bits = [number(data, at + i, 8) for i in (8, 24, 32)]
        found.append((start, pages, number(data, at, 4), bits))
    return sorted(found)


def same_memory(one, other):
    """Whether two lists of descriptors are of the same memory, by type."""
    ends = []
    for regions in (one, other):
        merged = []
        for start, pages, kind, _ in regions:
            end = start + (pages << 12)
            if merged and merged[-1][1:] == (start, kind):
                start = merged.pop()[0]
            merged.append((start, end, kind))
        ends.append(merged)
    return ends[0] == ends[1]


def _lines():
    from _efi_names import TEXT

    return TEXT.split("\n")


def _bits(line, value):
    return " ".join([word for i, word in enumerate(_lines()[line].split()) if value >> i & 1])


def status_name(status):
    """A status, as appendix D names it without its EFI_."""
    names = _lines()[0].split()
    code = status & ~(1 << 63)
    return names[code] if status >> 63 == 1 and code < len(names) else "STATUS_0x%x" % status


def memory_words(kind, bits):
    """A memory type and attributes."""
    names = _lines()[1].split()
    return names[kind] if kind < len(names) else "0x%x" % kind, _bits(2, bits)


def guid_words(text):
    """What a GUID is, or None."""
    for line in _lines():
        if line[:37] == text + " ":
            return line[37:]
    return None


def explain(name, data):
    """A variable's bytes in words, or None where they are not known, or not as they should be."""
    if name in _FLAGS and len(data) == 1:
        return "on" if data[0] else "off"
    if name in ("BootCurrent", "BootNext") and len(data) == 2:
        return "Boot%04X" % number(data, 0, 2)
    if name == "Timeout" and len(data) == 2:
        return "%d s" % number(data, 0, 2)
    if name in ("OsIndications", "OsIndicationsSupported") and len(data) == 8:
        return _bits(3, number(data, 0, 8)) or "none"
    if name in _TEXTS:
        return "".join([chr(byte) for byte in data if 32 <= byte < 127])
    if name in _PATHS:
        return path(data)
    if name in _KEYS:
        return _signatures(data)
    for option in _OPTIONS:
        if name == option + "Order" and len(data) % 2 == 0:
            order = [number(data, at, 2) for at in range(0, len(data), 2)]
            return " ".join([option + "%04X" % one for one in order])
        rest = name[len(option) :]
        if name[: len(option)] == option and len(rest) == 4 and _is_hex(rest):
            return _option(data)
    return None


def _option(data):
    # Attributes, size of the paths, description, paths, data of its own.
    if len(data) < 8:
        return None
    text = char16(data[6:])
    at = 6 + 2 * len(text) + 2
    found = "%r %s" % (text, path(data[at : at + number(data, 4, 2)]))
    return found if data[0] & 1 else found + " (not active)"


def _signatures(data):
    count = at = 0
    while at + 28 <= len(data):
        size, header, one = [number(data, at + i, 4) for i in (16, 20, 24)]
        if size < 28 + header or at + size > len(data) or not one:
            return None
        count += (size - 28 - header) // one
        at += size
    return "%d signatures" % count if at == len(data) else None


def path(data):
    """A device path as text; several are apart by commas."""
    nodes = {}
    for line in _lines():
        if line[4:5] == " ":
            nodes[line[:4]] = line.split()
    found = between = ""
    at = 0
    while at + 4 <= len(data):
        size = number(data, at + 2, 2)
        if size < 4 or at + size > len(data):
            return found + between + "..."
        if data[at] == 0x7F:
            between = ","
        else:
            found += between + _node(nodes, data[at], data[at + 1], data[at + 4 : at + size])
            between = "/"
        at += size
    return found


def _node(nodes, kind, subkind, data):
    key = kind << 8 | subkind
    known = nodes.get("%04x" % key)
    if known and int(known[1], 16) == len(data):
        return known[2] % tuple([_field(data, int(one[:2], 16), one[2]) for one in known[3:]])
    if key in _VENDORS and len(data) >= 16:
        rest = data[16:].hex()
        return "%s(%s)" % (_VENDORS[key], guid(data) + ("," + rest if rest else ""))
    if key == 0x0404:
        return char16(data)
    return "Path(%d,%d,%s)" % (kind, subkind, data.hex())


def _field(data, at, kind):
    if kind == "g":
        return guid(data[at:])
    if kind == "m":
        return data[at : at + 6].hex()
    if kind == "e":
        return "-".join(["%02X" % byte for byte in reversed(data[at : at + 8])])
    if kind == "i":
        return "0x%08X" % number(data, at, 4) if data[37] == 1 else guid(data[at:])
    value = number(data, at, _SIZES[kind])
    if kind == "h":
        # A compressed EISA id: 0x41d0 is PNP.
        if value & 0xFFFF != 0x41D0:
            return "Acpi(0x%08X," % value
        name = "%04X" % (value >> 16)
        return _ACPI.get(name, "Acpi(PNP" + name + ",")
    words = {"p": "D N E O M S", "s": "D 1 1.5 2", "k": "0 MBR GPT"}.get(kind)
    if words is None:
        return value
    words = words.split()
    return words[value] if value < len(words) else "%d" % value
