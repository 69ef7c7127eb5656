#include "boot/percpu.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/local_apic.h"
#include "cpu/trap.h"

typedef struct {
    irq_handler_t handler;
    void *context;
} slot_t;

PERCPU volatile bool irq_active;
PERCPU volatile unsigned irq_count;
PERCPU trap_frame_t *irq_interrupted;
PERCPU uint64_t irq_unexpected_count;
PERCPU uint8_t irq_unexpected_vector;

static bool present;
static slot_t slots[256];

bool irq_init(void) {
    present = local_apic_init(IRQ_VECTOR_SPURIOUS, IRQ_VECTOR_ERROR);
    return present;
}

void irq_join(void) {
    local_apic_join(IRQ_VECTOR_SPURIOUS, IRQ_VECTOR_ERROR);
}

void irq_set_handler(uint8_t vector, irq_handler_t handler, void *context) {
    slots[vector].context = context;
    slots[vector].handler = handler;
}

void irq_handle(trap_frame_t *frame) {
    uint8_t vector = frame->vector;
    const slot_t *slot = &slots[vector];
    if (slot->handler != 0) {
        bool active = irq_active;
        trap_frame_t *interrupted = irq_interrupted;
        irq_active = true;
        irq_interrupted = frame;
        slot->handler(slot->context);
        irq_interrupted = interrupted;
        irq_active = active;
    } else if (vector != IRQ_VECTOR_SPURIOUS) {
        // A stray 8259 interrupt, an int instruction, a device that firmware left on.
        irq_unexpected_count++;
        irq_unexpected_vector = vector;
    }
    ++irq_count;
    // SDM 3A 10.9: a spurious interrupt sets no bit and wants no EOI.
    if (present && local_apic_in_service(vector)) {
        local_apic_eoi();
    }
}

void irq_call_interruptible(void (*function)(void *), void *context) {
    cpu_set_cr8((IRQ_VECTOR_HIGH >> 4) - 1);
    cpu_irq_on();
    function(context);
    cpu_irq_off();
    cpu_set_cr8(0);
}

void irq_wait(void) {
    PERCPU static unsigned seen;
    uint64_t state = cpu_irq_save();
    if (state == 0 || !present) {
        cpu_pause();
    } else if (seen == irq_count) {
        cpu_irq_wait();
        cpu_irq_off();
    }
    seen = irq_count;
    cpu_irq_restore(state);
}
