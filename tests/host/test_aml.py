"""aml makes of tables what acpiexec makes of them: the same names, the same values."""

import random
from pathlib import Path

import pytest

from tests.host import acpiexec
from tests.host.frozen import frozen
from tests.host.iasl import compile, machines
from tests.host.machines import APART, Model, attempt, compare, is_method, machine, made

aml = frozen("_aml")
public = frozen("aml")
values = frozen("_aml_values")

__all__ = ["machines"]

LANGUAGE = Path(__file__).parent / "language.asl"
WANTED = {"_STA", "_CRS", "_PRT", "_HID", "_UID", "_ADR"}

# Of these all methods without arguments are called: acpiexec comes to an end with each.
WHOLE = {"all-in-one-001", "notebook-001", "notebook-081", "server-001"}


def assert_same(found):
    """That nothing differs in what compare() gives; returns how many values."""
    names, equal, different, impossible = found
    assert not names and not different and not impossible
    return len(equal)


@pytest.fixture(scope="module")
def language(tmp_path_factory):
    folder = tmp_path_factory.mktemp("language")
    return folder, compile(LANGUAGE.read_text(), folder, "language")


def test_language(language):
    """Each term of the language has the value that acpiexec gives it, and fails where it fails."""
    folder, table = language
    found = compare(folder, ["language.aml"], [table], lambda path, node: is_method(node))
    assert assert_same(found) > 130


def test_language_of_32_bits(language):
    """The same where a table of revision 1 makes integers 32 bits wide."""
    folder, table = language
    table = bytearray(table)
    table[8] = 1
    table[9] = 0
    table[9] = -sum(table) & 255
    (folder / "narrow.aml").write_bytes(table)

    def chosen(path, node):
        # acpiexec's _OSI returns 64 bits all the same.
        return is_method(node) and path != r"\C015"

    assert assert_same(compare(folder, ["narrow.aml"], [bytes(table)], chosen)) > 130


@pytest.mark.timeout(600)
def test_real_machines(machines, tmp_path):
    """Of real machines the names, and what their devices say of themselves; of some of them all
    methods without arguments."""
    for name, found in sorted(machines.items())[::16]:
        if name in APART:
            continue
        folder = tmp_path / name
        folder.mkdir()

        def chosen(path, node, everything=name in WHOLE):
            wanted = path.rpartition(".")[2].lstrip("\\") in WANTED
            data = not isinstance(node.obj, values.Method)
            return is_method(node) and (wanted or everything) or wanted and data

        assert assert_same(machine(folder, found, chosen)) > 30


def test_in_micropython(unix_port, language):
    """MicroPython gives the same values, and takes little memory."""
    folder, table = language
    namespace = aml.Interpreter([table])
    paths = [path for path, node in namespace.names() if is_method(node)]
    unix_port.exec(f"import _aml as aml\ntable = open('{folder}/language.aml', 'rb').read()")
    unix_port.exec("""
def value(path):
    try:
        return repr(namespace.evaluate(path))
    except aml.AmlError as error:
        return str(error)
namespace = aml.Interpreter([table])
""")
    for path in paths:
        try:
            want = repr(namespace.evaluate(path))
        except aml.AmlError as error:
            want = str(error)
        assert unix_port.eval(f"value({path!r})") == want, path


def test_no_method_hangs(language):
    """Loops, calls and waits end at a limit, methods in methods at a depth."""
    folder, _ = language
    source = """
DefinitionBlock ("", "DSDT", 2, "RING", "ENDLESS", 1)
{
    Method (LOOP) { While (One) { Noop } }
    Method (WAI) { While (One) { Sleep (1000) } }
    Method (DEEP) { DEEP () }
    Method (WIDE, 1) { If (Arg0 > 20) { Return (0) } WIDE (Arg0 + 1) WIDE (Arg0 + 1) }
    Method (HUGE) { Return (Buffer (0x7FFFFFFF) {}) }
    Method (GROW) { Local0 = "x" While (One) { Local0 = Concatenate (Local0, Local0) } }
    Method (ROUN) { Local0 = Package (1) {} Local0 [0] = RefOf (Local0) Return (Local0) }
    Method (BACK) { Return (7) }
}
"""
    namespace = made([compile(source, folder, "endless")], limit=1000)
    for path in ("LOOP", "WAI", "WIDE"):
        arguments = [1] if path == "WIDE" else []
        with pytest.raises(aml.AmlError, match="more than 1000 loops and calls"):
            namespace.evaluate(path, *arguments)
    with pytest.raises(aml.AmlError, match="methods inside methods"):
        namespace.evaluate("DEEP")
    for path in ("HUGE", "GROW", "ROUN"):
        with pytest.raises(aml.AmlError):
            namespace.evaluate(path)
    assert namespace.evaluate("BACK") == 7


