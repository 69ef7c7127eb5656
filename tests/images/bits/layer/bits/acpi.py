# ACPI by BITS's names, on the kernel's `acpi`, whose names it has as well.
#
# Tables' fields have the names of ACPI 6.5, chapter 5, as BITS writes them.

import acpi as _acpi
import unpack
from aml import AmlError, Reference

from .python2 import decode, encode

MADT_TYPE_LOCAL_APIC = 0
MADT_TYPE_IO_APIC = 1
MADT_TYPE_INT_SRC_OVERRIDE = 2
MADT_TYPE_NMI_INT_SRC = 3
MADT_TYPE_LOCAL_APIC_NMI = 4
MADT_TYPE_LOCAL_X2APIC = 9
MADT_TYPE_LOCAL_X2APIC_NMI = 10

_HEADER = (
    "signature:4s length:I revision:B checksum:B oemid:6s oemtableid:8s oemrevision:I "
    "creatorid:4s creatorrevision:I"
)
_RSDP = "signature:8s checksum:B oemid:6s revision:B rsdt_address:I"
_RSDP_2 = "length:I xsdt_address:Q extended_checksum:B reserved:3s"
_GAS = "address_space_id:B register_bit_width:B register_bit_offset:B access_size:B address:Q"
_FACP = (
    "firmware_ctrl:I dsdt:I reserved:B preferred_pm_profile:B sci_int:H smi_cmd:I acpi_enable:B "
    "acpi_disable:B s4bios_req:B pstate_cnt:B pm1a_evt_blk:I pm1b_evt_blk:I pm1a_cnt_blk:I "
    "pm1b_cnt_blk:I pm2_cnt_blk:I pm_tmr_blk:I gpe0_blk:I gpe1_blk:I pm1_evt_len:B pm1_cnt_len:B "
    "pm2_cnt_len:B pm_tmr_len:B gpe0_blk_len:B gpe1_blk_len:B gpe1_base:B cst_cnt:B p_lvl2_lat:H "
    "p_lvl3_lat:H flush_size:H flush_stride:H duty_offset:B duty_width:B day_alrm:B mon_alrm:B "
    "century:B iapc_boot_arch:H reserved_1:B flags:I"
)
_FACP_2 = (
    "reset_reg:G reset_value:B arm_boot_arch:H minor_revision:B x_firmware_ctrl:Q x_dsdt:Q "
    "x_pm1a_evt_blk:G x_pm1b_evt_blk:G x_pm1a_cnt_blk:G x_pm1b_cnt_blk:G x_pm2_cnt_blk:G "
    "x_pm_tmr_blk:G x_gpe0_blk:G x_gpe1_blk:G"
)
_HPET = (
    "event_timer_block_id:I base_address:G hpet_number:B main_counter_min_clock_tick:H "
    "page_protection:B"
)
_MPST = "pcc_id:B reserved:3s memory_power_node_count:H reserved2:H"
_MPST_NODE = (
    "flags:B reserved:B node_id:H length:I address:Q memory_length:Q num_power_states:I "
    "num_physical_components:I"
)
_MPST_CHARACTERISTICS = (
    "structure_id:B flags:B reserved:H average_power:I relative_power:I exit_latency:Q reserved2:Q"
)
_SUBTABLES = {
    MADT_TYPE_LOCAL_APIC: ("LocalApic", "proc_id:B apic_id:B flags:F"),
    MADT_TYPE_IO_APIC: ("IOApic", "io_apic_id:B reserved:B io_apic_addr:I global_sys_int_base:I"),
    MADT_TYPE_INT_SRC_OVERRIDE: (
        "IntSrcOverride",
        "bus:B source:B global_sys_interrupt:I flags:H",
    ),
    MADT_TYPE_NMI_INT_SRC: ("NmiIntSrc", "flags:H global_sys_interrupt:I"),
    MADT_TYPE_LOCAL_APIC_NMI: ("LocalApicNmi", "proc_id:B flags:H lint_num:B"),
    MADT_TYPE_LOCAL_X2APIC: ("Localx2Apic", "reserved:H x2apicid:I flags:F uid:I"),
    MADT_TYPE_LOCAL_X2APIC_NMI: ("Localx2ApicNmi", "flags:H uid:I lint_num:B reserved:3s"),
}


