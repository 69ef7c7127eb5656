// One CPU at a time. With one CPU in the machine it costs a look at how many there are.
#ifndef RINGZERO_CPU_LOCK_H
#define RINGZERO_CPU_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/cpus.h"
#include "cpu/io.h"

// Starts with 0. What a CPU held when it was stopped is free again: the epoch is another one since.
typedef struct {
    uint32_t taken;
} lock_t;

static inline bool lock_try(lock_t *lock) {
    return __atomic_exchange_n(&lock->taken, cpus_epoch, __ATOMIC_ACQUIRE) != cpus_epoch;
}

// For what no interrupt's handler does. Who waits answers others meanwhile, by NMI.
static inline void lock_take(lock_t *lock) {
    while (cpus_count > 1 && !lock_try(lock)) {
        cpu_pause();
    }
}

static inline void lock_release(lock_t *lock) {
    __atomic_store_n(&lock->taken, 0, __ATOMIC_RELEASE);
}

// For what handlers do, too: with interrupts off, which lock_restore() undoes.
static inline uint64_t lock_save(lock_t *lock) {
    uint64_t state = cpu_irq_save();
    lock_take(lock);
    return state;
}

static inline void lock_restore(lock_t *lock, uint64_t state) {
    lock_release(lock);
    cpu_irq_restore(state);
}

#endif
