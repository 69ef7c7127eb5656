# Appends measurements to files at /, which with root= is a LittleFS on a disk. A line that the
# console has shown is on the disk, whatever happens to the power.

import os
import time

import bootinfo
import cmdline
import frames
import smi

_PARTS = 8  # of the disk; a file has one of them at most, and two stay free
_LONGEST = 64 << 10


def measure():
    """Seconds since 1970, ms since the start, KiB of free memory, longest gap in us."""
    free = frames.stats().free * 4
    return time.time(), time.ticks_ms(), free, smi.measure(1)["longest_us"]


class Log:
    """The files /log-NUMBER.csv, of which the oldest go when the disk is full."""

    def __init__(self):
        block, _, count = os.statvfs("/")[:3]
        self.part = block * count // _PARTS
        numbers = self._numbers()
        self.number = numbers[-1] if numbers else 0
        self.line = 0
        for number in reversed(numbers):
            with open(self._path(number)) as file:
                lines = [line for line in file if not line.startswith("#")]
            if lines:
                self.line = int(lines[-1].split(",")[0]) + 1
                break
        self._open()

    def _path(self, number):
        return "/log-%06d.csv" % number

    def _numbers(self):
        names = [name for name in os.listdir("/") if name[:4] == "log-" and name[-4:] == ".csv"]
        return sorted([int(name[4:-4]) for name in names])

    def _open(self):
        # Room for a file, so that none ends in the middle.
        while True:
            block, _, _, free = os.statvfs("/")[:4]
            numbers = self._numbers()
            if block * free >= 2 * self.part or len(numbers) < 2:
                break
            os.remove(self._path(numbers[0]))
        self.file = open(self._path(self.number), "a")
        self.file.write("# start\n")
        self.file.flush()

    def append(self, values):
        """Adds a line; its number. It is on the disk when this is back."""
        line = self.line
        self.file.write("%d,%s\n" % (line, ",".join([str(value) for value in values])))
        self.file.flush()
        self.line += 1
        if self.file.tell() > min(self.part, _LONGEST):
            self.file.close()
            self.number += 1
            self._open()
        return line


def run():
    """Measures every so many ms (every=1000), so many times (lines=), or for ever."""
    options = cmdline.parse(bootinfo.cmdline)
    if "root" not in options:
        print("logger: there is no root= on the command line: what is at / would not last")
        return
    every = cmdline.size("every", options.get("every", "1000"))
    left = cmdline.size("lines", options.get("lines", "0")) or -1
    log = Log()
    print("logger: from line %d on, in %s" % (log.line, log._path(log.number)))
    while left:
        print("logged", log.append(measure()))
        left -= 1
        time.sleep_ms(every)