class AcpiBuffer(str):
    """A buffer, a character a byte."""


class Fields(unpack.Struct):
    """Fields of a layout: words of name:format, where G is a generic address, F a CPU's flags."""

    def __init__(self, kind, u, layout):
        super().__init__()
        self._kind = kind
        self.take(u, layout)

    def take(self, u, layout):
        """Add the fields of a layout."""
        for word in layout.split():
            name, form = word.split(":")
            if form == "G":
                value = Fields("GAS", u, _GAS)
            elif form == "F":
                value = ApicFlags(u.unpack_one("<I"))
            else:
                value = u.unpack_one("<" + form)
            self.add_field(name, value)

    def __repr__(self):
        fields = ["%s=%s" % (name, self.format_field(name)) for name in self.fields]
        return "%s(%s)" % (self._kind, ", ".join(fields))


class ApicFlags(unpack.Struct):
    """Flags of a local APIC: `data`, and `bits` by name."""

    def __init__(self, data):
        super().__init__()
        self.add_field("data", data)
        bits = unpack.Struct()
        bits.add_field("enabled", data & 1)
        bits.add_field("online_capable", data >> 1 & 1)
        self.add_field("bits", bits)


def _found(signature, instance):
    if signature == "RSD PTR ":
        signature = "RSDP"
    found = [one for one in _acpi.tables() if one.signature == signature]
    return found[instance - 1] if 0 < instance <= len(found) else None


def get_table_list():
    """The signatures of all tables."""
    return sorted(set([one.signature for one in _acpi.tables()]))


def get_table_addr(signature, instance=1):
    """The address of a table, from the first on; None where there is none."""
    found = _found(signature, instance)
    return None if found is None else found.addr


def get_table(signature, instance=1):
    """All of a table, whatever its checksum; None where there is none."""
    found = _found(signature, instance)
    if found is None or not found.size:
        return None
    return decode(_acpi.hardware().copy(found.addr, found.size))


def RSDP(data):
    """The root pointer taken apart."""
    u = unpack.Unpackable(data)
    made = Fields("RSDP", u, _RSDP)
    if made.revision >= 2:
        made.take(u, _RSDP_2)
    return made


def _table(kind, data):
    # A table with its header, and what comes after it.
    u = unpack.Unpackable(data)
    made = Fields(kind, unpack.Unpackable(""), "")
    made.add_field("header", Fields("TableHeader", u, _HEADER))
    return made, u


def _root(kind, data, form):
    made, u = _table(kind, data)
    addresses = []
    while not u.at_end():
        addresses.append(u.unpack_one(form))
    made.add_field("tables", tuple(addresses), unpack.format_each_hex)
    return made


def RSDT(data):
    """The root table of 32-bit addresses: `tables`."""
    return _root("RSDT", data, "<I")


def XSDT(data):
    """The root table of 64-bit addresses: `tables`."""
    return _root("XSDT", data, "<Q")


def FACP(data):
    """The fixed description table."""
    made, u = _table("FACP", data)
    made.take(u, _FACP)
    if not u.at_end():
        made.take(u, _FACP_2)
    if not u.at_end():
        made.add_field("data", u.unpack_rest())
    return made


def HPET(data):
    """The event timer's table."""
    made, u = _table("HPET", data)
    made.take(u, _HPET)
    return made


