# Disks, what partitions and file systems are on them, and mounting those.

import errno as _errno

import _block
import _filesystems
import _partitions
import memmap as _memmap
import vfs as _vfs
from _calls import here as _here

_DRIVERS = ("_virtio_blk", "_nvme", "_ahci")

_disks = {}  # by the device's number
# By who has it: [file system, or None until it is mounted, part, whether it is only read]
_claims = {}


class _Part(_block.Block):
    # What a disk and a partition have in common.

    def __repr__(self):
        return "<%s %s>" % (self.name, _memmap.human(self.size))

    def filesystem(self):
        """(kind, label) of the file system on it, or None."""
        found = _filesystems.look(self)
        return None if found is None else (found.kind, found.label)

    # Not mount(): what has that is a file system to vfs.mount(), and no block device.
    def _mount(self, path, readonly):
        if path is None:
            path = "/" + self.name
        self._alone()
        readonly = bool(readonly) or self.readonly
        key = object()
        fs = None
        try:
            self._claim(key, readonly)
            fs = _filesystems.load(self)
            _vfs.mount(fs, path, readonly=readonly)
        finally:
            if fs is None:
                _claims.pop(key, None)
            else:
                _claims[key][0] = fs
        return path

    def format(self, kind, block_size=None):
        """Makes a file system on it, "fat" or "littlefs". What was on it is lost."""
        self._alone()
        key = object()
        try:
            self._claim(key, False)
            if self.readonly:
                raise OSError(_errno.EROFS, "%s can only be read" % self.name)
            _filesystems.make(self, kind, block_size)
        finally:
            _claims.pop(key, None)

    def _claim(self, key, readonly):
        # Two file systems in the same place destroy each other, unless both only read. Threads and
        # callbacks that come meanwhile find the claim, or this finds theirs.
        if _here() != 0:
            raise RuntimeError("file systems on disks are CPU 0's")
        _claims[key] = [None, self, readonly]
        now = [fs for fs, _ in _vfs.mount()]
        end = self.start + self.size
        for other, (fs, part, only_read) in list(_claims.items()):
            if other is key or part.device != self.device:
                continue
            if fs is not None and not [1 for one in now if one is fs]:
                _claims.pop(other, None)
            elif part.start < end and self.start < part.start + part.size:
                if not (readonly and only_read):
                    raise OSError(_errno.EBUSY, "%s is mounted" % self.name)

    def _alone(self):
        pass


class Disk(_Part):
    """A disk, with `name`, `driver`, `place`, `model` and `serial`."""

    def __init__(self, device, driver, place, model, serial):
        super().__init__(device)
        self.name = "disk%d" % device
        self.driver = driver
        self.place = place
        self.model = model
        self.serial = serial

    def _table(self):
        return _partitions.read(self, _filesystems.look(self) is not None)

    def _alone(self):
        if self._table() is not None:
            raise ValueError("%s has partitions: one of them is meant" % self.name)

    def partitions(self):
        """Its partitions, a tuple. What lies where it cannot is left out, see problems()."""
        table = self._table()
        return () if table is None else tuple([Partition(self, entry) for entry in table.entries])

    def problems(self):
        """What is wrong with its partition table: a tuple of texts."""
        table = self._table()
        return () if table is None else tuple(table.problems)


class Partition(_Part):
    """A partition, with `name`, `disk`, `number`, `kind`, `label` and `guid`."""

    def __init__(self, disk, entry):
        super().__init__(disk.device, entry.start, entry.size)
        self.name = "%sp%d" % (disk.name, entry.number)
        self.disk = disk
        self.number = entry.number
        self.kind = entry.kind
        self.label = entry.label
        self.guid = entry.guid


def all():
    """The disks that the drivers find, a tuple."""
    found = []
    for driver in _DRIVERS:
        for device, *what in __import__(driver).find():
            if device not in _disks:
                _disks.setdefault(device, Disk(device, *what))
            found.append(device)
    if not found and _here() != 0:
        raise RuntimeError("CPU 0 looks for disks, and has found none yet")
    return tuple([_disks[device] for device in sorted(found)])


def _parts(disks):
    # All of theirs that can be mounted.
    found = []
    for disk in disks:
        try:
            parts = disk.partitions()
            found += parts if parts or disk.problems() else [disk]
        except OSError:
            # It does not answer. Its name still is its own.
            found.append(disk)
    return found


def _filesystem(part):
    try:
        return part.filesystem()
    except OSError:
        return None


def find(name):
    """The disk or partition of a name, GUID or label. ValueError for none, or several."""
    if not isinstance(name, str):
        raise TypeError("a name is a str, not %s" % type(name).__name__)
    disks = all()
    parts = _parts(disks)
    for part in list(disks) + parts:
        if part.name == name:
            return part
    key, _, value = name.partition("=")
    if not value or key not in ("PARTUUID", "PARTLABEL", "LABEL"):
        key, value = "", name
    found = []
    for part in parts if value else ():
        names = []
        if isinstance(part, Partition):
            if key in ("", "PARTUUID") and part.guid == value.lower():
                names.append(value)
            if key in ("", "PARTLABEL"):
                names.append(part.label)
        if key in ("", "LABEL"):
            files = _filesystem(part)
            if files is not None:
                names.append(files[1])
        if value in names:
            found.append(part)
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError("%r is %s" % (name, " and ".join([part.name for part in found])))
    there = ", ".join([_words(part) for part in parts]) or "no disk"
    raise ValueError("there is no %r; there is %s" % (name, there))


def _words(part):
    words = [part.name]
    label = getattr(part, "label", "")
    if label:
        words.append("%r" % label)
    files = _filesystem(part)
    words.append("with nothing known" if files is None else files[0])
    if files is not None and files[1]:
        words.append("%r" % files[1])
    return " ".join(words)


def mount(name, path=None, readonly=False):
    """Mounts the file system on a disk or partition, or on the one that find(name) gives.

    Its own name is the path, if none is given. Returns the path.
    """
    part = name if isinstance(name, _Part) else find(name)
    return part._mount(path, readonly)


def show():
    """Prints the disks, their partitions, and the file systems on them."""
    disks = all()
    if not disks:
        print("no disk: there are drivers for virtio, NVMe and AHCI")
    for disk in disks:
        words = [disk.name, disk.driver, disk.place, _memmap.human(disk.size)]
        words += [word for word in (disk.model, disk.serial) if word]
        print("  ".join(words) + ("  read-only" if disk.readonly else ""))
        try:
            table = disk._table()
            if table is None:
                print("  " + _content(disk))
                continue
            print("  %s %s" % (table.kind, table.guid))
            for entry in table.entries:
                part = Partition(disk, entry)
                print(
                    "  %-9s %16d %11s  %-14s %s  %s%s"
                    % (
                        part.name,
                        part.start,
                        _memmap.human(part.size),
                        part.kind,
                        part.guid,
                        _content(part),
                        "  %r" % part.label if part.label else "",
                    )
                )
            for problem in table.problems:
                print("  ! " + problem)
        except OSError as error:
            print("  ! it cannot be read: %s" % error)


def _content(part):
    files = part.filesystem()
    if files is None:
        return "nothing known"
    return files[0] + (" %r" % files[1] if files[1] else "")
