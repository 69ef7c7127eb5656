# What every kernel has frozen in. Of modules/ without its folders: those are packed first.
import os

MODULES = "../../modules"
freeze(
    "$(PORT_DIR)/../modules",
    [name for name in sorted(os.listdir(MODULES)) if name.endswith(".py")],
)
include("$(MPY_DIR)/extmod/asyncio")
