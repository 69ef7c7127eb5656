# The machine as ACPI sees it: every access that this makes for firmware goes through a Hardware.

import memmap
import pages
import uctypes
from micropython import const

_PAGE = const(4096)
_MAPPED_END = const(
    1 << 32
)  # memory up to here is mapped at its own address, but for the null frame


class Hardware:
    """This machine."""

    @property
    def rsdp(self):
        """The address of ACPI's root pointer, or None."""
        return memmap.rsdp

    def copy(self, addr, size):
        """Bytes of physical memory. ValueError where there is none that can be read."""
        end = addr + size
        if addr < _PAGE or size < 0 or end > memmap.REACH:
            raise ValueError("0x%x to 0x%x cannot be read" % (addr, end))
        start = addr & -_PAGE
        count = (end - start + _PAGE - 1) // _PAGE
        for at in range(start, end, _PAGE):
            if not self._mapped(at):
                break
        else:
            return bytes(uctypes.bytearray_at(addr, size))
        # Beyond the 4 GiB that are mapped only what the memory map names is memory.
        at = start
        while at < end:
            region = memmap.find(at)
            if region is None or start < _MAPPED_END:
                raise ValueError("0x%x to 0x%x cannot be read" % (addr, end))
            at = region.end
        va = pages.reserve(count)
        pages.map(va, start, count, pages.READ)
        try:
            return bytes(uctypes.bytearray_at(va + addr - start, size))
        finally:
            pages.unmap(va, count)

    def _mapped(self, addr):
        found = pages.translate(addr)
        return found is not None and found[0] == addr
