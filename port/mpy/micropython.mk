# Builds page memory, messages and queues into MicroPython's unix port (USER_C_MODULES=.../port), for tests on the host.
PAGES_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(PAGES_DIR)/, message.c message_memory.c modpages.c modsync.c)
# Last: the other port has an mpconfigport.h of its own.
CFLAGS_USERMOD += -idirafter $(PAGES_DIR)/..