def test_long_methods_end(language):
    """Firmware that asks a register 65536 times before it gives up comes to its end."""
    folder, _ = language
    source = """
DefinitionBlock ("", "DSDT", 2, "RING", "POLLS", 1)
{
    Method (POLL) { Local0 = 0 While (Local0 < 0x10000) { Local0++ } Return (Local0) }
}
"""
    assert made([compile(source, folder, "polls")]).evaluate("POLL") == 0x10000


def test_fatal(language):
    """Fatal ends the evaluation, and says what firmware said."""
    folder, _ = language
    source = """
DefinitionBlock ("", "DSDT", 2, "RING", "FATAL", 1)
{
    Name (LEFT, 0)
    Method (FAIL) { Fatal (2, 0x1234, 5) LEFT = 1 }
}
"""
    namespace = made([compile(source, folder, "fatal")])
    with pytest.raises(aml.AmlError, match="Fatal: type 0x2, code 0x1234, 0x5"):
        namespace.evaluate("FAIL")
    assert namespace.evaluate("LEFT") == 0


def test_mutexes(language):
    """What one evaluation leaves acquired is free for the next, as acpiexec has it."""
    folder, _ = language
    source = """
DefinitionBlock ("", "DSDT", 2, "RING", "MUTEXES", 1)
{
    Mutex (MTX, 0)
    Method (HOLD) { Acquire (MTX, 0xFFFF) Return (1) }
    Method (LEAV) { Release (MTX) Return (2) }
    Method (PAIR) { Acquire (MTX, 0xFFFF) Release (MTX) Return (3) }
}
"""
    table = compile(source, folder, "mutexes")
    found = compare(folder, ["mutexes.aml"], [table], lambda path, node: is_method(node))
    assert assert_same(found) == 3
    namespace = made([table])
    assert [attempt(namespace, path) for path in ("HOLD", "LEAV", "PAIR")] == [
        1,
        acpiexec.FAILED,
        3,
    ]


def test_hardware(language):
    """Without hardware no field is reached; a trace tells what was."""
    _, table = language
    refused = aml.Interpreter([table])
    with pytest.raises(aml.AmlError, match="MEM: there is no hardware"):
        refused.evaluate("F000")
    trace = public.Trace(Model())
    namespace = aml.Interpreter([table], trace)
    assert namespace.evaluate("P1") == 0
    namespace.evaluate("F000")
    assert trace.log[0] == (r"\POR", 0, 1, 0, None)
    assert (r"\MEM", 0, 1, None, 1) in trace.log
    namespace.evaluate("H012")
    assert [one for one in trace.log if one[0] == r"\I2C.GIO"] == [
        (r"\I2C.GIO", 1, 1, None, 1),
        (r"\I2C.GIO", 0, 1, 0, None),
        (r"\I2C.GIO", 1, 1, 1, None),
    ]
    namespace.evaluate("H006")
    assert trace.log[-1] == (r"\I2C.SBS", 0, 3, b"\0\1\xa0", bytes(3))


def test_public(language):
    """What everybody is given: names with their types, values, and problems."""
    _, table = language
    namespace = public.Namespace([table], Model())
    names = dict(namespace.names())
    assert names[r"\DEV"] == "Device" and names[r"\F1"] == "RegionField"
    assert names[r"\PKG"] == "Package" and names[r"\DEV.UP"] == "Method"
    assert namespace.evaluate(r"\DEV.UP") == 0x1234
    assert namespace.evaluate("PAIR", b"ab", [1, "x"]) == [b"ab", [1, "x"]]
    assert namespace.evaluate("PKG")[4] == public.Reference(r"\DEV", "Device")
    with pytest.raises(public.AmlError, match="PAIR takes 2 arguments"):
        namespace.evaluate("PAIR")
    with pytest.raises(TypeError):
        namespace.evaluate("PAIR", 1.5, 2)
    assert namespace.problems == ["a field of bits 32 to 96 of 8 bytes"]


