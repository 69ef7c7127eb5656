metadata(version="1.0", description="Tasks that take turns, and a module in C.")
# As upstream's manifests do. Nothing comes twice: the kernel's own modules are there in any case.
include("$(PORT_DIR)/../board/generic/manifest.py")
package("tasks")
module("main.py")
