# Helpers that the test scripts share.

import bits


def apicid_list(apicids):
    """The APIC IDs as text; "all" if they are those of all CPUs."""
    if len(apicids) == len(bits.cpus()):
        return "all"
    return " ".join(["0x%x" % apicid for apicid in sorted(apicids)])


def find_common_mask(values, bitwidth=32):
    """A mask of the bits that are the same in all values."""
    ones = zeros = (1 << bitwidth) - 1
    for value in values:
        ones &= value
        zeros &= ~value
    return ones | zeros


def adjust_to_nearest(value, factor):
    """The multiple of `factor` that is nearest to `value`."""
    return (value + factor // 2) // factor * factor
