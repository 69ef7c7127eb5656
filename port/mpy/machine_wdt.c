// Included by extmod/machine_wdt.c. A watchdog made of the kernel's timer: it bites whenever
// Python hangs, but not a kernel that hangs with interrupts off. It outlives a soft reset.
#include "cpu/clock.h"
#include "cpu/timer.h"
#include "devices/power.h"
#include "mpy/modmachine.h"
#include "mpy/versions.h"

// 146 years, as for all times.
#define TIMEOUT_MAX_MS INT64_C(4611686018427)

typedef struct _machine_wdt_obj_t {
    mp_obj_base_t base;
} machine_wdt_obj_t;

static const machine_wdt_obj_t machine_wdt_obj = { { &machine_wdt_type } };
static uint64_t wdt_timeout_ns;
static timer_entry_t wdt_timer;

static void wdt_bite(timer_entry_t *timer) {
    power_reset();
}

static void mp_machine_wdt_feed(machine_wdt_obj_t *self) {
    timer_start(&wdt_timer, clock_ns() + wdt_timeout_ns);
}

static void mp_machine_wdt_timeout_ms_set(machine_wdt_obj_t *self, mp_int_t timeout_ms) {
    if (timeout_ms <= 0 || timeout_ms > TIMEOUT_MAX_MS) {
        mp_raise_msg_varg(&mp_type_ValueError,
            MP_ERROR_TEXT("WDT timeout of %ld ms is not in 1 to %ld"), (long)timeout_ms, (long)TIMEOUT_MAX_MS);
    }
    machine_need_timer();
    wdt_timeout_ns = timeout_ms * UINT64_C(1000000);
    wdt_timer.callback = wdt_bite;
    wdt_timer.urgent = true;
    mp_machine_wdt_feed(self);
}

#if VERSION_WDT_ID_OBJECT
typedef mp_obj_t wdt_id_t;
#define WDT_ID_INT(id) (mp_obj_get_int(id))
#else
typedef mp_int_t wdt_id_t;
#define WDT_ID_INT(id) (id)
#endif

static machine_wdt_obj_t *mp_machine_wdt_make_new_instance(wdt_id_t id_in, mp_int_t timeout_ms) {
    mp_int_t id = WDT_ID_INT(id_in);
    if (id != 0) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("WDT(%d) doesn't exist"), (int)id);
    }
    machine_wdt_obj_t *self = (machine_wdt_obj_t *)&machine_wdt_obj;
    mp_machine_wdt_timeout_ms_set(self, timeout_ms);
    return self;
}
