#include "boot/percpu.h"
#include "cpu/clock.h"
#include "cpu/io.h"
#include "cpu/irq.h"
#include "cpu/local_apic.h"
#include "cpu/timer.h"

// A serial port's FIFO is full after 1.4 ms.
#define WATCH_NS    UINT64_C(1000000)
#define TURN_MAX_NS UINT64_C(100000)

PERCPU static bool present;
PERCPU static bool running; // a handler's functions: the alarm is set when they are done
PERCPU static void (*watcher)(void);
PERCPU static timer_entry_t *queue; // by due, earliest first

// An early interrupt does no harm: the handler looks at the clock and sets the rest.
static void set_alarm(uint64_t turn_ns) {
    if (!present || running) {
        return;
    }
    if (queue == 0) {
        local_apic_timer_start(0);
        return;
    }
    uint64_t now = clock_ns();
    local_apic_timer_start(clock_apic_ticks(queue->due > now ? queue->due - now : turn_ns));
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
        set_alarm(0);
    }
    cpu_irq_restore(state);
}

void timer_stop(timer_entry_t *timer) {
    uint64_t state = cpu_irq_save();
    // An alarm for nothing is cheaper than setting it anew.
    unlink(timer);
    cpu_irq_restore(state);
}

void timer_settle(void) {
    uint64_t state = cpu_irq_save();
    set_alarm(0);
    cpu_irq_restore(state);
}

static void run_due(void *context) {
    (void)context;
    // What a callback starts that is due already waits for the next interrupt.
    uint64_t now = clock_ns();
    running = true;
    while (queue != 0 && queue->due <= now) {
        timer_entry_t *timer = queue;
        queue = timer->next;
        timer->queued = false;
        if (timer->callback != 0) {
            timer->callback(timer);
        }
    }
    running = false;
    // What was interrupted gets as long as this has taken, however much more is due.
    uint64_t taken_ns = clock_ns() - now;
    set_alarm(taken_ns < TURN_MAX_NS ? taken_ns : TURN_MAX_NS);
}

static void run_urgent(void) {
    uint64_t now = clock_ns();
    timer_entry_t *timer = queue;
    while (timer != 0 && timer->due <= now && !timer->urgent) {
        timer = timer->next;
    }
    if (timer != 0 && timer->due <= now) {
        unlink(timer);
        timer->callback(timer);
    }
}

static void watch(void *context) {
    (void)context;
    // A late one has nothing to watch.
    if (watcher != 0) {
        run_urgent();
        watcher();
        local_apic_timer_start(clock_apic_ticks(WATCH_NS));
    }
}

void timer_call_watched(void (*function)(void *), void *context, void (*watch)(void)) {
    bool was_running = running;
    running = true;
    watcher = watch;
    local_apic_timer_init(IRQ_VECTOR_WATCH);
    local_apic_timer_start(clock_apic_ticks(WATCH_NS));
    irq_call_interruptible(function, context);
    local_apic_timer_init(IRQ_VECTOR_TIMER);
    watcher = 0;
    running = was_running;
    set_alarm(TURN_MAX_NS);
}

void timer_init(void) {
    present = true;
    irq_set_handler(IRQ_VECTOR_TIMER, run_due, 0);
    irq_set_handler(IRQ_VECTOR_WATCH, watch, 0);
    local_apic_timer_init(IRQ_VECTOR_TIMER);
}
