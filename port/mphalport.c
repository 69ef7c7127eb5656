// Time, waiting, and the order in which devices are set up.
#include "py/mphal.h"
#include "py/objint.h"
#include "py/runtime.h"
#include "shared/timeutils/timeutils.h"

#include "boot/handoff.h"
#include "boot/percpu.h"
#include "cpu/clock.h"
#include "cpu/cpus.h"
#include "cpu/irq.h"
#include "cpu/local_apic.h"
#include "cpu/timer.h"
#include "devices/hpet.h"
#include "devices/io_apic.h"
#include "devices/pic.h"
#include "devices/pit.h"
#include "devices/pm_timer.h"
#include "devices/rtc.h"
#include "firmware/acpi.h"
#include "firmware/smbios.h"
#include "mpy/network.h"
#include "mpy/thread.h"

#define NS_IN_US    UINT64_C(1000)
#define NS_IN_MS    UINT64_C(1000000)
#define NS_IN_S     UINT64_C(1000000000)
// Half of what clock_ns() counts to: a time of that length ends before the clock does.
#define TIME_MAX_NS (UINT64_C(1) << 62)
// How often the console is looked at where its interrupt does not arrive.
#define POLL_NS     (5 * NS_IN_MS)
// Shorter waits than this are not worth a timer.
#define SPIN_NS     (50 * NS_IN_US)
#define FIRST_REFINE_NS (8 * NS_IN_MS)

static timer_entry_t wake_timer;
static timer_entry_t poll_timer;
static timer_entry_t refine_timer;
SHARED static bool has_timer;
static bool may_refine, refining;

// The wall clock at clock_ns() == 0; 0: not yet known.
SHARED static uint64_t wall_base_ns;

static void poll(timer_entry_t *timer) {
    mp_hal_service_console();
    timer_start(timer, clock_ns() + POLL_NS);
}

static void refine(timer_entry_t *timer) {
    uint64_t wait_ns = clock_refine();
    if (wait_ns != 0) {
        timer_start(timer, clock_ns() + wait_ns);
    }
}

void mp_hal_refine_clock(void) {
    may_refine = true;
}

// The first question for the time after the start has the clock measured better from then on. Not
// earlier: at the start, a measurement would have to wait.
static uint64_t now_ns(void) {
    if (may_refine && !refining) {
        refining = true;
        if (has_timer) {
            refine_timer.callback = refine;
            timer_start(&refine_timer, clock_ns() + FIRST_REFINE_NS);
        }
    }
    return clock_ns();
}

// The best first.
static const clock_finder_t references[] = {
    hpet_find_reference, pm_timer_find_reference, local_apic_find_reference, pit_find_reference,
};

void mp_hal_init(void) {
    acpi_init(handoff_rsdp());
    smbios_init(handoff_efi_system_table());
    pic_disable();
    has_timer = irq_init();
    if (has_timer) {
        io_apic_init();
    }
    clock_init(references, MP_ARRAY_SIZE(references), has_timer);
    if (has_timer) {
        timer_init();
    }
    bool works = mp_hal_init_console();
    cpu_irq_on();
    if (!works && has_timer) {
        poll_timer.callback = poll;
        timer_start(&poll_timer, clock_ns() + POLL_NS);
    }
}

void mp_hal_idle(uint64_t due) {
    if (!has_timer || irq_active || !(cpu_rflags() & CPU_RFLAGS_IF)) {
        mp_hal_service_console();
        cpu_pause();
        return;
    }
    if (due != UINT64_MAX) {
        timer_start(&wake_timer, due);
    }
    mp_hal_leave_line();
    network_idle();
    if (!network_is_pending()) {
        irq_wait();
    }
    if (due != UINT64_MAX) {
        timer_stop(&wake_timer);
    }
}

void mp_hal_wait(unsigned long timeout_ms) {
    // mp_handle_pending() runs one callback at a time.
    if (timeout_ms == 0 || network_is_fresh() || MP_STATE_VM(sched_state) == MP_SCHED_PENDING) {
        return;
    }
    uint64_t now = now_ns();
    thread_wait(timeout_ms < (UINT64_MAX - now) / NS_IN_MS ? now + timeout_ms * NS_IN_MS : UINT64_MAX, true);
}

bool mp_hal_has_timer(void) {
    return has_timer;
}

void mp_hal_check_time(uint64_t count, uint64_t ns) {
    if (count > TIME_MAX_NS / ns) {
        mp_raise_msg(&mp_type_OverflowError, MP_ERROR_TEXT("a time is at most 146 years"));
    }
}

int64_t mp_hal_get_time(void *object) {
    bool below = mp_obj_is_exact_type(object, &mp_type_int) && mp_obj_int_sign(object) < 0;
    return below ? INT64_MIN : mp_obj_get_int(object);
}

mp_float_t mp_hal_get_seconds(mp_obj_t object) {
    mp_float_t seconds = mp_obj_get_float(object);
    if (seconds != seconds) {
        mp_raise_ValueError(MP_ERROR_TEXT("a time is not NaN"));
    }
    mp_hal_check_time(seconds >= (mp_float_t)TIME_MAX_NS ? UINT64_MAX : (uint64_t)MAX(seconds, 0), NS_IN_S);
    return seconds;
}

static void delay(uint64_t count, uint64_t unit_ns) {
    mp_hal_check_time(count, unit_ns);
    uint64_t due = now_ns() + count * unit_ns;
    thread_yield();
    for (;;) {
        mp_event_handle_nowait();
        uint64_t now = now_ns();
        if (now >= due) {
            return;
        }
        if (due - now > SPIN_NS && MP_STATE_VM(sched_state) != MP_SCHED_PENDING) {
            thread_wait(due, false);
        } else {
            cpu_pause();
        }
    }
}

void mp_hal_delay_us(mp_uint_t us) {
    delay(us, NS_IN_US);
}

void mp_hal_delay_ms(mp_uint_t ms) {
    delay(ms, NS_IN_MS);
}

mp_uint_t mp_hal_ticks_us(void) {
    return now_ns() / NS_IN_US;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return now_ns() / NS_IN_MS;
}

uint64_t mp_hal_time_ns(void) {
    if (wall_base_ns == 0) {
        rtc_time_t t;
        uint64_t seconds = 0;
        if (rtc_read(&t)) {
            seconds = timeutils_seconds_since_epoch(t.year, t.month, t.day, t.hour, t.minute, t.second);
        }
        mp_hal_set_time_ns(seconds * NS_IN_S);
    }
    return wall_base_ns + now_ns();
}

void mp_hal_set_time_ns(uint64_t ns) {
    uint64_t now = now_ns();
    wall_base_ns = ns > now ? ns - now : 1;
}

// The time that FAT stamps its files with: local time from 1980 on, in steps of two seconds.
uint32_t get_fattime(void) {
    timeutils_struct_time_t t;
    timeutils_seconds_since_epoch_to_struct_time(mp_hal_time_ns() / NS_IN_S, &t);
    if (t.tm_year < 1980) {
        return 1 << 21 | 1 << 16;
    }
    return (t.tm_year - 1980) << 25 | t.tm_mon << 21 | t.tm_mday << 16
           | t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec / 2;
}
