# Builds the frames module into any MicroPython port (USER_C_MODULES=.../port).
FRAMES_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(FRAMES_DIR)/modframes.c
CFLAGS_USERMOD += -I$(FRAMES_DIR)
