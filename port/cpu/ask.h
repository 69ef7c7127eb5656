// What only a CPU itself can say, asked of another one by an interrupt.
#ifndef RINGZERO_CPU_ASK_H
#define RINGZERO_CPU_ASK_H

#include <stdbool.h>
#include <stdint.h>

#include "cpu/io.h"

typedef struct {
    enum { ASK_CPUID, ASK_RDMSR, ASK_WRMSR } what;
    uint32_t index, subleaf;
    uint64_t value;     // to write, or what was read
    cpuid_t registers;
    bool faulted;       // #GP: there is no such register, or the value does not fit
} ask_t;

// Returns when it has been answered. False: not within a second, as that CPU has interrupts off; it will not be.
bool ask_cpu(unsigned number, ask_t *ask);

// In the handler of IRQ_VECTOR_CPUS: answers what this CPU is asked.
void ask_answer(void);

void ask_init(void);

#endif
