import bootinfo
import cmdline
import memtest

options = cmdline.parse(bootinfo.cmdline)
if memtest.run(passes=int(options.get("passes", "1"))):
    raise SystemExit(1)
