# Resource descriptors, which _CRS, _PRS and _DMA return: ACPI 6.5, chapter 6.4.

from _acpi_tables import text as _text
from _aml_values import AmlError

# Name and fields, each a name and its size in bytes, by the descriptor's tag, less the length in
# it. What comes after those fields is in the functions below.
_LAYOUTS = {
    0x20: "IRQ mask2",
    0x28: "DMA mask1 flags1",
    0x30: "StartDependent",
    0x38: "EndDependent",
    0x40: "IO flags1 min2 max2 align1 length1",
    0x48: "FixedIO min2 length1",
    0x50: "FixedDMA request2 channel2 width1",
    0x70: "Vendor",
    0x81: "Memory24 flags1 min2 max2 align2 length2",
    0x82: "Register space1 width1 offset1 access1 address8",
    0x84: "Vendor",
    0x85: "Memory32 flags1 min4 max4 align4 length4",
    0x86: "FixedMemory32 flags1 min4 length4",
    0x87: "DWordSpace type1 flags1 specific1 granularity4 min4 max4 translation4 length4",
    0x88: "WordSpace type1 flags1 specific1 granularity2 min2 max2 translation2 length2",
    0x89: "Interrupt flags1 count1",
    0x8A: "QWordSpace type1 flags1 specific1 granularity8 min8 max8 translation8 length8",
    0x8B: "ExtendedSpace type1 flags1 specific1 revision1 reserved1 granularity8 min8 max8 "
    "translation8 length8 attributes8",
    0x8C: "GPIO revision1 type1 flags2 specific2 pull1 drive2 debounce2 pins_at2 index1 name_at2 "
    "vendor_at2 vendor_length2",
    0x8D: "PinFunction revision1 flags2 pull1 function2 pins_at2 index1 name_at2 vendor_at2 "
    "vendor_length2",
    0x8E: "SerialBus revision1 index1 type1 flags1 specific2 type_revision1 type_length2",
    0x8F: "PinConfig revision1 flags2 type1 value4 pins_at2 index1 name_at2 vendor_at2 "
    "vendor_length2",
    0x90: "PinGroup revision1 flags2 pins_at2 label_at2 vendor_at2 vendor_length2",
    0x91: "PinGroupFunction revision1 flags2 function2 index1 name_at2 label_at2 vendor_at2 "
    "vendor_length2",
    0x92: "PinGroupConfig revision1 flags2 type1 value4 index1 name_at2 label_at2 vendor_at2 "
    "vendor_length2",
}


def decode(data):
    """The descriptors of a template, a dict each: `kind`, and its fields by name.

    Addresses and lengths are in bytes. AmlError for what is none, or ends too early.
    """
    found = []
    at = 0
    while at < len(data):
        tag = data[at]
        if tag & 0x80:
            past = at + 3 + int.from_bytes(data[at + 1 : at + 3], "little")
            start = at + 3
        else:
            past = at + 1 + (tag & 7)
            start = at + 1
            tag &= 0x78
        if past > len(data) or start > len(data):
            raise AmlError("a resource ends outside its template")
        if tag == 0x78:
            return found
        if tag not in _LAYOUTS:
            raise AmlError("0x%02x is no resource" % tag)
        found.append(_one(tag, data, at, start, past))
        at = past
    raise AmlError("a template without an end tag")


def _one(tag, data, base, at, past):
    words = _LAYOUTS[tag].split(" ")
    resource = {"kind": words[0]}
    for word in words[1:]:
        name = word[:-1]
        size = int(word[-1])
        if at + size > past:
            raise AmlError("%s: its end is in the middle of a field" % words[0])
        resource[name] = int.from_bytes(data[at : at + size], "little")
        at += size
    if tag == 0x20:
        resource["interrupts"] = _bits(resource.pop("mask"))
        # Without flags it is edge-triggered, active high and for one.
        resource["flags"] = data[at] if at < past else 1
    elif tag == 0x28:
        resource["channels"] = _bits(resource.pop("mask"))
    elif tag == 0x30:
        resource["priority"] = data[at] if at < past else 5
    elif tag == 0x81:
        for name in ("min", "max", "length"):
            resource[name] <<= 8
    elif tag == 0x89:
        end = at + 4 * resource.pop("count")
        if end > past:
            raise AmlError("Interrupt: its end is in the middle of a field")
        resource["interrupts"] = _numbers(data, at, end, 4)
        _source(resource, data, end, past)
    elif tag in (0x87, 0x88, 0x8A):
        _source(resource, data, at, past)
    elif tag in (0x70, 0x84):
        resource["data"] = bytes(data[at:past])
    elif tag == 0x8E:
        end = min(at + resource["type_length"], past)
        resource["data"] = bytes(data[at:end])
        resource["source"] = _text(data[end:past])
    elif tag >= 0x8C:
        _pins(resource, data, base, past)
    return resource


def _bits(mask):
    return [bit for bit in range(16) if mask >> bit & 1]


def _numbers(data, at, end, size):
    return [int.from_bytes(data[i : i + size], "little") for i in range(at, end, size)]


def _source(resource, data, at, past):
    if at < past:
        resource["index"] = data[at]
        resource["source"] = _text(data[at + 1 : past])


def _pins(resource, data, base, past):
    # What lies at offsets from the descriptor's start on: each ends where the next begins.
    places = [base + resource[name] for name in resource if name.endswith("_at")] + [past]
    for name, new in (("pins_at", "pins"), ("name_at", "source"), ("label_at", "label")):
        if name in resource:
            at = base + resource.pop(name)
            if not base < at <= past:
                raise AmlError("%s: %s lies outside" % (resource["kind"], new))
            end = min([place for place in places if place > at] or [past])
            if new == "pins":
                resource[new] = _numbers(data, at, end - (end - at) % 2, 2)
            else:
                resource[new] = _text(data[at:end])
    at = base + resource.pop("vendor_at")
    resource["data"] = bytes(data[at : min(at + resource.pop("vendor_length"), past)])


def eisa(value):
    """A hardware ID, an int or a str, as text like PNP0A08."""
    if not isinstance(value, int):
        return value
    value = int.from_bytes((value & 0xFFFFFFFF).to_bytes(4, "little"), "big")
    text = ""
    for shift in (26, 21, 16):
        text += chr(64 + (value >> shift & 31))
    return text + "%04X" % (value & 0xFFFF)
