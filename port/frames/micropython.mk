# Builds the frames module into any MicroPython port (USER_C_MODULES=.../port).
FRAMES_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(FRAMES_DIR)/modframes.c
SRC_USERMOD_LIB_C += $(addprefix $(FRAMES_DIR)/, \
    frames.c frames_2m.c frames_bound.c frames_bulk.c frames_check.c frames_chunk.c \
    frames_kernel.c frames_line.c frames_lock.c frames_map.c frames_mixed.c frames_quiesce.c \
    frames_range.c frames_refill.c frames_report.c frames_reservation.c frames_reserve.c \
    frames_run.c frames_share.c frames_text.c frames_tree.c frames_word.c frames_zone.c)
CFLAGS_USERMOD += -I$(FRAMES_DIR)
