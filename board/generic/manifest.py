# What every kernel has frozen in. Of modules/ without its folders: those are packed first.
import os

MODULES = "../../modules"
NETWORK = ("_e1000.py", "_nics.py", "_virtio_net.py", "_repl_tcp.py", "repl_tcp.py")
LEFT_OUT = NETWORK if os.environ.get("NET") == "0" else ()
LEFT_OUT += ("ssl.py",) if os.environ.get("TLS") == "0" else ()
freeze(
    "$(PORT_DIR)/../modules",
    [
        name
        for name in sorted(os.listdir(MODULES))
        if name.endswith(".py") and name not in LEFT_OUT
    ],
)
include("$(MPY_DIR)/extmod/asyncio")