def test_notify_and_debug(language):
    """What AML says goes to who listens."""
    folder, _ = language
    source = """
DefinitionBlock ("", "DSDT", 2, "RING", "SAYS", 1)
{
    Device (DEV) { }
    Method (SAY) { Debug = "said" Notify (DEV, 0x81) }
}
"""
    namespace = made([compile(source, folder, "says")])
    said = []
    namespace.evaluate("SAY")
    namespace.on_debug = said.append
    namespace.on_notify = lambda path, value: said.append((path, value))
    namespace.evaluate("SAY")
    assert said == ["said", (r"\DEV", 0x81)]


def test_loaded_by_aml(language):
    """Load and LoadTable run a table in a buffer and one that is there; a region shows another."""
    folder, _ = language
    inner = compile(
        'DefinitionBlock ("", "SSDT", 2, "RING", "INNER", 1) { Name (\\NEW, 42) }', folder, "inner"
    )
    other = compile(
        'DefinitionBlock ("", "OEM1", 2, "RING", "OTHER", 1) { Name (MORE, 43) }', folder, "other"
    )
    source = f"""
DefinitionBlock ("", "DSDT", 2, "RING", "LOADS", 1)
{{
    Name (SRC, Buffer () {{{", ".join(str(byte) for byte in inner)}}})
    Name (HAN, 0)
    Scope (\\_SB) {{ Device (DEV) {{ Name (PAR, 0) }} }}
    Method (LOA1) {{ Load (SRC, HAN) Return (ObjectType (HAN)) }}
    Method (LOA2)
    {{
        Local0 = LoadTable ("OEM1", "RING", "OTHER", "\\\\_SB.DEV", "PAR", 5)
        Return (ObjectType (Local0))
    }}
    DataTableRegion (DAT, "OEM1", "RING", "OTHER")
    Field (DAT, ByteAcc, NoLock, Preserve) {{ SIG, 32 }}
}}
"""
    table = compile(source, folder, "loads")
    namespace = made([table])
    namespace.tables.append(other)
    assert namespace.evaluate("LOA1") == 15 and namespace.evaluate("NEW") == 42
    assert namespace.evaluate("LOA2") == 15
    assert namespace.evaluate(r"\_SB.DEV.MORE") == 43 and namespace.evaluate(r"\_SB.DEV.PAR") == 5
    # When the DSDT was run that table was not there yet.
    assert namespace.problems[0] == "there is no table OEM1"


TEMPLATE = r"""
DefinitionBlock ("", "DSDT", 2, "RING", "RESOURCE", 1)
{
    Device (DEV)
    {
        Name (_HID, EisaId ("PNP0501"))
        Name (_CRS, ResourceTemplate ()
        {
            IRQ (Level, ActiveLow, Shared) {4, 11}
            IRQNoFlags () {3}
            DMA (Compatibility, NotBusMaster, Transfer8) {2}
            IO (Decode16, 0x3F8, 0x3F8, 8, 8)
            FixedIO (0x60, 1)
            FixedDMA (5, 6, Width32bit)
            Memory24 (ReadWrite, 0x1000, 0x2000, 0x100, 0x100)
            Memory32 (ReadWrite, 0x100000, 0x200000, 16, 0x1000)
            Memory32Fixed (ReadOnly, 0xFED00000, 0x400)
            Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) {23, 99}
            QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable, ReadWrite,
                0, 0x100000000, 0x1FFFFFFFF, 0, 0x100000000)
            WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode, 0, 0, 255, 0, 256)
            GpioInt (Edge, ActiveLow, Exclusive, PullUp, 0, "\\_SB.GPI0", 0) {17}
            I2cSerialBusV2 (0x50, ControllerInitiated, 400000, AddressingMode7Bit, "\\_SB.I2C1")
            Register (SystemIO, 8, 0, 0x1234, 1)
            VendorLong () {1, 2, 3}
        })
    }
}
"""


