#include "cpu/local_apic.h"
#include "devices/msi.h"

enum {
    FIRST = IRQ_VECTOR_ISA + 16,
    ADDR = 0xfee00000,
    ID_SHIFT = 12,
    ID_MAX = 254, // 255 is all of them
};

static uint8_t next = FIRST;

uint8_t msi_vector(irq_handler_t handler, void *context) {
    if (next == IRQ_VECTOR_HIGH) {
        return 0;
    }
    irq_set_handler(next, handler, context);
    return next++;
}

bool msi_message(uint8_t vector, msi_t *message) {
    uint32_t id = local_apic_id();
    message->addr = ADDR | (uint64_t)id << ID_SHIFT;
    message->data = vector;
    return id <= ID_MAX;
}

void msi_reset(void) {
    while (next > FIRST) {
        irq_set_handler(--next, 0, 0);
    }
}
