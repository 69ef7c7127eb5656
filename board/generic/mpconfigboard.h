// The one kernel for every PC that QEMU's q35, pc and microvm stand for, and for real ones.
#define MICROPY_HW_BOARD_NAME "PC"