def MCFG(data):
    """Where configuration space lies in memory: `resources`."""
    made, u = _table("MCFG", data)
    made.take(u, "reserved:Q")
    found = []
    while not u.at_end():
        layout = "address:Q segment:H start_bus:B end_bus:B reserved:I"
        found.append(Fields("MCFGResource", u, layout))
    made.add_field("resources", tuple(found))
    return made


def MPST(data):
    """Memory power states: `memory_power_nodes` and `characteristics`."""
    made, u = _table("MPST", data)
    made.take(u, _MPST)
    nodes = []
    for _ in range(made.memory_power_node_count):
        node = Fields("MPSTMemPowerNode", u, _MPST_NODE)
        states = [
            Fields("MPSTState", u, "value:B information_index:B")
            for _ in range(node.num_power_states)
        ]
        node.add_field("power_states", tuple(states))
        parts = tuple([u.unpack_one("<H") for _ in range(node.num_physical_components)])
        node.add_field("physical_component_ids", parts)
        nodes.append(node)
    made.add_field("memory_power_nodes", tuple(nodes))
    made.take(u, "characteristics_count:H reserved3:H")
    found = [
        Fields("MPSTCharacteristics", u, _MPST_CHARACTERISTICS)
        for _ in range(made.characteristics_count)
    ]
    made.add_field("characteristics", tuple(found))
    return made


def _subtables(u):
    found = []
    while not u.at_end():
        kind, length = u.unpack_peek("<BB")
        part = u.unpack_unpackable(max(length, 2))
        name, layout = _SUBTABLES.get(kind, ("Unknown", ""))
        one = Fields("APICSubtable" + name, part, "subtype:B length:B " + layout)
        if not part.at_end():
            one.add_field("data", part.unpack_rest())
        found.append(one)
    return tuple(found)


class _Apic(Fields):
    @property
    def procid_apicid(self):
        """APIC IDs of local APICs that are enabled, by the processor's ID."""
        return dict(
            [
                (one.proc_id, one.apic_id)
                for one in self.interrupt_controller_structures
                if one.subtype == MADT_TYPE_LOCAL_APIC and one.flags.bits.enabled
            ]
        )

    @property
    def uid_x2apicid(self):
        """x2APIC IDs of those that are enabled, by the processor's UID."""
        return dict(
            [
                (one.uid, one.x2apicid)
                for one in self.interrupt_controller_structures
                if one.subtype == MADT_TYPE_LOCAL_X2APIC and one.flags.bits.enabled
            ]
        )


def APIC(data):
    """The MADT: `interrupt_controller_structures`."""
    u = unpack.Unpackable(data)
    made = _Apic("APIC", unpack.Unpackable(""), "")
    made.add_field("header", Fields("TableHeader", u, _HEADER))
    made.take(u, "local_apic_address:I flags:I")
    made.add_field("interrupt_controller_structures", _subtables(u))
    return made


def _MAT(mat_buffer):
    """The subtables of a _MAT."""
    return _subtables(unpack.Unpackable(mat_buffer))


_PARSERS = {
    "RSDP": RSDP,
    "RSDT": RSDT,
    "XSDT": XSDT,
    "FACP": FACP,
    "HPET": HPET,
    "MCFG": MCFG,
    "MPST": MPST,
    "APIC": APIC,
}


def parse_table(signature, instance=1):
    """A table taken apart; None where there is none."""
    data = get_table(signature, instance)
    if data is None:
        return None
    if signature in _PARSERS:
        return _PARSERS[signature](data)
    made, u = _table(signature, data)
    made.add_field("data", u.unpack_rest())
    return made


def _parser(signature):
    def parse(printflag=False, instance=1):
        made = parse_table(signature, instance)
        if printflag and made is not None:
            print(made)
        return made

    return parse


parse_rsdp = _parser("RSDP")
parse_rsdt = _parser("RSDT")
parse_xsdt = _parser("XSDT")
parse_facp = _parser("FACP")
parse_hpet = _parser("HPET")
parse_mcfg = _parser("MCFG")
parse_mpst = _parser("MPST")
parse_apic = _parser("APIC")


