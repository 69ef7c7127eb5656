// Random numbers that nobody can guess, where the CPU has them.
#ifndef RINGZERO_DEVICES_RANDOM_H
#define RINGZERO_DEVICES_RANDOM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Fills `buf`. False if that was done from the clock, and so can be guessed.
bool random_fill(void *buf, size_t size);

// One number, for seeding what need not be secret.
uint64_t random_seed(void);

#endif // RINGZERO_DEVICES_RANDOM_H
