#include "cpu/clock.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/local_apic.h"
#include "cpu/timer.h"

static bool present;
static timer_entry_t *queue; // by due, earliest first

// An early interrupt does no harm: the handler looks at the clock and sets the rest.
static void set_alarm(void) {
    if (!present) {
        return;
    }
    if (queue == 0) {
        local_apic_timer_start(0);
        return;
    }
    uint64_t now = clock_ns();
    local_apic_timer_start(clock_apic_ticks(queue->due > now ? queue->due - now : 0));
}

static void unlink(timer_entry_t *timer) {
    if (timer->queued) {
        timer_entry_t **link = &queue;
        while (*link != timer) {
            link = &(*link)->next;
        }
        *link = timer->next;
        timer->queued = false;
    }
}

void timer_start(timer_entry_t *timer, uint64_t due) {
    uint64_t state = cpu_irq_save();
    unlink(timer);
    timer->due = due;
    timer_entry_t **link = &queue;
    while (*link != 0 && (*link)->due <= due) {
        link = &(*link)->next;
    }
    timer->next = *link;
    *link = timer;
    timer->queued = true;
    if (queue == timer) {
        set_alarm();
    }
    cpu_irq_restore(state);
}

void timer_stop(timer_entry_t *timer) {
    uint64_t state = cpu_irq_save();
    // An alarm for nothing is cheaper than setting it anew.
    unlink(timer);
    cpu_irq_restore(state);
}

static void run_due(void *context) {
    (void)context;
    // What a callback starts that is due already waits for the next interrupt.
    uint64_t now = clock_ns();
    while (queue != 0 && queue->due <= now) {
        timer_entry_t *timer = queue;
        queue = timer->next;
        timer->queued = false;
        if (timer->callback != 0) {
            timer->callback(timer);
        }
    }
    set_alarm();
}

void timer_init(void) {
    present = true;
    irq_set_handler(IRQ_VECTOR_TIMER, run_due, 0);
    local_apic_timer_init(IRQ_VECTOR_TIMER);
}