class AcpiProcessor(unpack.Struct):
    """A Processor: ProcId, PblkAddress, PblkLength."""

    def __init__(self, ProcId, PblkAddress, PblkLength):
        super().__init__()
        self.add_field("ProcId", ProcId)
        self.add_field("PblkAddress", PblkAddress)
        self.add_field("PblkLength", PblkLength)


def _node(path):
    return _acpi.namespace()._interpreter.node(path)


def _given(value):
    if isinstance(value, bytes):
        return AcpiBuffer(decode(value))
    if isinstance(value, list):
        return tuple([_given(one) for one in value])
    if isinstance(value, Reference):
        found = _node(value.path).obj
        if getattr(found, "kind", None) == "Processor":
            return AcpiProcessor(found.uid, found.address, found.length)
        return None
    return value


def _taken(value):
    if isinstance(value, AcpiBuffer):
        return encode(value)
    return [_taken(one) for one in value] if isinstance(value, tuple) else value


def evaluate(pathname, *args):
    """The value of a name or a method; None where there is none.

    Buffers are AcpiBuffer, packages tuples, a Processor an AcpiProcessor.
    """
    try:
        return _given(_acpi.evaluate(pathname, *[_taken(one) for one in args]))
    except AmlError:
        return None


def _processors():
    # (path, AcpiProcessor or None, UID or None) of all that are in the namespace.
    for path, hid, _ in _acpi.devices():
        found = evaluate(path)
        if isinstance(found, AcpiProcessor):
            yield path, found, None
        elif hid == "ACPI0007":
            yield path, None, evaluate(path + "._UID")


def get_cpupaths():
    """The paths of the processors that the MADT has enabled; all of them without a MADT."""
    apic = parse_apic()
    found = []
    for path, processor, uid in _processors():
        if processor is not None:
            there = apic is None or processor.ProcId in apic.procid_apicid
        else:
            there = apic is None or uid in apic.procid_apicid or uid in apic.uid_x2apicid
        if there:
            found.append(path)
    return found


def find_procid():
    """Processors' IDs by path."""
    return dict([(path, one.ProcId) for path, one, _ in _processors() if one is not None])


def find_uid():
    """UIDs by path, of processors that are devices."""
    return dict([(path, uid) for path, one, uid in _processors() if one is None])


def commonprefix(paths):
    """What all of them begin with."""
    prefix = paths[0] if paths else ""
    while not all([path.startswith(prefix) for path in paths]):
        prefix = prefix[:-1]
    return prefix


def factor_commonprefix(paths):
    """Paths as one text: what they begin with once, and the rest of each."""
    if len(paths) < 2:
        return "".join(paths)
    prefix = commonprefix(paths)
    return prefix + "{" + ", ".join([path[len(prefix) :] for path in paths]) + "}"


def _packages(field, names):
    # A parser of a package of packages of numbers.
    def parse(data):
        made = unpack.Struct()
        found = []
        for one in data:
            part = unpack.Struct()
            for name, value in zip(names.split(), one):
                part.add_field(name, value)
            found.append(part)
        made.add_field(field, tuple(found))
        return made

    return parse


parse_pss = _packages("pstates", "core_frequency power latency bus_master_latency control status")
parse_psd = _packages(
    "dependencies", "num_entries revision domain coordination_type num_processors"
)
parse_mat = _MAT

_METHODS = {"_PSS": parse_pss, "_PSD": parse_psd, "_MAT": parse_mat}


def parse_cpu_method(method):
    """Processors' paths by the value of a method below them; None where there is none."""
    uniques = {}
    for path in get_cpupaths():
        value = evaluate(path + "." + method)
        if value is not None and method in _METHODS:
            value = _METHODS[method](value)
        uniques.setdefault(value, []).append(path)
    return uniques


def __getattr__(name):
    return getattr(_acpi, name)
