# Runs what the scripts register, as BITS's batch mode does; the status says if all has passed.

import sys

# BITS's names, before any script is imported: this `acpi` has the kernel's as well.
import bits.acpi
import bits.python2

sys.modules["acpi"] = bits.acpi
bits.python2.install()

import testsuite  # noqa: E402

import scripts  # noqa: E402

for name in scripts.NAMES:
    script = getattr(__import__("scripts." + name), name)
    if hasattr(script, "register_tests"):
        script.register_tests()
    if hasattr(script, "annex_a_conformance"):
        # It prints what it finds; BITS has a menu entry for it and no test.
        script.annex_a_conformance()
_, failed = testsuite.run_all_tests()
if failed:
    raise SystemExit(1)
