# CPUID: what a CPU says of itself, by name. SDM 2A, CPUID; APM 3, appendix E. Features have the
# names of Linux's /proc/cpuinfo where it has one.

from _cpuid_layouts import TEXT as _BITS

# SDM 2A, table 3-17 and APM 3, E.4.15: caches by subleaf, up to one of no kind.
_KINDS = ("", "data", "instruction", "unified")
# APM 3, E.4.5: ways of the second and third level, by code.
_WAYS = (0, 1, 2, 3, 4, 6, 8, 0, 16, 0, 32, 48, 64, 96, 128, 0)


def _fields(key):
    # (name, first bit, width) of a register; the width of a feature is 0.
    at = _BITS.find("\n" + key + " ")
    if at < 0:
        return
    bit = 0
    for word in _BITS[at + len(key) + 2 : _BITS.index("\n", at + 1)].split():
        if word[0] == ".":
            bit = int(word[1:])
            continue
        name, _, width = word.partition(":")
        if name != "-":
            yield name, bit, int(width or 0)
        bit += int(width or 1)


def _bytes(*registers):
    return b"".join([value.to_bytes(4, "little") for value in registers])


def _text(data):
    return "".join([chr(byte) if 32 <= byte < 127 else "" for byte in data]).strip()


class Cpuid:
    """A CPU: `vendor`, `brand`, `family`, `model`, `stepping`.

    `read(leaf, subleaf)` returns (eax, ebx, ecx, edx): by itself those of CPU `cpu`.
    """

    def __init__(self, read=None, cpu=None):
        if read is None:
            from machine import cpuid

            def read(leaf, subleaf):
                return cpuid(leaf, subleaf, cpu=cpu)

        self._read = read
        self._max, b, c, d = read(0, 0)
        self._max_extended = read(0x80000000, 0)[0]
        if not 0x80000000 <= self._max_extended < 0x80010000:
            self._max_extended = 0
        self.vendor = _text(_bytes(b, d, c))
        eax = self.read(1)[0]
        self.stepping = eax & 15
        self.model = eax >> 4 & 15
        self.family = eax >> 8 & 15
        if self.family in (6, 15):
            self.model |= eax >> 12 & 0xF0
        if self.family == 15:
            self.family += eax >> 20 & 0xFF
        brand = [_bytes(*self.read(leaf)) for leaf in (0x80000002, 0x80000003, 0x80000004)]
        self.brand = _text(b"".join(brand))

    def __repr__(self):
        return "Cpuid(%s family 0x%x model 0x%x stepping %d)" % (
            self.vendor,
            self.family,
            self.model,
            self.stepping,
        )

    def read(self, leaf, subleaf=0):
        """(eax, ebx, ecx, edx) of a leaf, all 0 where the CPU has none of that number."""
        most = self._max_extended if leaf >= 0x80000000 else self._max
        if leaf > most and leaf >> 28 != 4:
            return 0, 0, 0, 0
        return self._read(leaf, subleaf)

    def _rows(self, leaf):
        # The subleaves of a leaf.
        subleaf = 0
        last = 0
        while True:
            row = self.read(leaf, subleaf)
            eax, _, ecx, _ = row
            yield subleaf, row
            if subleaf == 0:
                if leaf in (7, 0x14, 0x17, 0x18, 0x1D, 0x20, 0x24):
                    last = min(eax, 63)
                elif leaf in (0xD, 0xF, 0x10, 0x12):
                    last = 63 if leaf == 0xD else 3
            subleaf += 1
            if leaf in (4, 0x8000001D):
                if not eax & 31 or subleaf > 63:
                    return
            elif leaf in (0xB, 0x1F):
                if not ecx >> 8 & 0xFF or subleaf > 63:
                    return
            elif subleaf > last:
                return

    def leaves(self):
        """(leaf, subleaf, registers) of all that it has, a list; of subleaves those with bits."""
        found = []
        ends = [(0, self._max), (0x80000000, self._max_extended)]
        if self.read(1)[2] >> 31:
            ends.insert(1, (0x40000000, min(self.read(0x40000000)[0], 0x400000FF)))
        for start, end in ends:
            for leaf in range(start, min(end, start + 0xFF) + 1):
                for subleaf, row in self._rows(leaf):
                    if not subleaf or any(row):
                        found.append((leaf, subleaf, row))
        return found

    def fields(self, leaf, subleaf=0):
        """(name, value) of each named field and feature of a leaf, a list."""
        row = self.read(leaf, subleaf)
        return [(name, value) for name, _, value in self._named(leaf, subleaf, row)]

    def _named(self, leaf, subleaf, row):
        # (name, width or 0, value) of what is in the registers of a leaf.
        for register, value in zip("abcd", row):
            for name, bit, width in _fields("%x.%x.%s" % (leaf, subleaf, register)):
                yield name, width, value >> bit & ((1 << (width or 1)) - 1)

    def features(self):
        """The names of the features that it has, a list."""
        found = []
        for line in _BITS.strip().split("\n"):
            key = line.split(" ")[0]
            leaf, subleaf, register = key.split(".")
            value = self.read(int(leaf, 16), int(subleaf))["abcd".index(register)]
            for name, bit, width in _fields(key):
                if not width and value >> bit & 1:
                    found.append(name)
        return found

    def caches(self):
        """(level, kind, size in bytes, line in bytes, ways, how many CPUs have it) of each."""
        found = []
        for leaf in (4, 0x8000001D):
            if leaf == 4 or self.read(0x80000001)[2] >> 22 & 1:
                for _, (eax, ebx, ecx, _) in self._rows(leaf):
                    kind = eax & 31
                    if not found and not kind or kind > 3:
                        break
                    if kind:
                        line = (ebx & 0xFFF) + 1
                        ways = (ebx >> 22) + 1
                        size = line * ways * ((ebx >> 12 & 0x3FF) + 1) * (ecx + 1)
                        shared = (eax >> 14 & 0xFFF) + 1
                        found.append((eax >> 5 & 7, _KINDS[kind], size, line, ways, shared))
            if found:
                return found
        found = sorted(self._old_caches())
        if found:
            return found
        first = self.read(0x80000005)
        second = self.read(0x80000006)
        for level, kind, value in (1, "data", first[2]), (1, "instruction", first[3]):
            if value >> 24:
                found.append((level, kind, value >> 24 << 10, value & 0xFF, value >> 16 & 0xFF, 0))
        for level, value, size in (
            (2, second[2], second[2] >> 16 << 10),
            (3, second[3], second[3] >> 18 << 19),
        ):
            if size:
                ways = _WAYS[value >> 12 & 15]
                found.append((level, "unified", size, value & 0xFF, ways, 0))
        return found

    def _old_caches(self):
        # What leaf 2 says by bytes, on CPUs of Intel's from before leaf 4.
        row = self.read(2)
        if self.vendor != "GenuineIntel" or row[0] & 0xFF != 1:
            return
        from _cpuid_caches import TEXT

        said = [value >> at & 0xFF for value in row if not value >> 31 for at in (0, 8, 16, 24)]
        for text in TEXT.strip().split("\n"):
            kind, *ones = text.split(" ")
            level = int(kind[0])
            kind = {"d": "data", "i": "instruction", "u": "unified"}[kind[1]]
            for one in ones:
                byte, _, sizes = one.partition(":")
                if int(byte, 16) in said[1:]:
                    size, ways, line = [int(number) for number in sizes.split(".")]
                    # 0x49 is the third level of a Xeon with family 15, model 6.
                    third = byte == "49" and (self.family, self.model) == (15, 6)
                    yield 3 if third else level, kind, size << 10, line, ways, 0

    def topology(self):
        """(APIC ID, package, core in it, thread in that).

        The numbers are parts of the APIC ID, which may have gaps.
        """
        _, ebx, _, edx = self.read(1)
        number = ebx >> 24
        threads = cores = 0  # how many bits of the APIC ID they have
        for leaf in (0x1F, 0xB):
            if not self.read(leaf)[1]:
                continue
            for _, (eax, _, ecx, edx) in self._rows(leaf):
                number = edx
                if ecx >> 8 & 0xFF:
                    cores = eax & 31
                    if ecx >> 8 & 0xFF == 1:
                        threads = cores
            break
        else:
            all_threads = ebx >> 16 & 0xFF if edx >> 28 & 1 else 1
            cores = _width(all_threads)
            size = self.read(0x80000008)[2]
            if size >> 12 & 15:
                cores = size >> 12 & 15
            if self.read(0x80000001)[2] >> 22 & 1:
                threads = _width((self.read(0x8000001E)[1] >> 8 & 0xFF) + 1)
            elif self.read(4)[0] & 31:
                threads = _width(all_threads // ((self.read(4)[0] >> 26) + 1))
        core = number >> threads & ((1 << max(cores - threads, 0)) - 1)
        return number, number >> cores, core, number & ((1 << threads) - 1)

    def show(self):
        """Print what it is, its features, caches and leaves."""
        print(
            "%s family 0x%x, model 0x%x, stepping %d"
            % (self.vendor, self.family, self.model, self.stepping)
        )
        print(self.brand)
        print("APIC ID %d: package %d, core %d, thread %d" % self.topology())
        for level, kind, size, line, ways, _ in self.caches():
            print(
                "L%d %-12s %6d KiB, %d-way, lines of %d bytes"
                % (level, kind, size >> 10, ways, line)
            )
        line = "features:"
        for name in self.features():
            if len(line) + len(name) > 98:
                print(line)
                line = " "
            line += " " + name
        print(line)
        print("\n    leaf sub      eax      ebx      ecx      edx")
        for leaf, subleaf, row in self.leaves():
            if not any(row):
                continue
            print("%08x  %02x " % (leaf, subleaf) + " ".join(["%08x" % value for value in row]))
            line = ""
            for name, width, value in self._named(leaf, subleaf, row):
                if width:
                    line += "%s=%d " % (name, value)
            if line:
                print("    " + line)


def _width(count):
    # The bits of an APIC ID that so many have.
    bits = 0
    while 1 << bits < count:
        bits += 1
    return bits


def cpu(n=None):
    """CPU n, or the one that runs this, as a Cpuid."""
    return Cpuid(None, n)


def show(n=None):
    """Print what CPU n, or the one that runs this, is and has."""
    cpu(n).show()
