SRC_USERMOD += $(USERMOD_DIR)/checksum.c
