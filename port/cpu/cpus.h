// The machine's CPUs: which there are, how one is started, and what they ask of each other.
//
// A CPU is a number from 0, the one that has booted. What one wants of all others is done by NMI, which
// reaches them with interrupts off, too: whoever waits for it holds up nobody who waits for him. What may
// take its time, or be left, comes as an interrupt.
#ifndef RINGZERO_CPU_CPUS_H
#define RINGZERO_CPU_CPUS_H

#include <stdbool.h>
#include <stdint.h>

#include "boot/percpu.h"

#define CPUS_MAX 255

// This CPU's number, and how many run.
extern unsigned cpus_number;
extern unsigned cpus_count;
// From 1 on, how often they have been stopped: for lock.h.
extern uint32_t cpus_epoch;

typedef struct {
    char *memory;           // what percpu_start is on this CPU, seen from everywhere
    uint32_t apic_id;
    uint32_t asked;         // to run cpus_run_on_others()'s function
    uint32_t parked;
} cpu_t;

extern cpu_t cpus[CPUS_MAX];

// Another CPU's own variable.
#define CPUS_OF(number, variable) \
    ((__typeof__(variable) *)(cpus[number].memory + ((char *)&(variable) - percpu_start)))

// Before the first start: the CPU that has booted is number 0.
void cpus_init(void);

// What a CPU runs when it has been started: on its own stack, with interrupts off. It makes the CPU what the
// first one is, says cpus_join(), and never returns.
void cpus_set_entry(void (*entry)(void));

// INIT, after which the CPU waits for its start wherever it was. Ten ms later it can be started.
void cpus_reset(uint32_t apic_id);

// Starts it as the next number, with its own variables at `memory`, where they have their values, on the
// page tables at `root`; a copy of cpus_trampoline is at `trampoline`, a page below 1 MiB. False: it does
// not answer within a second, and has been reset.
bool cpus_start(uint32_t apic_id, char *memory, uint64_t root, uint64_t trampoline);
extern const char cpus_trampoline[], cpus_trampoline_end[];

// On a CPU that has been started: its time is the first one's, and it counts from now on.
void cpus_join(void);

// Runs a function on every other CPU, in its NMI's handler, and returns when all have. It must take no lock
// and touch nothing that is not always mapped.
void cpus_run_on_others(void (*function)(void *), void *context);

// All others have passed a memory barrier.
void cpus_barrier(void);

// Interrupts another CPU by IRQ_VECTOR_CPUS; does nothing more if it is halted in irq_wait().
void cpus_interrupt(unsigned number);

// For a panic: the others stop where they are, for good. False: another CPU has come first.
bool cpus_panic(void);

// On CPU 0: the others are stopped, wherever they are, and there is one CPU. What they were in the middle of
// must be made anew.
void cpus_stop(void);

// Called by the boot code on a CPU that is being started.
__attribute__((noreturn)) void cpus_enter(void);

#endif