def test_resources(tmp_path):
    """Each kind of resource has the numbers that its ASL has."""
    namespace = made([compile(TEMPLATE, tmp_path)])
    found = namespace.resources("DEV")
    kinds = "IRQ IRQ DMA IO FixedIO FixedDMA Memory24 Memory32 FixedMemory32 Interrupt QWordSpace"
    kinds += " WordSpace GPIO SerialBus Register Vendor"
    assert [one["kind"] for one in found] == kinds.split()
    assert found[0]["interrupts"] == [4, 11] and found[0]["flags"] == 0x18
    assert found[1]["interrupts"] == [3] and found[1]["flags"] == 1
    assert found[2]["channels"] == [2]
    assert (found[3]["min"], found[3]["length"]) == (0x3F8, 8)
    assert found[6]["min"] == 0x1000 << 8 and found[6]["length"] == 0x100 << 8
    assert (found[8]["min"], found[8]["length"]) == (0xFED00000, 0x400)
    assert found[9]["interrupts"] == [23, 99]
    assert found[10]["min"] == 1 << 32 and found[10]["length"] == 1 << 32
    assert found[12]["pins"] == [17] and found[12]["source"] == r"\_SB.GPI0"
    assert found[13]["source"] == r"\_SB.I2C1" and found[13]["type"] == 1
    assert found[14]["address"] == 0x1234 and found[15]["data"] == b"\1\2\3"
    assert (
        namespace.devices()[1:] == [(r"\DEV", "PNP0501", True)]
        or (
            r"\DEV",
            "PNP0501",
            True,
        )
        in namespace.devices()
    )


def test_set_up(language):
    """initialize() tells of the regions, and sets up what is there and not what is not."""
    folder, _ = language
    source = r"""
DefinitionBlock ("", "DSDT", 2, "RING", "SETUP", 1)
{
    Name (LOG, "")
    Method (_INI) { LOG = Concatenate (LOG, "root ") }
    Scope (\_SB)
    {
        Method (_INI) { LOG = Concatenate (LOG, "bus ") }
        Device (EC0)
        {
            OperationRegion (ECR, EmbeddedControl, 0, 255)
            Method (_REG, 2) { If (Arg0 == 3) { LOG = Concatenate (LOG, "region ") } }
            Method (_INI) { LOG = Concatenate (LOG, "here ") }
        }
        Device (OFF)
        {
            Method (_STA) { Return (0) }
            Method (_INI) { LOG = Concatenate (LOG, "off ") }
            Device (IN) { Method (_INI) { LOG = Concatenate (LOG, "behind ") } }
        }
    }
}
"""
    namespace = made([compile(source, folder, "setup")])
    namespace.initialize()
    assert namespace.evaluate("LOG") == "region root bus here "
    assert namespace.problems == []


def test_changed_at_random(language, machines):
    """Whatever a table has in it, loading it and evaluating its names ends, with an AmlError."""
    chosen = random.Random(1)
    samples = [language[1]]
    for found in list(machines.values())[::20]:
        samples += [data for kind, data in found.items() if kind[1:] and kind.startswith("SSDT")]
    samples = [data for data in samples if 36 < len(data) < 20000]
    opcodes = (0, 1, 0xFF, 0x5B, 0x10, 0x14, 0x12, 0x11, 0x70, 0xA0, 0xA2, 0x88, 0x83, 0x0D)
    count = 0
    for _ in range(400):
        data = bytearray(chosen.choice(samples))
        for _ in range(chosen.randrange(1, 20)):
            data[chosen.randrange(36, len(data))] = chosen.choice(
                (*opcodes, chosen.randrange(256))
            )
        if chosen.randrange(8) == 0:
            del data[chosen.randrange(36, len(data)) :]
        namespace = made([bytes(data)], limit=500)
        names = list(namespace.names())
        for path, node in chosen.sample(names, min(len(names), 20)):
            obj = node.obj
            arguments = [1, "a", b"\1\2", [1, 2], 0, 0, 0]
            arguments = arguments[: obj.count] if isinstance(obj, values.Method) else []
            attempt(namespace, path, *arguments)
            count += 1
            try:
                namespace.resources(path)
            except aml.AmlError:
                pass
    assert count > 2000
