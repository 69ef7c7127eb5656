# What every kernel has frozen in.
freeze("$(PORT_DIR)/../modules")
include("$(MPY_DIR)/extmod/asyncio")
