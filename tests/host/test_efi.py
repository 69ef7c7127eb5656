"""What efi makes of UEFI's bytes is what they say, and bytes that say nothing are no exception."""

import struct
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.host.frozen import frozen

words = frozen("_efi_words")
TEXT = frozen("_efi_names").TEXT

NAMES = (
    *(words._FLAGS + words._TEXTS + words._PATHS + words._KEYS),
    *(
        "BootCurrent",
        "BootNext",
        "Timeout",
        "OsIndications",
        "BootOrder",
        "Boot0000",
        "Driver00aF",
    ),
)
GUID = uuid.UUID("12345678-9abc-def0-1234-56789abcdef0")


@given(st.binary(min_size=16, max_size=16))
def test_guid(data):
    """A GUID's bytes and text are those of Python's uuid, both ways and in either case."""
    text = str(uuid.UUID(bytes_le=data))
    assert words.guid(data) == text
    assert words.guid_bytes(text) == words.guid_bytes(text.upper()) == data


@given(
    st.text() | st.from_regex(r"[0-9a-g]{7,9}(-[0-9a-f]{4}){2,4}-[0-9a-f]{11,13}", fullmatch=True)
)
def test_no_guid(text):
    """What is no GUID is a ValueError."""
    try:
        if len(text) == 36 and str(uuid.UUID(text)) == text.lower():
            return
    except ValueError:
        pass
    with pytest.raises(ValueError, match="is no GUID"):
        words.guid_bytes(text)


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=["Cs"]), min_size=1))
def test_name(name):
    """A name goes into UTF-16 and back."""
    if "\0" in name:
        with pytest.raises(ValueError):
            words.name_bytes(name)
        return
    data = words.name_bytes(name)
    assert data == (name + "\0").encode("utf-16-le")
    assert words.char16(data + b"x\0y") == words.char16(data[:-2]) == name


@given(st.sampled_from(NAMES), st.binary())
def test_anything(name, data):
    """Whatever a variable holds, it is text or None."""
    assert isinstance(words.explain(name, data), (str, type(None)))


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=48))))
def test_any_path(nodes):
    """Any path that is in order is told to its end."""
    data = b"".join(struct.pack("<BBH", k, s, 4 + len(d)) + d for k, s, d in nodes)
    assert not words.path(data).endswith("...")
    assert words.path(data + b"\1\1\xff\0").endswith("...")


def node(kind, subkind, data):
    return struct.pack("<BBH", kind, subkind, 4 + len(data)) + data


END = node(0x7F, 0xFF, b"")
ROOT = node(2, 1, struct.pack("<II", 0x0A0341D0, 0))
# As the text of UEFI 2.10, 10.6.1.6 has them.
NODES = (
    (node(1, 1, b"\3\x1f"), "Pci(0x1F,0x3)"),
    (node(1, 4, GUID.bytes_le + b"\1"), f"VenHw({GUID},01)"),
    (ROOT, "PciRoot(0x0)"),
    (node(2, 1, struct.pack("<II", 0x060441D0, 1)), "Acpi(PNP0604,0x1)"),
    (node(2, 1, struct.pack("<II", 0x12345678, 1)), "Acpi(0x12345678,0x1)"),
    (node(3, 1, b"\1\0\2\0"), "Ata(0x1,0x0,0x2)"),
    (node(3, 2, b"\1\0\2\0"), "Scsi(0x1,0x2)"),
    (node(3, 5, b"\4\1"), "USB(0x4,0x1)"),
    (node(3, 11, bytes(range(1, 33)) + b"\1"), "MAC(010203040506,0x1)"),
    (node(3, 14, struct.pack("<IQBBB", 0, 9600, 7, 2, 3)), "Uart(9600,7,E,2)"),
    (node(3, 18, struct.pack("<HHH", 1, 0xFFFF, 0)), "Sata(0x1,0xFFFF,0x0)"),
    (node(3, 23, struct.pack("<I", 1) + bytes(range(8))), "NVMe(0x1,07-06-05-04-03-02-01-00)"),
    (
        node(4, 1, struct.pack("<IQQ16sBB", 2, 0x800, 0x9000, GUID.bytes_le, 2, 2)),
        f"HD(2,GPT,{GUID},0x800,0x9000)",
    ),
    (
        node(4, 1, struct.pack("<IQQIIQBB", 1, 0x800, 0x9000, 0xABCD, 0, 0, 1, 1)),
        "HD(1,MBR,0x0000ABCD,0x800,0x9000)",
    ),
    (node(4, 2, struct.pack("<IQQ", 1, 2, 3)), "CDROM(0x1,0x2,0x3)"),
    (node(4, 4, "\\EFI\\a.efi\0".encode("utf-16-le")), "\\EFI\\a.efi"),
    (node(4, 6, GUID.bytes_le), f"FvFile({GUID})"),
    (node(4, 7, GUID.bytes_le), f"Fv({GUID})"),
    (node(9, 8, b"\1\2"), "Path(9,8,0102)"),
)


