# Runs first at every start: the loader's handoff in, its memory to the allocator, its files to
# /rom and /. An error here ends in a panic: without memory there is nothing to go on with.


def _boot():
    import _calls
    import _files
    import _handoff
    import _space
    import bootinfo
    import cmdline
    import frames
    import memmap

    _handoff.need_start()
    bootinfo.init(_handoff.protocol, _handoff.addr)
    memmap.init(bootinfo.regions, bootinfo.rsdp)
    options = cmdline.parse(bootinfo.cmdline)
    console = cmdline.choice(options, "console", ("all", "serial", "screen", "none"))
    _handoff.set_console(console in ("all", "serial"), console in ("all", "screen"))
    log = cmdline.choice(options, "log", ("info", "quiet")) != "quiet"
    if log:
        print(memmap.summary("%s map at 0x%x" % (bootinfo.protocol, bootinfo.map_addr)))

    maxmem = options.get("maxmem")
    below = _space._addr_end()
    if maxmem is not None:
        below = min(below, cmdline.size("maxmem", maxmem))
    ranges = memmap.free_ranges(bootinfo.in_use + _handoff.in_use(), below)
    if len(ranges) > 2 * 1024:
        raise ValueError(
            "memory map: %d pieces of free memory, more than 1024" % (len(ranges) // 2)
        )
    if not ranges:
        raise ValueError(
            "memory map: no free memory in it"
            if maxmem is None
            else "command line: maxmem=%s leaves no memory: it is at least 64k" % maxmem
        )
    frames.init(ranges)
    bootinfo.modules = _files.off_null(bootinfo.modules)
    starts, lasts, kinds = memmap._arrays()
    _space._init(starts, lasts, kinds)
    heap = options.get("heap")
    if heap is not None:
        _handoff.set_heap(cmdline.size("heap", heap))
    main = options.get("main")
    _handoff.set_eof_poweroff(cmdline.choice(options, "eof", ("reset", "poweroff")) != "reset")

    cpus = options.get("cpus")
    if cpus not in (None, "all"):
        if not cpus.isdigit() or not 1 <= int(cpus) <= 255:
            raise ValueError(
                "command line: cpus=%s is neither all nor a number from 1 to 255" % cpus
            )
        _handoff.set_cpus(int(cpus))

    layout = options.get("keyboard")
    if layout is not None:
        import keyboard

        try:
            keyboard.layout(layout)
        except ValueError as error:
            print("command line: %s; it stays %s" % (error, keyboard.layout()))

    if _files.mount(bootinfo.modules, options) and main is None:
        main = "/rom/main.py"
    if main is not None:
        _handoff.set_program(main)
    if cpus == "all":
        _calls.all()

    if log:
        ms = _handoff.start_ms()
        if ms is not None:
            print("started in %d ms" % ms)


_boot()
del _boot
