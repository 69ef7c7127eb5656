metadata(version="1.0", description="QEMU's acpi-bits scripts, on modules of BITS's names.")
freeze("layer")
# What convert.py has made of them: a package `scripts`.
freeze("$(BITS_SCRIPTS)")
module("main.py")
