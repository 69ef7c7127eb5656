"""cmdline splits the kernel's command line into options, and says which value is bad."""

import pytest


@pytest.fixture(scope="module")
def port(unix_port):
    unix_port.exec("import cmdline")
    return unix_port


@pytest.mark.parametrize(
    "text, options",
    [
        ("", {}),
        ("  \t ", {}),
        ("a=1 b  c=\td", {"a": "1", "b": "", "c": "", "d": ""}),
        ("a=b=c a", {"a": ""}),
        ("a=1 a=2", {"a": "2"}),
        ('main="/rom/my program.py" x', {"main": "/rom/my program.py", "x": ""}),
        # GRUB quotes whole words.
        ('"main=/rom/my program.py" x', {"main": "/rom/my program.py", "x": ""}),
        ('a="" b', {"a": "", "b": ""}),
        ("a='1 2'", {"a": "'1", "2'": ""}),
    ],
)
def test_parse(port, text, options):
    """Words apart by spaces, key=value or a bare key, quotes keep spaces, the last one wins."""
    assert port.eval(f"cmdline.parse({text!r})") == options


def test_parse_long(port):
    """A command line of 4 kB and more is no matter."""
    port.exec("options = cmdline.parse(' '.join(['k%d=%d' % (i, i) for i in range(1000)]))")
    assert port.eval("len(options) == 1000 and options['k999'] == '999'")


def test_parse_open_quote(port):
    """A quote that stays open is refused."""
    with pytest.raises(port.Failed, match="ValueError: command line: a quote is not closed"):
        port.eval("cmdline.parse('a=\"b c')")


@pytest.mark.parametrize(
    "value, size",
    [
        ("0", 0),
        ("4096", 4096),
        ("0x1000", 4096),
        ("64k", 65536),
        ("64K", 65536),
        ("0x10M", 16 << 20),
        ("3g", 3 << 30),
        ("2T", 2 << 40),
    ],
)
def test_size(port, value, size):
    """Bytes in decimal or hex, with a unit."""
    assert port.eval(f"cmdline.size('maxmem', {value!r})") == size


@pytest.mark.parametrize(
    "value",
    [
        "",
        "k",
        "x",
        "-1",
        "+1",
        "1.5M",
        "1MM",
        "0x",
        "08Q",
        "4194304T",
        "1_0",
        "0b1",
        "0o7",
        "0x_1",
        " 1",
        "1 k",
        "\uff11",
    ],
)
def test_size_refused(port, value):
    """What is no size is refused by name."""
    with pytest.raises(port.Failed) as caught:
        port.eval(f"cmdline.size('maxmem', {value!r})")
    problem = f"command line: maxmem={value} is not a size"
    example = ": one is like 4096, 0x1000, 64k, 16M or 1G"
    assert (caught.value.kind, caught.value.message) == ("ValueError", problem + example)


def test_choice(port):
    """The first choice is the default; what is none of them is refused by name."""
    choices = "('info', 'quiet')"
    assert port.eval(f"cmdline.choice({{}}, 'log', {choices})") == "info"
    assert port.eval(f"cmdline.choice({{'log': 'quiet'}}, 'log', {choices})") == "quiet"
    with pytest.raises(port.Failed) as caught:
        port.eval(f"cmdline.choice({{'log': 'loud'}}, 'log', {choices})")
    assert caught.value.message == "command line: log=loud is not one of info quiet"
