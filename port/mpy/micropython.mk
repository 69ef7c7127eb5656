# Builds page memory into MicroPython's unix port (USER_C_MODULES=.../port), for tests on the host.
PAGES_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(PAGES_DIR)/modpages.c
# Last: the other port has an mpconfigport.h of its own.
CFLAGS_USERMOD += -idirafter $(PAGES_DIR)/..
