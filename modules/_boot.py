# Runs first at every start: the loader's handoff in, its memory to the allocator, its files to
# /rom. An error here ends in a panic: without memory there is nothing to go on with.


def _boot():
    import sys

    import _handoff
    import bootinfo
    import cmdline
    import frames
    import memmap
    import vfs
    from uctypes import bytearray_at

    bootinfo.init(_handoff.protocol, _handoff.addr)
    memmap.init(bootinfo.regions, bootinfo.rsdp)
    options = cmdline.parse(bootinfo.cmdline)
    if cmdline.choice(options, "log", ("info", "quiet")) != "quiet":
        print(memmap.summary("%s map at 0x%x" % (bootinfo.protocol, bootinfo.map_addr)))

    below = cmdline.size("maxmem", options["maxmem"]) if "maxmem" in options else memmap.REACH
    ranges = memmap.free_ranges(_handoff.in_use() + bootinfo.in_use, below)
    # Maps what lies above 4 GiB, with page tables taken out of the ranges below.
    frames.init(_handoff.map(ranges))
    if "main" in options:
        _handoff.set_program(options["main"])
    _handoff.set_eof_poweroff(cmdline.choice(options, "eof", ("reset", "poweroff")) != "reset")

    # The first boot module that is a ROMFS becomes /rom, as upstream has it with one in flash.
    for start, end, _ in bootinfo.modules:
        if end - start >= 4:
            data = bytearray_at(start, end - start)
            if data[0:3] == b"\xd2\xcd1":
                vfs.mount(vfs.VfsRom(data), "/rom")
                sys.path.append("/rom")
                sys.path.append("/rom/lib")
                break


_boot()
del _boot
