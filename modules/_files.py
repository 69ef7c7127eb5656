# The file systems that are there from the start: /rom and /.
try:
    # Of the start, as in bootinfo.py.
    _handoff = _handoff
except NameError:
    import _handoff
    import cmdline
    import frames
    import ramdisk
    import vfs
    from uctypes import bytearray_at as _bytearray_at

# Numbers of kept ranges.
_KEEP_DISK = const(0)
_KEEP_ROM = const(1)
_KEEP_MODULE = const(2)

_FRAME = const(4096)
# Without disk= the RAM disk is a sixteenth of what is free, up to this.
_DISK_MAX = const(0x400000)
# LittleFS has each thing twice.
_DISK_MIN = const(2 * 4096)


def _image(start, end):
    # What a boot module holds: "rom", "" for nothing known, or a disk's block size.
    size = end - start
    data = _bytearray_at(start, min(size, 512))
    if data[:3] == b"\xd2\xcd1":
        return "rom"
    if len(data) == 512:
        if data[8:16] == b"littlefs":
            return int.from_bytes(data[24:28], "little")
        if data[510:] == b"\x55\xaa":
            sector = int.from_bytes(data[11:13], "little")
            return sector if sector in (1024, 2048, 4096) else 512
    return ""


def _lfs(disk):
    return vfs.VfsLfs2(disk, readsize=256, progsize=256, lookahead=128)


def _format(disk):
    vfs.VfsLfs2.mkfs(disk, readsize=256, progsize=256, lookahead=128)
    return _lfs(disk)


def _kept_disk():
    start, end = _handoff.kept(_KEEP_DISK)
    return None if start == end else ramdisk.RAMDisk(end - start, addr=start)


def _new_disk(disk):
    # Called when somebody uses / for the first time: formatting takes as long as half the start.
    kept = _kept_disk()
    if kept is not None:
        # Ctrl-C has come before it was mounted.
        return _format(kept)
    own = disk is None
    if own:
        size = min(frames.stats().free * _FRAME // 16, _DISK_MAX)
        if size < _DISK_MIN:
            raise MemoryError("no memory is free for the RAM disk")
        disk = ramdisk.RAMDisk(size)
    try:
        fs = _format(disk)
        disk._keep()
    except:
        if own:
            disk.close()
        raise
    return fs


def _too_large(key, value, size):
    free = frames.stats().free * _FRAME
    if size > free:
        import memmap

        why = "only %s of memory are free" % memmap.human(free)
    else:
        why = "so much memory is not free in one piece"
    return ValueError("command line: %s=%s: %s" % (key, value, why))


def _take(value, size):
    # The memory of disk=, at once: what is not to be had is said at the start.
    if size < _DISK_MIN:
        raise ValueError("command line: disk=%s: a disk has at least 8k, or 0 for none" % value)
    try:
        return ramdisk.RAMDisk(size)
    except MemoryError:
        raise _too_large("disk", value, size) from None


def _mount_disk(value):
    size = None
    if value is not None:
        size = cmdline.size("disk", value)
        if size == 0:
            return
    disk = _kept_disk()
    if disk is None:
        fs = ramdisk._lazy(_new_disk, None if size is None else _take(value, size))
    else:
        try:
            fs = _lfs(disk)
        except OSError:
            print("The RAM disk is broken: it is made anew")
            fs = _format(disk)
    vfs.mount(fs, "/")


def _rom_segment(value):
    size = cmdline.size("rom", value)
    if size == 0:
        return None
    start, end = _handoff.kept(_KEEP_ROM)
    if start == end:
        count = -(-size // _FRAME)
        try:
            start = frames.alloc(count, below=1 << 32)
        except MemoryError:
            raise _too_large("rom", value, size) from None
        end = start + count * _FRAME
        _bytearray_at(start, 4)[:] = bytes(4)
        _handoff.keep(_KEEP_ROM, start, end)
    return start, end


def off_null(modules):
    """The boot modules, with a copy in place of one in the first frame, which is not mapped later.

    GRUB on UEFI puts a small one there.
    """
    _handoff.need_start()
    moved = []
    for start, end, text in modules:
        if start < _FRAME:
            size = end - start
            copy, kept_end = _handoff.kept(_KEEP_MODULE)
            if copy == kept_end:
                count = -(-end // _FRAME)
                copy = frames.alloc(count, below=1 << 32)
                _bytearray_at(copy, size)[:] = _bytearray_at(start, size)
                _handoff.keep(_KEEP_MODULE, copy, copy + count * _FRAME)
            start, end = copy, copy + size
        moved.append((start, end, text))
    return tuple(moved)


def _mount_root(name, options):
    import disks

    if "disk" in options:
        raise ValueError("command line: root= and disk= both say what / is")
    try:
        disks.mount(name, "/")
    except (OSError, ValueError) as error:
        raise ValueError("command line: root=%s: %s" % (name, error)) from None


def mount(modules, options):
    """Mounts root=, what the boot modules hold, and RAM where nothing is for / or /rom.

    `options` are those of the command line: root=, disk= and rom= have a part in it. Returns
    whether /rom is the image's own, which has a program in it.
    """
    _handoff.need_start()
    rom = None
    root = "root" in options
    if root:
        _mount_root(options["root"], options)
    for start, end, _ in modules:
        kind = _image(start, end)
        if kind == "rom":
            rom = rom or (start, end)
        elif kind != "" and not root:
            try:
                vfs.mount(ramdisk.RAMDisk(end - start, kind, start), "/")
                root = True
            except (OSError, ValueError) as error:
                # A disk's first sector looks alike whatever is on the disk.
                print("module at 0x%x: no file system in it: %r" % (start, error))
    own = None
    if rom is None:
        rom = own = _handoff.image_rom()
    if rom is None and "rom" in options:
        rom = _rom_segment(options["rom"])
    if rom is not None:
        # Up to the end of its last frame, which nobody else gets: mpremote writes whole blocks.
        start, end = rom
        _handoff.set_rom(start, -(-end // _FRAME) * _FRAME - start)
    if not root:
        _mount_disk(options.get("disk"))
    return own is not None
