// Ending the machine, and telling QEMU's parent how.
#ifndef RINGZERO_DEVICES_POWER_H
#define RINGZERO_DEVICES_POWER_H

enum {
    POWER_STATUS_MAX = 100, // the largest status of a program
};

// Ends the machine with a program's status, 0 to POWER_STATUS_MAX.
__attribute__((noreturn)) void power_off(unsigned status);
// Ends the machine with the one status of a panic.
__attribute__((noreturn)) void power_off_panic(void);
// Starts the machine anew.
__attribute__((noreturn)) void power_reset(void);

#endif