@pytest.mark.parametrize("data, text", NODES)
def test_node(data, text):
    """A node of a device path is told as UEFI says."""
    assert words.path(ROOT + data + END) == f"PciRoot(0x0)/{text}"
    assert words.path(data + node(0x7F, 1, b"") + ROOT + END) == f"{text},PciRoot(0x0)"


def test_option():
    """A load option is its description and its path, whatever it has behind them."""
    path = ROOT + END
    title = "D\xe9bian\0".encode("utf-16-le")
    data = struct.pack("<IH", 1, len(path)) + title + path + b"own data"
    assert words.explain("Boot001F", data) == "'D\xe9bian' PciRoot(0x0)"
    assert words.explain("Boot001F", b"\0" + data[1:]).endswith(" (not active)")
    assert words.explain("Boot001G", data) is None
    assert words.explain("BootOrder", b"\1\0\x1f\0") == "Boot0001 Boot001F"
    assert words.explain("BootNext", b"\x1f\0") == "Boot001F"
    assert words.explain("OsIndications", b"\x41" + bytes(7)) == (
        "BOOT_TO_FW_UI START_PLATFORM_RECOVERY"
    )
    one = GUID.bytes_le + struct.pack("<III", 28 + 4 + 2 * 48, 4, 48) + bytes(4 + 96)
    assert words.explain("db", one + one) == "4 signatures"
    assert words.explain("db", one + b"x") is None


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9), st.sampled_from((5, 6)))))
def test_same_memory(regions):
    """Regions are the same memory cut into pages as they are whole, and not with one page less."""
    whole = []
    at = 0
    for gap, pages, kind in regions:
        at += gap * 4096
        whole.append((at, pages, kind, 0))
        at += pages * 4096
    data = b"".join(
        struct.pack("<IxxxxQQQQ8x", kind, start, 0, pages, 1 << 63)
        for start, pages, kind, _ in whole
    )
    assert words.descriptors(data, 48) == [(*one[:3], 1 << 63) for one in whole]
    cut = [(at + 4096 * i, 1, kind, 1) for at, pages, kind, _ in whole for i in range(pages)]
    assert words.same_memory(whole, cut)
    assert not whole or not words.same_memory(whole, cut[:-1])
    with pytest.raises(ValueError, match="descriptors of 39 bytes"):
        words.descriptors(data, 39)


def test_names():
    """Statuses, memory and GUIDs have the names of UEFI 2.10."""
    assert words.status_name(1 << 63 | 35) == "HTTP_ERROR"
    assert words.status_name(1 << 63 | 31) == "END_OF_FILE"
    assert words.status_name(1 << 63 | 36) == "STATUS_0x8000000000000024"
    assert words.status_name(5) == "STATUS_0x5"
    assert words.memory_words(14, 1 << 63 | 1 << 19 | 1 << 12 | 8) == (
        "Persistent",
        "WB WP CPU_CRYPTO RUNTIME",
    )
    assert words.memory_words(0x80000000, 0) == ("0x80000000", "")
    guids = [line[:36] for line in TEXT.split("\n") if line[8:9] == "-"]
    assert len(set(guids)) == len(guids) > 15
    assert all(str(uuid.UUID(guid)) == guid and words.guid_words(guid) for guid in guids)
    assert words.guid_words(str(GUID)) is None
