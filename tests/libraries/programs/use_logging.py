# needs: micropython-logging

import logging
import sys

logging.basicConfig(level=logging.INFO, stream=sys.stdout)
log = logging.getLogger("unit")
log.addHandler(logging.StreamHandler(sys.stdout))
log.info("hello %d %s", 5, "x")
log.debug("not shown")
log.warning("careful")
try:
    [][1]
except IndexError as error:
    log.error("that was %r", error)
