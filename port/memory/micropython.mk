# Builds page memory into MicroPython's unix port (USER_C_MODULES=.../port), for tests on the host.
SRC_USERMOD_C += $(USERMOD_DIR)/modpages.c
