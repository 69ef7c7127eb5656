# Runs first at every start: the loader's handoff in, its memory to the allocator, its files to
# /rom and /. An error here ends in a panic: without memory there is nothing to go on with.

try:
    # Of the start, as in bootinfo.py, and so is all that follows.
    _handoff = _handoff
except NameError:
    # Refused below.
    import _handoff


def _boot():
    _handoff.need_start()
    bootinfo.init(_handoff.protocol, _handoff.addr)
    memmap.init(bootinfo.regions, bootinfo.rsdp)
    options = cmdline._parse(bootinfo.cmdline)
    console = cmdline.choice(options, "console", ("all", "serial", "screen", "none"))
    serial = console == "all" or console == "serial"
    screen = console == "all" or console == "screen"
    _handoff.set_console(serial, screen)
    log = cmdline.choice(options, "log", ("info", "quiet")) == "info"
    if log:
        source = "memmap: ", bootinfo.protocol, " map at 0x", bootinfo.map_addr
        sizes, unit, root = memmap._summary()
        _handoff.log(source, sizes, unit, root)

    maxmem = options.get("maxmem")
    below = _space._addr_end()
    if maxmem is not None:
        below = min(below, cmdline.size("maxmem", maxmem))
    ranges = memmap.free_ranges(_handoff.in_use(bootinfo.in_use), below)
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
    if bootinfo.modules:
        bootinfo.modules = _files.off_null(bootinfo.modules)
    starts, lasts, kinds = memmap._arrays()
    _space._init(starts, lasts, kinds)
    heap = options.get("heap")
    if heap is not None:
        _handoff.set_heap(cmdline.size("heap", heap))
    main = options.get("main")
    _handoff.set_eof_poweroff(cmdline.choice(options, "eof", ("reset", "poweroff")) != "reset")

    cpus = options.get("cpus")
    every = False
    if cpus is not None:
        every = cpus == "all"
        if not every:
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
    if every:
        _calls.all()

    if log:
        ms = _handoff.start_ms()
        if ms is not None:
            _handoff.log(("started in ", ms, " ms"))


_boot()
