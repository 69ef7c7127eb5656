metadata(version="1.0", description="Appends measurements to a log on a disk.")
module("logger.py")
module("main.py")
