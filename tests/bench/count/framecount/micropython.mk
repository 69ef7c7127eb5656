# What counts the allocator's instructions in the kernel. Built by tests/bench/bench_frames_kernel.py.
SRC_USERMOD += $(USERMOD_DIR)/framecount.c
