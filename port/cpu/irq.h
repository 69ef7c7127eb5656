// Interrupts: who gets which, and waiting for one.
#ifndef RINGZERO_CPU_IRQ_H
#define RINGZERO_CPU_IRQ_H

#include <stdbool.h>
#include <stdint.h>

// The vectors, above the exceptions and the 16 where a stray 8259 interrupt lands.
enum {
    IRQ_VECTOR_TIMER = 0x30,
    IRQ_VECTOR_ISA = 0x40, // and the 15 after it
    // From here on on a stack of their own, and also while a handler lets them through.
    IRQ_VECTOR_HIGH = 0xe0,
    IRQ_VECTOR_WATCH = IRQ_VECTOR_HIGH,
    IRQ_VECTOR_CPUS = 0xf0, // another CPU wants something
    IRQ_VECTOR_ERROR = 0xfe,
    IRQ_VECTOR_SPURIOUS = 0xff,
};

// Runs with interrupts off on the interrupt stack, which holds 32 KiB; for the high vectors on one that
// holds 8 KiB.
typedef void (*irq_handler_t)(void *context);

// Turns the local APIC on; interrupts stay off. False: there is none.
bool irq_init(void);
// The same on a further CPU.
void irq_join(void);

void irq_set_handler(uint8_t vector, irq_handler_t handler, void *context);
// Halts until an interrupt has come since the last call; returns at once where it has, and where
// interrupts are off. Check what is waited for before every call and after it.
void irq_wait(void);

// Calls a function of the handler's, on its stack, with interrupts on, but for the high vectors only.
void irq_call_interruptible(void (*function)(void *), void *context);

// What the handler that runs has interrupted, which it may change; NULL: none runs.
extern struct trap_frame *irq_interrupted;

// A handler runs: what it interrupted may be in the middle of anything.
extern volatile bool irq_active;

// How many interrupts there have been.
extern volatile unsigned irq_count;

// How many interrupts came that nobody asked for, and the vector of the last.
extern uint64_t irq_unexpected_count;
extern uint8_t irq_unexpected_vector;

// Called by the trap code for every vector that is no exception.
void irq_handle(struct trap_frame *frame);

#endif
