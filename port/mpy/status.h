// From the end of a Python program to a status that the machine ends with.
#ifndef RINGZERO_MPY_STATUS_H
#define RINGZERO_MPY_STATUS_H

// The status of the program that ran last: 0 at its end, n for SystemExit(n), 1 for any other
// uncaught exception.
unsigned status_last(void);

// n if what ran last ended with SystemExit(n), else 0.
unsigned status_of_exit(void);

#endif
